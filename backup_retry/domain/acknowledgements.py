"""An acknowledgement: operators know that an item requires action, and no further notice is needed for a while."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """Who knows, and why it can wait."""

    by: str
    note: str
    #: what the item failed with then: another error is news
    error: str
    #: None: until the item has recovered
    until: datetime | None = None

    def holds(self, error: str, now: datetime) -> bool:
        """True while that error needs no further notice."""
        return error == self.error and (self.until is None or now < self.until)
