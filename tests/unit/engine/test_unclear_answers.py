"""The engine after an answer that is not clear, and after a crash: the vault is asked, nothing is repeated blindly."""

from collections.abc import Sequence

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AnswerUnclear, AzureUnavailable
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import JobStatus, Operation
from backup_retry.domain.journal import Step, StepKind
from backup_retry.policy.rules import Rules
from tests.builders import NOW, item
from tests.world import Crash, NetworkLedger, World


async def test_an_unclear_answer_is_recorded_as_unknown(world: World) -> None:
    """It may have taken effect: the incident keeps the attempt in flight."""
    world.vaults.trigger_errors = [AnswerUnclear("the connection was closed")]

    report = await world.handle(world.fails())

    incident = await world.incident()
    assert (incident.state, incident.reason) == (State.UNKNOWN, Reason.ANSWER_UNCLEAR)
    assert incident.running_attempt is not None
    assert report.decision == "unclear"


async def test_an_unclear_trigger_that_took_effect_is_found_by_its_id(world: World) -> None:
    """The vault's job carries the attempt's id: it is ours, and it completes."""
    opened = await world.unclear()
    world.ends(world.runs(opened.attempts[0].id), JobStatus.COMPLETED)

    await world.advance(minutes=5)

    assert (await world.incident()).outcome == Outcome.RECOVERED
    assert len(world.attempts) == 1


async def test_an_unclear_trigger_is_not_repeated_before_the_vault_had_time_to_show_its_job(
    world: World,
) -> None:
    """A job may appear up to fifteen minutes after the claim: until then nothing is triggered."""
    await world.unclear()

    for _ in range(14):
        await world.advance(minutes=1)

    assert len(world.attempts) == 1
    assert (await world.incident()).state == State.UNKNOWN


async def test_an_unclear_trigger_without_a_job_is_repeated_once_that_is_certain(world: World) -> None:
    """Fifteen minutes later the vault shows no job: the attempt counts as never started, another one is due."""
    await world.unclear()

    await world.advance(minutes=15)
    await world.advance(minutes=15)

    incident = await world.incident()
    assert [attempt.result for attempt in incident.attempts] == [AttemptResult.NO_JOB, AttemptResult.RUNNING]
    assert len(set(world.attempts)) == 2


async def test_a_failed_operation_ends_an_accepted_attempt(world: World) -> None:
    """202, then the operation fails without a job: its own error is weighed."""
    await world.handle(world.fails())
    operation_id = (await world.incident()).attempts[0].operation_id
    world.vaults.operations[operation_id] = Operation(status="Failed")

    await world.advance(minutes=1)

    incident = await world.incident()
    assert incident.attempts[0].result == AttemptResult.FAILED
    assert len(world.attempts) == 1


async def test_the_operation_is_not_asked_for_once_the_job_is_known(world: World) -> None:
    """Four ARM calls per retry: the job itself says more than its operation."""
    await world.handle(world.fails())
    world.runs(world.attempts[0])
    operation_id = (await world.incident()).attempts[0].operation_id
    world.vaults.operations[operation_id] = Operation(status="Failed")

    await world.advance(minutes=1)

    assert (await world.incident()).state == State.TRIGGERED


# ---- crashes -------------------------------------------------------------------------------------------------


async def crashed_at_the_trigger(world: World) -> str:
    """The process dies after the request has reached Azure; returns the attempt's id."""

    async def die(of: ProtectedItem, attempt_id: str) -> None:
        raise Crash

    world.vaults.on_trigger = die
    with pytest.raises(Crash):
        await world.handle(world.fails())
    world.vaults.on_trigger = None
    return world.attempts[0]


async def test_the_claim_is_stored_before_anything_is_triggered(world: World) -> None:
    """What a crash leaves behind is a claim with the id that Azure was sent."""
    attempt_id = await crashed_at_the_trigger(world)

    incident = await world.incident()
    assert (incident.state, incident.attempts[0].id) == (State.CLAIMED, attempt_id)
    assert incident.due == NOW + Rules().claim_lease


async def test_a_claim_is_left_alone_until_its_lease_lapses(world: World) -> None:
    """Whoever made it may still be at work."""
    await crashed_at_the_trigger(world)
    before = await world.incident()

    report = await world.advance(minutes=4)

    assert report.reason == Reason.ATTEMPT_RUNNING
    assert await world.incident() == before
    assert len(world.attempts) == 1


async def test_a_claim_whose_lease_has_lapsed_becomes_unknown(world: World) -> None:
    """The ledger and its journal say so: the process died between claim and answer."""
    await crashed_at_the_trigger(world)

    await world.advance(minutes=5)

    assert (await world.incident()).state == State.UNKNOWN
    assert (await world.story())[-1] == StepKind.UNCLEAR
    assert len(world.attempts) == 1


async def test_a_crash_after_an_effective_trigger_is_settled_by_its_job(world: World) -> None:
    """One trigger in Azure's log, one recovered incident."""
    attempt_id = await crashed_at_the_trigger(world)
    world.ends(world.runs(attempt_id), JobStatus.COMPLETED)

    await world.advance(minutes=5)

    assert (await world.incident()).outcome == Outcome.RECOVERED
    assert len(world.attempts) == 1


async def test_a_crash_before_an_effective_trigger_is_repaired_by_another_attempt(world: World) -> None:
    """No job by fifteen minutes after the claim: the next attempt has an id of its own."""
    await crashed_at_the_trigger(world)

    for _ in range(3):
        await world.advance(minutes=5)
    assert len(world.attempts) == 1
    await world.advance(minutes=15)

    assert len(set(world.attempts)) == 2


async def test_a_ledger_that_fails_before_the_claim_triggers_nothing(world: World) -> None:
    """No stored claim, no trigger: the sender has to come back."""

    def down(incident: Incident) -> None:
        raise AzureUnavailable("the ledger does not answer")

    world.ledger.before_save = down
    with pytest.raises(AzureUnavailable):
        await world.handle(world.fails())

    assert world.attempts == []
    assert (await world.ledger.load(item())).incident is None


async def test_a_ledger_that_fails_after_the_trigger_leaves_the_claim(world: World) -> None:
    """The answer could not be stored: settled later from the vault, with one trigger in all."""

    def down_once_claimed(incident: Incident) -> None:
        if incident.state is not State.CLAIMED:
            raise AzureUnavailable("the ledger does not answer")

    world.ledger.before_save = down_once_claimed
    with pytest.raises(AzureUnavailable):
        await world.handle(world.fails())
    world.ledger.before_save = None
    assert (await world.incident()).state == State.CLAIMED

    world.ends(world.runs(world.attempts[0]), JobStatus.COMPLETED)
    await world.advance(minutes=5)

    assert (await world.incident()).outcome == Outcome.RECOVERED
    assert len(world.attempts) == 1


async def test_a_claim_that_was_stored_without_an_answer_triggers_nothing(world: World) -> None:
    """The ledger stored the claim and the answer got lost: the lease lapses, and the vault is asked."""

    def lose_the_answer(incident: Incident) -> None:
        raise AzureUnavailable("the ledger did not answer")

    world.ledger.after_save = lose_the_answer
    with pytest.raises(AzureUnavailable):
        await world.handle(world.fails())
    world.ledger.after_save = None

    assert world.attempts == []
    await world.advance(minutes=15)
    assert (await world.incident()).attempts[0].result == AttemptResult.NO_JOB


class LateLedger(NetworkLedger):
    """Its answer to a claim is so late that another worker has found the lease lapsed meanwhile."""

    async def save(self, incident: Incident, steps: Sequence[Step] = (), job_id: str = "") -> Incident | None:
        """See Ledger."""
        saved = await super().save(incident, steps, job_id)
        if saved is not None and saved.state is State.CLAIMED:
            return await super().save(saved.unclear("its lease has lapsed", saved.due))
        return saved


async def test_a_claim_that_others_have_moved_on_from_triggers_nothing(world: World) -> None:
    """It counts while it stands; whoever moved on has the item."""
    world.ledger = LateLedger()
    world.engine = world.another_engine()

    report = await world.handle(world.fails())

    assert (report.decision, world.attempts) == ("already_handled", [])
    assert (await world.incident()).state is State.UNKNOWN
