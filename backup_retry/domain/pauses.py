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
    #: a subscription id or a vault's ARM id; "": everything
    scope: str = ""

    def holds(self, vault: Vault, now: datetime) -> bool:
        """True when the pause is in force for the vault."""
        scope = self.scope.lower()
        return (self.until is None or now < self.until) and scope in {
            "",
            vault.subscription.lower(),
            vault.key,
        }
