"""The policy's rows as questions, in the policy's own order; each row answers for itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from backup_retry.domain.decisions import Close, Decision, Trigger, Wait
from backup_retry.policy import decide as policy
from backup_retry.policy import missed, protection
from backup_retry.policy.approval import approval
from backup_retry.policy.daily_cap import daily_cap
from backup_retry.policy.deadline import past_deadline, until_deadline
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.settle import settle

Row = Callable[[DecisionContext], Wait | Close | None]
#: what the vault's storm makes of a decision
StormLook = Callable[[DecisionContext, Decision], Awaitable[Decision]]

QUESTIONS: Mapping[Row, str] = {
    policy.paused: "Are retries paused?",
    policy.opted_out: "Is it excluded by a tag or by the scope?",
    policy.unsupported: "Is it an operation that this app cannot retry?",
    policy.nobodys: "Is the item missing from its vault?",
    protection.not_protected: "Was its protection stopped?",
    protection.no_backup_rule: "Does its policy lack a backup rule?",
    policy.already_recovered: "Has another backup completed since?",
    missed.point_has_come: "Does the missed recovery point exist by now?",
    protection.passing_state: "Is its protection being changed, or its state unknown?",
    policy.in_progress: "Is a backup of it running?",
    policy.cancelled: "Was it cancelled, or does Azure resolve it?",
    policy.needs_person: "Does its error require action first?",
    missed.missed_backup: "Is it a missed backup that this app does not start?",
    policy.log_schedule: "Is it a log backup, which is not retried?",
    policy.exhausted: "Are the retries exhausted?",
    past_deadline: "Has RETRY_DEADLINE passed?",
    protection.rule_unknown: "Is the backup rule to run unknown?",
    approval: "Is it waiting for approval?",
    daily_cap: "Is the daily limit of on-demand backups reached?",
    policy.schedule_near: "Does its next scheduled backup start soon?",
    policy.outside_hours: "Are retries not allowed at this time?",
    policy.not_yet: "Is it waiting before the next retry?",
    policy.dry_run: "Is it a dry run (DRY_RUN)?",
}
IN_FLIGHT = "Is a retry running?"
STORM = "Is it held back by a failure storm?"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One step of a decision."""

    question: str
    #: what the step says; None: nothing, the next one is asked
    decision: Decision | None = None

    @property
    def in_words(self) -> str:
        """Yes with the reason, or no."""
        if self.decision is None:
            return "no"
        detail = self.decision.detail
        return f"yes ({self.decision.reason}): {detail}" if detail else f"yes ({self.decision.reason})"


async def answers(context: DecisionContext, storm: StormLook) -> tuple[Sequence[Answer], Decision]:
    """Every question up to the one that decides, and the decision; a storm may postpone what they come to."""
    asked = []
    settled, in_flight = settle(context.incident, context.facts, context.rules, context.now)
    if context.incident.running_attempt is not None:
        asked.append(Answer(question=IN_FLIGHT, decision=in_flight))
        if in_flight is not None:
            return asked, in_flight
    context = replace(context, incident=settled)
    decision: Wait | Close | None = None
    for row in policy.ROWS:
        decision = row(context)
        asked.append(Answer(question=QUESTIONS[row], decision=decision))
        if decision is not None:
            break
    wanted = decision or Trigger()
    decided = await storm(context, wanted)
    is_held = decided != wanted
    if is_held or decision is None:
        asked.append(Answer(question=STORM, decision=decided if is_held else None))
    return asked, until_deadline(decided, context) if isinstance(decided, Wait) else decided
