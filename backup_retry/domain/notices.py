"""A notice: one CloudEvent that tells the world what became of an incident or a storm."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

SOURCE = "/azure-backup-retry"


class NoticeKind(StrEnum):
    """The CloudEvents types that this app publishes."""

    RETRY_TRIGGERED = "BackupRetry.RetryTriggered"
    RECOVERED = "BackupRetry.Recovered"
    NEEDS_PERSON = "BackupRetry.NeedsPerson"
    EXHAUSTED = "BackupRetry.Exhausted"
    STORM_BEGAN = "BackupRetry.StormBegan"
    STORM_NEEDS_PERSON = "BackupRetry.StormNeedsPerson"
    STORM_ENDED = "BackupRetry.StormEnded"
    UNKNOWN_VAULTS = "BackupRetry.UnknownVaults"
    DAILY_SUMMARY = "BackupRetry.DailySummary"

    @property
    def calls_a_person(self) -> bool:
        """True for the end of an incident, or a wait, that somebody has to do something about."""
        return self in {NoticeKind.NEEDS_PERSON, NoticeKind.EXHAUSTED}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One CloudEvent; the same thing told twice has the same id, so that a receiver can drop the second."""

    id: str
    kind: NoticeKind
    at: datetime
    #: the protected item's ARM id
    subject: str
    data: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def cause(self) -> str:
        """What notices of one cause have in common: kind, vault and code; those of older versions say no code."""
        code = self.data.get("cause") or self.data.get("error")
        return f"{self.kind}|{self.data.get('vaultId')}|{code}".casefold()
