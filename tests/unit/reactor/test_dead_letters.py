"""Dead letters: what Event Grid could not deliver is taken from its container, handled and deleted."""

import json
from typing import Any

import pytest

from backup_retry.domain.alert_dimensions import DEFAULT
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.failure_batches import FAILURE_FOUND
from backup_retry.ports.dead_letters import MemoryDeadLetters
from backup_retry.ports.inbox import SIGNAL_DEFERRED
from backup_retry.ports.ledger import Beat
from backup_retry.ports.unreadable_rows import MemoryUnreadables
from reactor import dead_letters
from reactor.dead_letters import process_dead_letters, read
from tests.builders import item, minutes, vault
from tests.deferred_world import Session
from tests.world import World


def event(number: int = 1, *, kind: str = FAILURE_FOUND, cloud: bool = True, **data: Any) -> dict[str, Any]:
    """The event about job-<number>, as Event Grid writes it where it gave up."""
    said = data or {"jobId": f"{vault().id}/backupJobs/job-{number}", "itemId": item(number).id}
    if cloud:
        why = {
            "deadletterreason": "Unauthorized",
            "deliveryattempts": 1,
            "lastdeliveryoutcome": "Unauthorized",
        }
        return {"specversion": "1.0", "id": str(number), "source": "/x", "type": kind, "data": said, **why}
    why = {"deadLetterReason": "Unauthorized", "deliveryAttempts": 1, "lastDeliveryOutcome": "Unauthorized"}
    return {"id": str(number), "topic": "/x", "subject": "", "eventType": kind, "data": said, **why}


class Container:
    """Dead letters, and the turn that looks into them every five minutes."""

    def __init__(self, world: World, **blobs: object) -> None:
        self.world = world
        self.session = Session(world)
        self.letters = MemoryDeadLetters(
            {
                name: each if isinstance(each, bytes) else json.dumps(each).encode()
                for name, each in blobs.items()
            }
        )
        self.unreadables = MemoryUnreadables()

    async def turn(self) -> None:
        """The timer fires."""
        await process_dead_letters(
            self.letters,
            self.session.reactor,
            controls=self.world.ledger,
            unreadables=self.unreadables,
            schedule="0 */5 * * * *",
            dimensions=DEFAULT,
            clock=self.world.clock,
        )


@pytest.mark.parametrize("blob", [event(), [event()], event(cloud=False), [event(cloud=False)]])
async def test_an_event_that_nobody_could_deliver_is_handled_and_deleted(world: World, blob: object) -> None:
    """In either schema, alone or in an array."""
    world.fails("job-1", of=item(1))
    container = Container(world, one=blob)

    await container.turn()

    assert (len(world.attempts), container.letters.blobs) == (1, {})
    assert read(json.dumps(blob).encode()).why == {
        "reason": "Unauthorized",
        "attempts": 1,
        "last": "Unauthorized",
    }


async def test_one_turn_in_six_looks(world: World) -> None:
    """One list call in half an hour, unless more were there than one turn takes."""
    container = Container(world)
    world.clock.time += minutes(0.01)  # no timer fires early
    for _ in range(13):
        await container.turn()
        world.clock.time += minutes(5)
    assert container.letters.lists == 3


async def test_of_many_some_are_taken_each_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the next turn goes on, not the sixth."""
    monkeypatch.setattr(dead_letters, "_AT_A_TIME", 2)
    container = Container(world, **{f"blob{number}": event(number) for number in range(5)})
    left = []
    for _ in range(3):
        await container.turn()
        left.append(len(container.letters.blobs))
        world.clock.time += minutes(5)
    assert left == [3, 1, 0]


async def test_while_each_takes_long_some_are_left_to_the_next_turn(world: World) -> None:
    """Open incidents are followed up after them, in the same invocation."""
    container = Container(world, **{f"blob{number}": event(number) for number in range(5)})

    async def takes_long() -> None:
        world.clock.move(minutes=1)

    world.vaults.on_job = takes_long
    left = []
    for _ in range(3):
        await container.turn()
        left.append(len(container.letters.blobs))
    assert left == [3, 1, 0]


@pytest.mark.parametrize(
    "blob", [b"\xff", b"[", [event(), 1], {"a": 1}, event(jobId="no id"), [event(), event(jobId="no id")]]
)
async def test_what_cannot_be_read_is_kept_counted_and_not_read_again(world: World, blob: object) -> None:
    """What stands beside it in the same blob is handled."""
    world.fails("job-1", of=item(1))
    container = Container(world, bad=blob)

    await container.turn()
    world.clock.time += minutes(31)
    await container.turn()

    assert set(container.letters.blobs) == container.letters.unreadable == {"bad"}
    [row] = container.unreadables.rows
    assert (row.kind, str(row).startswith("dead-letters/bad: ")) == ("dead_letter", True)
    assert len(world.attempts) == (isinstance(blob, list))


async def test_one_that_was_handed_on_waits_in_the_inbox_already(world: World) -> None:
    """Nothing is to be done but to delete it."""
    container = Container(world, one=event(kind=SIGNAL_DEFERRED, key="abc"))
    await container.turn()
    assert (container.letters.blobs, world.vaults.listed) == ({}, [])


async def test_while_azure_is_away_the_signal_is_stored_first(world: World) -> None:
    """Only then is the blob deleted: a death in between repeats and does not lose."""
    world.fails("job-1", of=item(1))
    world.vaults.read_error = AzureUnavailable("no answer")
    container = Container(world, one=event())

    await container.turn()

    assert (container.letters.blobs, len(container.session.inbox.signals)) == ({}, 1)


async def test_a_container_that_does_not_answer_holds_up_nothing(world: World) -> None:
    """The next turn asks again: there is no beat."""
    container = Container(world, one=event())

    async def away() -> list[Any]:
        raise AzureUnavailable("dead letters: no answer")

    container.letters.all = away  # type: ignore[method-assign]
    await container.turn()

    assert await world.ledger.last_beat(Beat.DEAD_LETTERS) is None
    assert set(container.letters.blobs) == {"one"}
