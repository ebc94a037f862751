"""The engine where a person is asked first: one notice, then an answer, a success, or a day without either."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.journal import StepKind
from backup_retry.domain.pauses import Pause
from backup_retry.policy.rules import Rules
from tests.builders import LEFT_ALONE, NEEDS_PERSON, NOW, PASSES, item, job, minutes, vault
from tests.world import World


async def asked(world: World, **failure: object) -> Incident:
    """A failure of a machine whose vault is tagged `ask`."""
    world.tag_lookup.tag(vault().id, retry="ask")
    await world.handle(world.fails(**failure))  # type: ignore[arg-type]
    return await world.incident()


async def test_one_notice_names_what_waits_and_nothing_is_triggered(world: World) -> None:
    """However often it is looked at, and whatever alert comes again."""
    incident = await asked(world)
    for _ in range(3):
        await world.follow_up(hours=1)
    assert (await world.incident()).reason is Reason.APPROVAL
    assert (world.attempts, world.sent_notices) == (
        [],
        [("NeedsPerson", "VM;iaasvmcontainerv2;rg-app;vm-01")],
    )
    notice = world.publisher.sent[0]
    assert (notice.data["reason"], notice.data["outcome"]) == ("approval", None)
    assert notice.data["remedy"] == incident.detail
    assert await world.story() == [StepKind.NOTED, StepKind.WAITING, StepKind.TOLD]


async def test_the_question_is_asked_after_an_outage_of_the_topic(world: World) -> None:
    """It is stored with the incident, and sent by the next follow-up."""
    world.publisher.error = AzureUnavailable("no answer")
    await asked(world)
    world.publisher.error = None
    await world.follow_up(minutes=5)
    assert len(world.publisher.sent) == 1


async def test_an_approved_retry_goes_with_the_next_follow_up(world: World) -> None:
    """Who approved it stands in the journal; nobody is waited for any more."""
    approved = await world.engine.approvals.approve(await asked(world), "eve")
    assert approved is not None
    assert (approved.told_of, approved.detail, world.attempts) == ((), "Approved by eve.", [])
    await world.follow_up(minutes=5)
    assert len(world.attempts) == 1
    assert StepKind.APPROVED in await world.story()


async def test_an_approval_holds_for_all_retries_of_the_incident_and_no_longer(world: World) -> None:
    """A retry that fails is repeated without a question; the next incident asks anew."""
    await world.engine.approvals.approve(await asked(world), "eve")
    await world.follow_up(minutes=5)
    world.ends(world.runs(world.attempts[0]), JobStatus.FAILED, PASSES)
    await world.follow_up(minutes=1)
    await world.follow_up(minutes=70)
    assert len(world.attempts) == 2
    world.ends(world.runs(world.attempts[1]), JobStatus.COMPLETED)
    await world.follow_up(minutes=5)
    assert (await world.incident()).outcome is Outcome.RECOVERED

    world.clock.move(hours=24)
    await world.handle(world.fails("job-2", started_at=world.clock(), ended_at=world.clock()))
    assert (await world.incident()).reason is Reason.APPROVAL
    assert len(world.attempts) == 2


async def test_a_dismissed_retry_is_never_made(world: World) -> None:
    """The incident is left alone, nobody is told again, and the same alert opens nothing."""
    incident = await asked(world)
    dismissed = await world.engine.approvals.dismiss(incident, "eve", "we rebuild it")
    assert dismissed is not None
    assert (dismissed.outcome, dismissed.reason) == (Outcome.LEFT_ALONE, Reason.DISMISSED)
    assert dismissed.detail == "Dismissed by eve: we rebuild it"
    assert (await world.handle(incident.failure)).decision == "already_handled"
    assert (world.attempts, len(world.publisher.sent)) == ([], 1)


async def test_without_an_answer_it_ends_after_a_day(world: World) -> None:
    """A newer failure meanwhile neither asks again nor gives it another day; a person is told how it ended."""
    await asked(world)
    world.clock.move(hours=20)
    newer = world.fails("job-2", started_at=world.clock() - minutes(30), ended_at=world.clock())
    await world.handle(newer)
    assert (await world.incident()).failure.id == "job-2"
    assert len(world.publisher.sent) == 1

    await world.follow_up(hours=4)
    closed = await world.incident()
    assert (closed.outcome, closed.reason) == (Outcome.NEEDS_ACTION, Reason.APPROVAL)
    assert [kind for kind, _ in world.sent_notices] == ["NeedsPerson"] * 2
    assert world.attempts == []


async def test_a_backup_that_completes_meanwhile_ends_the_question(world: World) -> None:
    """Its own schedule, or a person in the portal."""
    await asked(world)
    world.vaults.shown_jobs.append(
        job("job-2", status=JobStatus.COMPLETED, started_at=NOW, ended_at=NOW + minutes(3))
    )
    await world.follow_up(minutes=5)
    assert (await world.incident()).outcome is Outcome.RECOVERED_ELSEWHERE


async def test_a_tag_that_is_taken_away_lets_it_go(world: World) -> None:
    """With the next follow-up."""
    await asked(world)
    world.tag_lookup.tag(vault().id)
    await world.follow_up(minutes=5)
    assert len(world.attempts) == 1


async def test_who_is_asked_again_has_a_day_again(world: World) -> None:
    """A tag that was away for a night ends the first question, not the second one: a person is told of both."""
    await asked(world)
    world.tag_lookup.tag(vault().id)
    world.runs("somebody", of=item())
    await world.follow_up(minutes=5)
    assert not (await world.incident()).awaits_approval
    world.tag_lookup.tag(vault().id, retry="ask")
    world.vaults.shown_jobs.pop()
    await world.follow_up(hours=25)
    incident = await world.incident()
    assert (incident.reason, incident.is_open, world.attempts) == (Reason.APPROVAL, True, [])
    assert len(world.sent_notices) == 2


async def test_tags_that_cannot_be_read_permit_nothing(world: World) -> None:
    """It waits until Resource Graph answers again, and then goes on waiting for a person."""
    await asked(world)
    world.tag_lookup.error = AzureUnavailable("Resource Graph: no answer")
    await world.follow_up(minutes=5)
    assert (await world.incident()).reason is Reason.AZURE_UNAVAILABLE
    world.tag_lookup.error = None
    await world.follow_up(minutes=5)
    assert (await world.incident()).reason is Reason.APPROVAL
    assert (world.attempts, len(world.publisher.sent)) == ([], 1)


async def test_a_pause_holds_what_is_approved(world: World) -> None:
    """It can be approved meanwhile, and goes when the pause is over."""
    incident = await asked(world)
    await world.ledger.set_pause(Pause(by="ann", why="patching", until=NOW + timedelta(hours=2)))
    await world.follow_up(minutes=5)
    assert await world.engine.approvals.approve(incident, "eve") is not None
    await world.follow_up(minutes=5)
    assert ((await world.incident()).reason, world.attempts) == (Reason.PAUSED, [])
    await world.follow_up(hours=2)
    assert len(world.attempts) == 1


async def test_an_answer_comes_too_late_for_what_has_ended(world: World) -> None:
    """Nothing is changed, whoever asks."""
    incident = await asked(world)
    assert await world.engine.approvals.dismiss(incident, "eve") is not None
    assert await world.engine.approvals.approve(incident, "bob") is None
    assert await world.engine.approvals.dismiss(incident, "bob") is None


@pytest.mark.parametrize("answer", ["approve", "dismiss"])
async def test_an_answer_is_stored_on_top_of_what_a_worker_has_stored(world: World, answer: str) -> None:
    """Also where the worker was first between reading and storing."""
    incident = await asked(world)
    races = iter([True, True])

    def interfere(_: Incident) -> None:
        if next(races, False):
            head = world.ledger._heads[item().key]
            world.ledger._heads[item().key] = replace(head, version=f"{head.version}+")

    world.ledger.before_save = interfere
    assert await getattr(world.engine.approvals, answer)(incident, "eve") is not None
    assert not (await world.incident()).awaits_approval


@pytest.mark.parametrize("order", list(permutations(("approve", "dismiss", "advance"))))
async def test_of_two_answers_at_once_one_counts(world: World, order: tuple[str, ...]) -> None:
    """Beside a worker that looks at the incident in the same moment."""
    incident = await asked(world)
    approvals = world.engine.approvals
    work: dict[str, Coroutine[Any, Any, object]] = {
        "approve": approvals.approve(incident, "eve"),
        "dismiss": approvals.dismiss(incident, "bob"),
        "advance": world.engine.advance(incident),
    }
    done = dict(zip(order, await asyncio.gather(*(work[each] for each in order)), strict=True))
    assert (done["approve"] is None) != (done["dismiss"] is None)
    await world.follow_up(minutes=5)
    assert len(world.attempts) == (done["approve"] is not None)


async def test_of_a_storm_only_what_is_approved_may_go_first() -> None:
    """One canary as ever; who is not approved waits for a person, after the storm as well."""
    world = World(Rules(storm_size=4, backoff=(timedelta(0),), asks_first=True))
    for failed in [world.fails(f"job-{number}", of=item(number)) for number in range(1, 5)]:
        await world.handle(failed)
    assert world.attempts == []
    for number in (2, 3):
        await world.engine.approvals.approve(await world.incident(item(number)), "eve")
    await world.follow_up(minutes=5)
    assert [key for key, _ in world.vaults.triggered] == [item(2).key]
    world.ends(world.runs(world.attempts[0], of=item(2)), JobStatus.COMPLETED)
    for _ in range(3):
        await world.follow_up(minutes=5)
    assert [key for key, _ in world.vaults.triggered] == [item(2).key, item(3).key]
    assert {(await world.incident(item(number))).reason for number in (1, 4)} == {Reason.APPROVAL}


async def test_a_canary_that_waits_for_a_person_holds_up_nobody() -> None:
    """Another one that may go takes its place."""
    world = World(Rules(storm_size=4, backoff=(timedelta(0),)))
    for failed in [world.fails(f"job-{number}", of=item(number)) for number in range(1, 5)]:
        await world.handle(failed)
    assert [key for key, _ in world.vaults.triggered] == [item(1).key]
    world.tag_lookup.tag(item(1).machine_id, retry="ask")
    world.ends(world.runs(world.attempts[0], of=item(1)), JobStatus.FAILED, PASSES)
    for _ in range(4):
        await world.follow_up(minutes=10)
    assert (await world.incident(item(1))).reason is Reason.APPROVAL
    assert item(1).key != world.vaults.triggered[-1][0]


# ---- closed incidents that a person wants retried all the same -------------------------------------------------


@pytest.mark.parametrize("error", [NEEDS_PERSON, LEFT_ALONE])
async def test_a_closed_failure_is_retried_once_where_a_person_wants_it(world: World, error: str) -> None:
    """The code that closed it holds nobody up before that retry; after it, it does."""
    await world.handle(world.fails(error=error))
    closed = await world.incident()
    again = await world.engine.approvals.reopen(closed, "eve")
    assert again is not None
    assert (again.id != closed.id, again.approved_by, world.attempts) == (True, "eve", [])
    await world.advance()
    assert len(world.attempts) == 1
    world.ends(world.runs(world.attempts[0]), JobStatus.FAILED, error=error)
    await world.follow_up(minutes=5)
    ended = await world.incident()
    assert (ended.is_open, ended.outcome, len(world.attempts)) == (False, closed.outcome, 1)


async def test_the_failures_alert_does_not_open_it_a_third_time(world: World) -> None:
    """It comes late, or again: it is the open incident's own."""
    failed = world.fails(error=NEEDS_PERSON)
    await world.handle(failed)
    await world.engine.approvals.reopen(await world.incident(), "eve")
    assert (await world.handle(failed)).decision == "already_handled"
    await world.advance()
    assert (await world.handle(failed)).decision == "already_handled"
    assert len(world.attempts) == 1


async def test_what_is_opted_out_stays_so(world: World) -> None:
    """A tag is an administrator's word, and a pause is as well."""
    world.tag_lookup.tag(vault().id, retry="off")
    await world.handle(world.fails())
    await world.engine.approvals.reopen(await world.incident(), "eve")
    assert (await world.advance()).reason is Reason.OPTED_OUT
    assert world.attempts == []


async def test_only_the_items_last_incident_is_opened_again(world: World) -> None:
    """Not one that has recovered, not one that is open, not an earlier one; of two persons the first one does."""
    await world.handle(world.fails(error=NEEDS_PERSON))
    closed = await world.incident()
    assert await world.engine.approvals.reopen(replace(closed, id="an earlier one"), "eve") is None
    answers = await asyncio.gather(*(world.engine.approvals.reopen(closed, by) for by in ("eve", "adam")))
    assert len([each for each in answers if each is not None]) == 1
    assert await world.engine.approvals.reopen(await world.incident(), "eve") is None
    await world.advance()
    world.ends(world.runs(world.attempts[0]), JobStatus.COMPLETED)
    await world.follow_up(minutes=5)
    assert await world.engine.approvals.reopen(await world.incident(), "eve") is None
