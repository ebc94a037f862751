"""Row 10 of the policy: how many on-demand backups of an item there may be in 24 hours."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backup_retry.domain.decisions import Reason, Wait
from backup_retry.domain.jobs import Job
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.rules import CLOCKS_DIFFER

_DAY = timedelta(hours=24)
#: Azure starts a scheduled backup up to two hours late
_LATEST_START = timedelta(hours=2)


def daily_cap(context: DecisionContext) -> Wait | None:
    """Row 10: this app has reached its limit, over the item's incidents; or everybody together what Azure takes."""
    ours = _recent(context.incident.triggers, context.now)
    cap, limit = context.rules.daily_caps[context.workload.cap], context.workload.on_demand_limit
    if len(ours) >= cap:
        detail = f"{len(ours)} on-demand backups in 24 hours; the limit is {cap}."
        return _until_one_drops_out(ours, cap, context.now, detail)
    if limit is None:
        return None
    anybodys = _recent(on_demand(context), context.now)
    if len(anybodys) < limit:
        return None
    detail = f"{len(anybodys)} on-demand backups in 24 hours, by this app and others; Azure allows {limit}."
    return _until_one_drops_out(anybodys, limit, context.now, detail)


def on_demand(context: DecisionContext) -> Sequence[datetime]:
    """When on-demand backups of the last day began, this app's among them.

    Where the vault does not say which they are, they are those that no schedule explains: a run of the schedule
    explains one backup, the first that began within two hours after it.
    """
    since = context.now - _DAY - CLOCKS_DIFFER - _LATEST_START
    recent = [job for job in context.facts.listed if job.is_backup and job.started_at > since]
    backups = sorted(recent, key=lambda job: job.started_at)
    unexplained = [job for job in backups if job.on_demand is None]
    for run in _runs(context, unexplained):
        begun = (job for job in unexplained if run - CLOCKS_DIFFER <= job.started_at <= run + _LATEST_START)
        if (scheduled := next(begun, None)) is not None:
            unexplained.remove(scheduled)
    return sorted(job.started_at for job in [*unexplained, *(job for job in backups if job.on_demand)])


def _runs(context: DecisionContext, jobs: Sequence[Job]) -> Sequence[datetime]:
    policy = context.facts.item.policy if context.facts.item else None
    if policy is None or not jobs:
        return ()
    return policy.runs(jobs[0].started_at - _LATEST_START, jobs[-1].started_at + CLOCKS_DIFFER)


def _recent(times: Sequence[datetime], now: datetime) -> Sequence[datetime]:
    return sorted(at for at in times if now - at < _DAY + CLOCKS_DIFFER)


def _until_one_drops_out(recent: Sequence[datetime], cap: int, now: datetime, detail: str) -> Wait:
    until = recent[-cap] + _DAY + CLOCKS_DIFFER if cap else now + _DAY
    return Wait(until=until, reason=Reason.DAILY_CAP, detail=detail)
