"""An acknowledgement: somebody knows that an item needs a person, and nobody has to be told again for a while."""

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
        """True while nobody has to be told of that error again."""
        return error == self.error and (self.until is None or now < self.until)
