"""A storm that lasts: one attempt for each step of the backoff, one message, and an end after a day."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AzureRefused
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.notices import NoticeKind
from backup_retry.policy.rules import Rules
from backup_retry.policy.storm import storm_key
from tests.builders import ENDED, NEEDS_PERSON, PASSES, UNKNOWN_CODE, item, minutes, vault
from tests.world import Crash, World

SIZE = 20
BACKOFF = (timedelta(0), minutes(15), minutes(60))


def lasting(**rules: int) -> World:
    """A world in which whatever is triggered fails within a minute, as everything else does."""
    return World(Rules(**{"storm_size": SIZE, "backoff": BACKOFF, **rules}))  # type: ignore[arg-type]


async def begin(world: World, size: int = SIZE + 5, error: str = PASSES) -> None:
    """So many machines began to be backed up over two hours and fail in one second; the alerts come one by one."""
    failures = [
        world.fails(
            f"job-{number}",
            of=item(number),
            error=error,
            started_at=ENDED - minutes(5 * number),
            ended_at=ENDED,
        )
        for number in range(1, size + 1)
    ]
    for failed in failures:
        await world.handle(failed)


async def pass_time(world: World, hours: float, error: str = PASSES, refused: int = 0) -> None:
    """Follow-ups every five minutes; each attempt fails with the storm's code, after so many that were refused."""
    seen = refused
    for _ in range(int(hours * 12)):
        for key, attempt_id in world.vaults.triggered[seen:]:
            number = next(each for each in range(1, 100) if item(each).key == key)
            world.ends(world.runs(attempt_id, item(number)), JobStatus.FAILED, error)
        seen = len(world.attempts)
        await world.follow_up(minutes=5)


def told(world: World) -> Counter[str]:
    """What was published, by its kind."""
    return Counter(kind for kind, _ in world.sent_notices)


@pytest.mark.parametrize(
    ("error", "most", "size"),
    [(PASSES, 3, 25), (PASSES, 1, 6), (UNKNOWN_CODE, 3, 6)],
    ids=["three", "one", "unknown"],
)
async def test_a_day_of_storm_is_one_message(error: str, most: int, size: int) -> None:
    """However many attempts each item has; at the end every item needs a person, who knows already."""
    world = lasting(max_attempts=most, storm_size=min(SIZE, size - 1))
    await begin(world, size, error)
    await pass_time(world, 26, error)
    assert told(world) == Counter(
        {"StormBegan": 1, "StormNeedsPerson": 1, "RetryTriggered": len(world.attempts)}
    )
    incidents = [await world.incident(item(number)) for number in range(1, size + 1)]
    assert {(each.outcome, each.reason) for each in incidents} == {(Outcome.NEEDS_ACTION, Reason.STORM)}


async def test_there_is_one_attempt_for_each_step() -> None:
    """At once, after 15 minutes, then hourly: within 6 h 10 they are the 1st, the 2nd and four or five more."""
    world = lasting()
    await begin(world)
    await pass_time(world, 6 + 1 / 6)
    assert len(world.attempts) in {6, 7}
    assert max(Counter(key for key, _ in world.vaults.triggered).values()) == 2


async def test_the_message_names_what_a_person_has_to_know() -> None:
    """The items, their code, what to do about it, and the item that was retried for all."""
    world = lasting()
    await begin(world)
    await pass_time(world, 1)
    (said,) = [each for each in world.publisher.sent if each.kind is NoticeKind.STORM_NEEDS_PERSON]
    assert len(said.data["itemIds"]) == SIZE + 5
    assert said.data["error"] == PASSES
    assert "vm-01 is retried first for all of them (its retry failed). " in said.data["remedy"]
    assert "and 15 more" in said.data["remedy"]


@pytest.mark.parametrize("code", [NEEDS_PERSON, UNKNOWN_CODE])
async def test_an_item_whose_trigger_was_refused_waits_with_the_others(code: str) -> None:
    """The refusal's code would end its incident, and with it a message of its own; another one leads."""
    world = lasting()
    world.vaults.trigger_errors = [AzureRefused("no", code=code, status=400)]
    await begin(world)
    await pass_time(world, 1, refused=1)
    assert (await world.incident(item(1))).reason is Reason.STORM
    assert len({key for key, _ in world.vaults.triggered}) == 2
    assert told(world)["NeedsPerson"] + told(world)["Exhausted"] == 0


async def test_whoever_spent_attempts_for_all_has_one_left_at_the_end() -> None:
    """The canary of the third step recovers; the two before it go with their own last attempt."""
    world = lasting()
    await begin(world)
    await pass_time(world, 1.5)
    leads = [key for key, _ in world.vaults.triggered]
    (lead,) = [item(number) for number in range(1, 40) if item(number).key == leads[-1]]
    world.ends(world.runs(world.attempts[-1], lead), JobStatus.COMPLETED)
    for _ in range(4):
        await world.follow_up(minutes=5)
    assert {key for key, _ in world.vaults.triggered[len(leads) :]} == {
        item(number).key for number in range(1, SIZE + 6) if item(number) != lead
    }


async def test_a_worker_that_dies_before_it_has_told_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    """The row says that it set out to tell; ten minutes later another worker tells the same, in the same words."""
    world = lasting()
    await begin(world)
    world.ends(world.runs(world.attempts[0], item(1)), JobStatus.FAILED, PASSES)
    await world.advance(item(1), minutes=5)

    def die(_: object) -> None:
        raise Crash

    world.ledger.before_save = die
    with pytest.raises(Crash):
        await world.advance(item(2))
    world.ledger.before_save = None
    await world.advance(item(3), minutes=5)
    assert told(world)["StormNeedsPerson"] == 0
    await world.advance(item(3), minutes=5)
    await world.advance(item(2), minutes=15)
    assert told(world)["StormNeedsPerson"] == 1
    row = await world.ledger.storm(storm_key(vault(), PASSES))
    assert row is not None
    assert row.told
    lines = [json.loads(each.message) for each in caplog.records if "storm_needs_person" in each.message]
    assert len(lines) == 2
    assert lines[0] == lines[1]
