"""Small builders of what the status page is made of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.jobs import Source
from backup_retry.domain.pauses import Pause
from backup_retry.domain.protected_days import VaultDay
from backup_retry.policy.storm import Storm
from backup_retry.ports.arrivals import VaultAlerts
from backup_retry.ports.inbox import Waiting
from backup_retry.ports.ledger import Beat
from backup_retry.ports.reports import Closed, Opened
from backup_retry.ports.unreadable_rows import UnreadableRow
from status.dashboard import Dashboard, Kept, build
from status.snapshot import Made, Snapshot
from tests.builders import NOW, item

TODAY = NOW.date()
_REASONS = {
    Outcome.RECOVERED: Reason.RETRY_SUCCEEDED,
    Outcome.RECOVERED_ELSEWHERE: Reason.ALREADY_RECOVERED,
    Outcome.NEEDS_ACTION: Reason.NEEDS_ACTION,
    Outcome.EXHAUSTED: Reason.EXHAUSTED,
    Outcome.LEFT_ALONE: Reason.CANCELLED,
}


def closed(
    outcome: Outcome,
    days_ago: int = 0,
    of: ProtectedItem | None = None,
    *,
    minutes: float = 30,
    name: str = "",
) -> Closed:
    """An incident that took so many minutes."""
    failed_at = NOW - timedelta(days=days_ago, hours=2)
    return Closed(
        incident_id=name or f"{outcome}-{days_ago}",
        item=of or item(),
        found_by=Source.ALERT,
        first_job_id="job-1",
        first_failed_at=failed_at,
        error="CloudInternalError",
        last_error="CloudInternalError",
        attempts=1,
        outcome=outcome,
        reason=_REASONS[outcome],
        detail="Do something.",
        opened_at=failed_at,
        closed_at=failed_at + timedelta(minutes=minutes),
    )


def opened(days_ago: int = 0, of: ProtectedItem | None = None) -> Opened:
    """An incident that is open since that day."""
    return Opened(incident_id="open-1", item=of or item(), at=NOW - timedelta(days=days_ago, hours=1))


def backups(
    good: Sequence[int] = (), bad: Sequence[int] = (), of: ProtectedItem | None = None, hour: int = 6
) -> Backups:
    """An item with good and bad backups so many days ago; the good ones early in the morning."""
    last = NOW - timedelta(days=min(good), hours=NOW.hour - hour) if good else None
    return Backups(
        item=of or item(),
        good=frozenset(TODAY - timedelta(days=each) for each in good),
        bad=frozenset(TODAY - timedelta(days=each) for each in bad),
        last_bad_at=NOW - timedelta(days=min(bad), hours=NOW.hour) if bad else None,
        last_good_at=last,
    )


def dashboard(
    *known: Backups,
    opened: Sequence[Opened] = (),
    closed: Sequence[Closed] = (),
    answered: bool = True,
    days: Sequence[VaultDay] = (),
) -> Dashboard:
    """The board of all that; `answered`: Resource Graph has."""
    return build(NOW, Estate(items=known) if answered else None, opened, closed, Kept.of(days, TODAY))


def snapshot(
    made: Dashboard | None,
    *,
    pauses: Sequence[Pause] = (),
    storms: Sequence[Storm] = (),
    waiting: Waiting | None = None,
    unreadable: Sequence[UnreadableRow] = (),
    alerts: Sequence[VaultAlerts] = (),
) -> Snapshot:
    """A look at a board just made."""
    return Snapshot(
        now=NOW,
        made=Made(
            dashboard=made,
            waiting=waiting or Waiting(),
            unreadable=unreadable,
            alerts=alerts,
            estate_at=NOW,
            estate_problem="",
        )
        if made
        else None,
        read_at=NOW if made else None,
        problem="",
        beats={Beat.SWEEP: NOW - timedelta(hours=9), Beat.FOLLOW_UP: NOW - timedelta(minutes=3)},
        pauses=pauses,
        storms=storms,
    )


def unreadable(kind: str = "pause", key: str = "pause") -> UnreadableRow:
    """A row that nobody can read."""
    return UnreadableRow(table="control", partition="control", key=key, kind=kind, problem="column x says 1")


def without_estate(of: Snapshot, problem: str) -> Snapshot:
    """The same look where Resource Graph has never answered."""
    assert of.made is not None
    return replace(of, made=replace(of.made, estate_at=None, estate_problem=problem))
