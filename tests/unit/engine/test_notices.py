"""What is told of an incident, when, and how often; and who is not retried because of a tag."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.notices import NoticeKind
from backup_retry.domain.pauses import Pause
from tests.builders import NEEDS_PERSON, NOW, PASSES, item, vault
from tests.world import World

LAST_GOOD = NOW - timedelta(days=2)


def kinds(world: World) -> list[NoticeKind]:
    return [notice.kind for notice in world.publisher.sent]


async def recovered(world: World) -> None:
    await world.handle(world.fails())
    world.ends(world.runs(world.attempts[0]), JobStatus.COMPLETED)
    await world.advance(minutes=5)


async def test_a_recovery_is_told_and_nobody_is_called(world: World) -> None:
    """The retry, then the recovery; nothing that a person would have to act on."""
    await recovered(world)
    assert kinds(world) == [NoticeKind.RETRY_TRIGGERED, NoticeKind.RECOVERED]


async def test_what_needs_a_person_is_told_once(world: World) -> None:
    """However often the alert comes."""
    failed = world.fails(error=NEEDS_PERSON)
    for _ in range(3):
        await world.handle(failed)
    assert kinds(world) == [NoticeKind.NEEDS_PERSON]


async def test_a_notice_says_what_somebody_has_to_know(world: World) -> None:
    """Item, job, error, attempts, remedy, and how old the last good recovery point is."""
    failed = world.fails(error=NEEDS_PERSON)
    world.vaults.items[item().key] = replace(
        ItemState(protection_state="Protected"), last_recovery_point=LAST_GOOD
    )
    await world.handle(failed)
    (notice,) = world.publisher.sent
    assert notice.subject == item().id
    assert (notice.data["jobId"], notice.data["error"], notice.data["attempts"]) == ("job-1", NEEDS_PERSON, 0)
    assert notice.data["remedy"] == (await world.incident()).detail != ""
    assert notice.data["secondsSinceLastRecoveryPoint"] == 2 * 24 * 3600


async def test_what_is_left_alone_tells_nothing(world: World) -> None:
    """A cancelled job is a person's own doing."""
    await world.handle(world.fails(status=JobStatus.CANCELLED, error=""))
    assert kinds(world) == []


async def test_exhausted_is_told_after_the_last_attempt(world: World) -> None:
    """Three retries, each told, and the end."""
    await world.handle(world.fails())
    for attempt in range(3):
        world.ends(world.runs(world.attempts[attempt]), JobStatus.FAILED, PASSES)
        await world.advance(minutes=70)
        await world.advance(minutes=70)
    assert kinds(world) == [NoticeKind.RETRY_TRIGGERED] * 3 + [NoticeKind.EXHAUSTED]
    assert len({notice.id for notice in world.publisher.sent}) == 4


async def test_an_outage_of_the_topic_loses_nothing(world: World) -> None:
    """What could not be sent stays with the incident, also a closed one, and goes with the next follow-up."""
    world.publisher.error = AzureUnavailable("the topic does not answer")
    await recovered(world)
    assert kinds(world) == []
    assert [incident.outcome for incident in await world.ledger.open_incidents()] == [Outcome.RECOVERED]

    world.publisher.error = None
    for incident in await world.ledger.open_incidents():
        await world.engine.advance(incident)
    assert kinds(world) == [NoticeKind.RETRY_TRIGGERED, NoticeKind.RECOVERED]
    assert await world.ledger.open_incidents() == []


async def test_a_new_failure_does_not_forget_what_the_last_incident_has_to_tell(world: World) -> None:
    """The item's next incident takes the unsent notices over."""
    world.publisher.error = AzureUnavailable("the topic does not answer")
    await world.handle(world.fails(error=NEEDS_PERSON))
    world.publisher.error = None
    world.clock.move(hours=24)
    await world.handle(world.fails("job-2", started_at=world.clock(), ended_at=world.clock()))
    assert kinds(world) == [NoticeKind.NEEDS_PERSON, NoticeKind.RETRY_TRIGGERED]


async def test_without_a_topic_nothing_is_kept(world: World) -> None:
    """An app that publishes nowhere collects nothing."""
    world.publisher = None  # type: ignore[assignment]
    world.engine = world.another_engine()
    await recovered(world)
    assert (await world.incident()).notices == ()


@pytest.mark.parametrize("tagged", [item().machine_id, vault().id])
async def test_a_tagged_item_is_not_retried(world: World, tagged: str) -> None:
    """It is closed with that reason, and the vault is not asked anything."""
    world.tag_lookup.tag(tagged, retry="off")
    report = await world.handle(world.fails())
    assert (report.decision, report.reason) == ("closed", Reason.OPTED_OUT)
    assert world.vaults.triggered == []
    assert world.vaults.listed == []


async def test_an_attempt_in_flight_is_followed_although_the_item_is_tagged_now(world: World) -> None:
    """Opting out stops the next retry, not the one that runs."""
    await world.handle(world.fails())
    world.tag_lookup.tag(vault().id, retry="off")
    world.ends(world.runs(world.attempts[0]), JobStatus.COMPLETED)
    await world.advance(minutes=5)
    assert (await world.incident()).outcome is Outcome.RECOVERED


async def test_a_pause_of_another_vault_pauses_nothing(world: World) -> None:
    """Scopes are exact."""
    await world.ledger.set_pause(Pause(by="ann", why="patching", scope=vault("vault-2").id))
    assert (await world.handle(world.fails())).decision == "triggered"


async def test_the_daily_cap_counts_over_incidents(world: World) -> None:
    """Three retries in the first incident; the item's next failure the same day waits."""
    await world.handle(world.fails())
    for attempt in range(3):
        world.ends(world.runs(world.attempts[attempt]), JobStatus.FAILED, PASSES)
        await world.advance(minutes=70)
        await world.advance(minutes=70)
    assert (await world.incident()).outcome is Outcome.EXHAUSTED

    report = await world.handle(world.fails("job-2", started_at=world.clock()))
    assert (report.decision, report.reason) == ("waiting", Reason.DAILY_CAP)
    assert len(world.attempts) == 3
