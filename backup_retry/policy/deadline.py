"""The time of day after which no retry starts: whoever comes to work then is told instead of slowed down.

It ends the night in which the failed backup began, so the first such time after that beginning counts, by the clock
of the place. Where that clock jumps over it, it has come with the jump; where the clock shows it twice, the first time.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backup_retry.domain.decisions import Close, Decision, Outcome, Reason, Wait
from backup_retry.policy.decision_context import DecisionContext

_DAY = timedelta(days=1)


def past_deadline(context: DecisionContext) -> Close | None:
    """Row 9, by the clock: no retry starts any more; a person decides what becomes of the day."""
    local = _deadline(context)
    if local is None or not _has_come(local, context.now) or context.is_insisted_on:
        return None
    zone, error = context.rules.hours.zone, context.incident.failure.error
    detail = (
        f"No retry starts after {local:%H:%M} ({zone.key}{context.by_profile}), and none succeeded before that. "
        f"Last error: {error.label}. Start a backup in the Azure portal, or wait for the next scheduled one. "
        f"{context.error.guidance}"
    )
    return Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.DEADLINE, detail=detail)


def until_deadline(decision: Decision, context: DecisionContext) -> Decision:
    """The decision, where nothing is waited for beyond the deadline: it is looked at again as that comes."""
    local = _deadline(context)
    if local is None or not isinstance(decision, Wait) or _has_come(local, context.now):
        return decision
    return replace(decision, until=min(decision.until, local.astimezone(UTC)))


def _deadline(context: DecisionContext) -> datetime | None:
    """The first one after the failed backup began, on the clock of the place."""
    at = context.rules.deadline
    if at is None:
        return None
    zone = context.rules.hours.zone
    began = context.incident.failure.started_at.astimezone(zone)
    today = datetime.combine(began, at, zone)
    if _on_the_wall(today) <= _on_the_wall(began):
        return today + _DAY
    is_over = today.astimezone(UTC) <= began.astimezone(UTC)
    return today.replace(fold=1) if is_over else today  # it began between the two that the clock shows


def _has_come(local: datetime, now: datetime) -> bool:
    here = now.astimezone(local.tzinfo)
    return now >= local.astimezone(UTC) or _on_the_wall(here) >= _on_the_wall(local)


def _on_the_wall(local: datetime) -> datetime:
    """What a clock there shows, without its zone: times of one zone are compared so anyway, and this says it."""
    return local.replace(tzinfo=None)
