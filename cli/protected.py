"""Whether each item is protected: what `protection` lists, and `status` counts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta

from backup_retry.domain.errors import BackupRetryError, in_words
from backup_retry.domain.estate import Estate
from backup_retry.domain.protection import Protection, unprotected
from backup_retry.policy.compliance import WINDOWS
from backup_retry.policy.protection_state import Judgement, judged
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.protection_history import seen_since
from backup_retry.ports.reports import cares
from cli.journal import closed_within
from cli.session import Session


@dataclass(frozen=True, kw_only=True)
class Protected:
    """Every item's state, or why it is unknown."""

    estate: Estate = field(default_factory=Estate)
    #: by an item's key
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    problem: str = ""

    @property
    def states(self) -> Mapping[Protection, int]:
        """How many items are in each state."""
        return Counter(each.state for each in self.judgements.values())

    @property
    def unprotected(self) -> int | None:
        """How many items are unprotected now; None: unknown."""
        return None if self.problem else unprotected(self.states)

    @property
    def missed(self) -> int:
        """How many items are unprotected without anybody having been told."""
        return sum(each.state.is_missed for each in self.judgements.values())


async def look_at_protection(session: Session) -> Protected:
    """Read the estate and judge each item; raises what Azure or the ledger answers."""
    now = session.clock()
    estate = await session.estate_reader.read(now - JOB_RETENTION)
    kept = session.settings.keep_days or JOB_RETENTION.days
    closed = await closed_within(session, min(JOB_RETENTION.days, kept))
    days = await session.history.days(now.astimezone(UTC).date() - timedelta(days=max(WINDOWS)))
    found = cares(await session.reports.opened(), closed, seen_since(estate, days))
    return Protected(estate=estate, judgements=judged(estate, found, now))


async def protected_as_far_as_known(session: Session) -> Protected:
    """The same; where Azure does not tell, with why."""
    try:
        return await look_at_protection(session)
    except BackupRetryError as error:
        return Protected(problem=in_words(error))
