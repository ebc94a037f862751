"""Retries that somebody has switched off."""

from dataclasses import dataclass
from datetime import datetime

from backup_retry.domain.arm_ids import Vault


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Retries are switched off: by whom, why, until when (None: until somebody resumes)."""

    by: str
    why: str
    until: datetime | None = None
    #: a freeze that is booked ahead begins then; None: it holds at once
    starts: datetime | None = None
    #: a subscription id or a vault's ARM id; "": everything
    scope: str = ""

    def is_over(self, now: datetime) -> bool:
        """True once its end has come."""
        return self.until is not None and now >= self.until

    def in_force(self, now: datetime) -> bool:
        """True from its start to its end."""
        return (self.starts is None or now >= self.starts) and not self.is_over(now)

    def holds(self, vault: Vault, now: datetime) -> bool:
        """True when the pause is in force for the vault."""
        return self.in_force(now) and self.scope.lower() in {"", vault.subscription.lower(), vault.key}
