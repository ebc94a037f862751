"""What a storm of the vault means for one item: which decisions it holds back, and what it decides instead."""

from collections.abc import Mapping
from dataclasses import replace

from backup_retry.domain.decisions import Close, Decision, Outcome, Reason, Trigger, Wait
from backup_retry.domain.error_catalog import ErrorEntry, Verdict, look_up
from backup_retry.policy.decide import attempts_allowed
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.storm import Candidate, Move, Storm, StormReading, since_it_passed

#: how many items a notice gives by name, and how many by id
_NAMED, _LISTED = 10, 100
_GIVES_UP = frozenset({Reason.EXHAUSTED, Reason.DEADLINE})


def may_be_held(context: DecisionContext, decision: Decision) -> bool:
    """True where enough items have failed with the same error recently, so that the storm's row is worth reading.

    What counts is the job's error and not that of a trigger that was refused since. That each item is held by a
    backup of its own is no cause that they share.
    """
    similar = context.facts.similar
    if similar.ever < context.rules.storm_size and context.incident.reason is not Reason.STORM:
        return False
    if _its_error(context).verdict is Verdict.WAIT:
        return False
    return isinstance(decision, Trigger) or _gives_up(context, decision)


def _gives_up(context: DecisionContext, decision: Decision) -> bool:
    """True for an end that a storm postpones: no attempt is left to it, or a refused trigger has a code of its own."""
    if not isinstance(decision, Close):
        return False
    was_refused = context.incident.failure.error.label != context.facts.similar.error.label
    return decision.reason in _GIVES_UP or (decision.reason is Reason.NEEDS_ACTION and was_refused)


def candidate(context: DecisionContext, decision: Decision) -> Candidate:
    """The item as a storm evaluates it; its last attempt of several it keeps for itself, for when the storm is over."""
    allowed, may_go = attempts_allowed(context), isinstance(decision, Trigger)
    has_one_to_spare = context.incident.attempts_spent < max(1, allowed - 1)
    return Candidate(
        incident=context.incident,
        similar=context.facts.similar,
        now=context.now,
        may_go=may_go,
        may_lead=may_go and has_one_to_spare,
    )


def decided(move: Move, storm: Storm, context: DecisionContext, decision: Decision) -> Decision:
    """What becomes of the policy's decision."""
    if move in {Move.GO, Move.LEAD}:
        return decision
    if move is Move.OVER:
        detail = f"{_many(storm)}, and no retry has succeeded for a day. {_its_error(context).guidance}"
        return Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.STORM, detail=detail, is_told=True)
    until = storm.goes_at(context.incident.item) or context.now
    detail = f"{_many(storm)}; {storm.canary.friendly_name} is retried first."
    return Wait(until=until, reason=Reason.STORM, detail=detail)


def since_the_last(passed: StormReading | None, context: DecisionContext) -> DecisionContext:
    """The same with only those of the similar failures that count for a new storm."""
    similar = since_it_passed(passed, context.facts.similar)
    return replace(context, facts=replace(context.facts, similar=similar))


def in_words(storm: Storm, context: DecisionContext) -> Mapping[str, object]:
    """What a notice says about a storm: its items, their code, what to do, and which item is retried for all."""
    ids = (context.incident.item.id, *context.facts.similar.others)
    names = ", ".join(_name(each) for each in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return {
        "error": storm.code,
        "errorMessage": context.facts.similar.error.message,
        "items": storm.size,
        "itemIds": list(ids[:_LISTED]),
        "canaryItemId": storm.canary.id,
        "stormBeganAt": storm.began_at.isoformat(),
        "remedy": f"{_many(storm)}: {names}{more}. {_what_is_tried(storm, context)}",
    }


def in_a_line(storm: Storm, context: DecisionContext) -> str:
    """What the log says about a storm: the same whoever writes it, since a mail is a line with another text."""
    return f"{_many(storm)}. {_what_is_tried(storm, context)}"


def _what_is_tried(storm: Storm, context: DecisionContext) -> str:
    failed = (
        f" ({storm.steps} retries have failed)"
        if storm.steps > 1
        else " (its retry failed)"
        if storm.steps
        else ""
    )
    canary = storm.canary.friendly_name
    return f"{canary} is retried first for all of them{failed}. {_its_error(context).guidance}"


def _many(storm: Storm) -> str:
    return f"{storm.size} items in the vault fail with {storm.code}"


def _name(item_id: str) -> str:
    """What a person calls the item: the last name in its id."""
    return item_id.rpartition("/")[2].rpartition(";")[2]


def _its_error(context: DecisionContext) -> ErrorEntry:
    error = context.facts.similar.error
    return look_up(title=error.title, numeric=error.code, workload=context.workload.name)
