"""One message for one cause: the first at once, the others of its window together, none twice and none lost."""

import asyncio
import itertools
import json
import logging
from collections.abc import Callable

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.domain.notices import Notice, NoticeKind
from tests.builders import NEEDS_PERSON, PASSES, item, vault
from tests.world import Crash, World

ANOTHER = "UserErrorKeyVaultPermissionsNotConfigured"


async def fails(world: World, *numbers: int, error: str = NEEDS_PERSON, of: str = "vault-1") -> None:
    """These items' backups fail, so that a person has to act."""
    now = world.clock()
    for number in numbers:
        failed = world.fails(
            f"job-{number}-{of}-{now:%d%H%M}",
            of=item(number, vault(of)),
            error=error,
            started_at=now,
            ended_at=now,
        )
        await world.handle(failed)


async def later(world: World, **length: float) -> None:
    """A follow-up that much later sends what is due."""
    await world.follow_up(**length)
    await world.engine.teller.send_digests()


def told(world: World) -> list[Notice]:
    """The messages that call a person."""
    return [each for each in world.publisher.sent if each.kind.calls_a_person]


def counts(world: World) -> list[int]:
    """How many items each message is about."""
    return [each.data.get("items", 1) for each in told(world)]


async def test_the_first_of_a_cause_goes_at_once_and_the_others_together(world: World) -> None:
    """A broken agent on fifty machines: one message, and four hours later one with the other 49."""
    await fails(world, *range(1, 51))
    assert counts(world) == [1]
    await later(world, hours=3)
    assert counts(world) == [1]

    await later(world, hours=1)

    first, digest = told(world)
    assert counts(world) == [1, 49]
    assert digest.kind is NoticeKind.NEEDS_PERSON
    assert (digest.subject, digest.data["error"]) == (vault().id, NEEDS_PERSON)
    assert {each["itemId"] for each in digest.data["incidents"]} == {
        item(number).id for number in range(2, 51)
    }
    assert all(each["remedy"] and each["incidentId"] for each in digest.data["incidents"])
    assert first.data["itemId"] == item(1).id


@pytest.mark.parametrize(
    ("error", "of", "messages"),
    [(NEEDS_PERSON, "vault-1", 1), (ANOTHER, "vault-1", 2), (NEEDS_PERSON, "vault-2", 2)],
    ids=["same", "another code", "another vault"],
)
async def test_a_cause_is_a_vault_and_a_code(world: World, error: str, of: str, messages: int) -> None:
    """What has another code, or is in another vault, is another message."""
    await fails(world, 1)
    await fails(world, 2, error=error, of=of)
    assert len(told(world)) == messages


async def test_a_cause_that_lasts_is_one_message_a_day(world: World) -> None:
    """Ten items in each of thirty nights: the first night's first item, and a digest a day."""
    for _ in range(30):
        await fails(world, *range(1, 11))
        for _ in range(24):
            await later(world, hours=1)
    assert len(told(world)) <= 31
    assert sum(counts(world)) == 300


async def test_a_cause_that_was_quiet_is_news_again(world: World) -> None:
    """Days later the first item goes at once."""
    await fails(world, 1)
    world.clock.move(days=2)
    await fails(world, 2)
    assert counts(world) == [1, 1]


async def test_what_has_recovered_meanwhile_is_no_message(world: World) -> None:
    """Nobody has to act on it any more."""
    await fails(world, 1, 2, 3)
    world.clock.move(minutes=30)
    await fails(world, 2, error=PASSES)
    running = world.runs(world.attempts[0], item(2))
    world.clock.move(minutes=30)
    world.ends(running, JobStatus.COMPLETED)
    await later(world, hours=4)
    assert [each.data["itemId"] for each in told(world)] == [item(1).id, item(3).id]


async def test_recoveries_and_retries_are_told_as_ever(world: World) -> None:
    """They call nobody."""
    for number in (1, 2, 3):
        await world.handle(world.fails(f"job-{number}", of=item(number)))
    assert [each.kind for each in world.publisher.sent] == [NoticeKind.RETRY_TRIGGERED] * 3


# ---- nothing is lost, nothing is told by two ---------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 5])
async def test_of_many_workers_one_has_the_first_message(world: World, workers: int) -> None:
    """They close incidents of one cause at the same instant."""
    engines = [world.another_engine() for _ in range(workers)]
    failures = [world.fails(f"job-{number}", of=item(number), error=NEEDS_PERSON) for number in range(20)]
    turns = zip(failures, itertools.cycle(engines), strict=False)
    await asyncio.gather(*(engine.handle(failed, Source.ALERT) for failed, engine in turns))
    assert counts(world) == [1]

    world.clock.move(hours=4)
    await asyncio.gather(*(engine.teller.send_digests() for engine in engines))

    assert sum({each.id: each.data.get("items", 1) for each in told(world)}.values()) == 20
    assert len({each.id for each in told(world)}) == 2


async def test_who_dies_before_the_first_message_is_sent_leaves_it_to_the_follow_up(world: World) -> None:
    """The cause's row says whose message it is, and the incident has it."""

    def die() -> None:
        raise Crash

    world.causes.after_save = die
    with pytest.raises(Crash):
        await fails(world, 1)
    world.causes.after_save = lambda: None
    assert told(world) == []

    await later(world, minutes=5)

    assert [each.data["itemId"] for each in told(world)] == [item(1).id]


async def test_who_dies_before_the_digest_is_sent_leaves_it_to_the_next_follow_up(world: World) -> None:
    """All of it, and with what came too late for it in the next."""

    def die() -> None:
        raise Crash

    await fails(world, 1, 2, 3)
    world.clock.move(hours=4)
    world.causes.after_save = die
    with pytest.raises(Crash):
        await world.engine.teller.send_digests()
    world.causes.after_save = lambda: None
    world.clock.move(minutes=1)
    await fails(world, 4)

    await later(world, minutes=5)
    assert counts(world) == [1, 2]
    await later(world, hours=24)
    assert counts(world) == [1, 2, 1]


@pytest.mark.parametrize("when", ["first", "digest"])
async def test_an_outage_of_the_topic_costs_time_and_no_message(world: World, when: str) -> None:
    """Whether the first or the digest is due; a repetition has the same id."""
    error = AzureUnavailable("the topic does not answer")
    world.publisher.error = error if when == "first" else None
    await fails(world, 1, 2, 3)
    world.publisher.error = error
    await later(world, hours=4)
    world.publisher.error = None
    await later(world, minutes=5)
    await later(world, hours=24)
    assert sum(counts(world)) == 3
    assert len({each.id for each in told(world)}) == len(told(world))


# ---- what a mail is made of ----------------------------------------------------------------------------------------


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, object]]]:
    """The lines of the log that people are mailed by."""
    caplog.set_level(logging.INFO, "backup_retry")
    return lambda: [
        line for each in caplog.records if (line := json.loads(each.message))["event"] == "notice_given"
    ]


@pytest.mark.parametrize("has_topic", [True, False])
async def test_the_log_has_a_line_for_each_message(
    world: World, lines: Callable[[], list[dict[str, object]]], has_topic: bool
) -> None:
    """With item, vault, error, remedy, how many, and the address of the page; whether there is a topic or not."""
    if not has_topic:
        world.publisher = None  # type: ignore[assignment]
        world.engine = world.another_engine()
    await fails(world, 1, 2, 3)
    await later(world, hours=4)

    first, digest = lines()
    incident = await world.incident(item(1))
    assert (first["item"], first["items"], first["vault"]) == ("vm-01", 1, vault().id)
    assert first["remedy"] == incident.detail
    assert first["link"] == f"https://app.test/api/incidents/{incident.id}"
    assert (digest["item"], digest["items"]) == ("vm-02, vm-03", 2)
    assert str(digest["link"]).startswith("https://app.test/api/status?vault=%2Fsubscriptions")
    assert (await world.incident(item(3))).notices == ()


async def test_an_outage_of_the_topic_holds_up_no_mail(
    world: World, lines: Callable[[], list[dict[str, object]]]
) -> None:
    """The line is written whether the topic takes the notice or not."""
    world.publisher.error = AzureUnavailable("the topic does not answer")
    await fails(world, 1)
    assert [each["item"] for each in lines()] == ["vm-01"]
