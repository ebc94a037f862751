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
    policy.paused: "Are retries switched off?",
    policy.opted_out: "Is it opted out, by a tag or by the scope?",
    policy.unsupported: "Is it something that cannot be retried from here?",
    policy.nobodys: "Does its vault list no item of that name?",
    protection.not_protected: "Has its protection been stopped?",
    protection.no_backup_rule: "Has its policy no rule that could be run?",
    policy.already_recovered: "Has another backup completed since?",
    missed.point_has_come: "Has the recovery point come that was missing?",
    protection.passing_state: "Is its protection being changed, or in a state that nobody knows?",
    policy.in_progress: "Is a backup of it running?",
    policy.cancelled: "Was it cancelled, or will the service repair it?",
    policy.needs_person: "Does its error need a person?",
    missed.missed_backup: "Is it a backup that has not come, and not to be started from here?",
    policy.log_schedule: "Is it a log backup, which its schedule runs again?",
    policy.exhausted: "Are all retries used up?",
    past_deadline: "Has the time of day come after which no retry starts?",
    protection.rule_unknown: "Is its policy's rule not known?",
    approval: "Does a person have to approve it first?",
    daily_cap: "Has it had its on-demand backups for the day?",
    policy.schedule_near: "Does its own schedule run soon?",
    policy.outside_hours: "Are retries not allowed at this hour?",
    policy.not_yet: "Is the pause before the next retry not over?",
    policy.dry_run: "Is the app only rehearsing (DRY_RUN)?",
}
IN_FLIGHT = "Is a retry in flight?"
STORM = "Does a storm of the vault hold it?"


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
    """Every question up to the one that decides, and the decision; a storm may put off what they come to."""
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
