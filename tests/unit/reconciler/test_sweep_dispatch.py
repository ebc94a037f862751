"""A sweep that leaves the retries to other instances."""

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.ports.ledger import Beat
from tests.builders import NOW, vault
from tests.sweep_world import DAY, HOUR, Announced, Graph, row, sweep
from tests.world import World


async def test_a_sweep_may_leave_the_retries_to_other_instances(world: World) -> None:
    """It announces all that it found, a hundred in an event, and asks no vault."""
    topic = Announced()
    rows = [row(number, of=vault(f"vault-{number // 50}")) for number in range(250)]

    report = await sweep(world, Graph(*rows), announcer=topic).run()

    assert [len(each) for each in topic.batches] == [100, 100, 50]
    assert [each["jobId"] for batch in topic.batches for each in batch] == [each["id"] for each in rows]
    assert topic.batches[0][0]["itemId"] == rows[0]["backupInstance"]
    assert (report.decisions, report.seen, report.complete) == ({"announced": 250}, 250, True)
    assert (world.vaults.listed, world.attempts) == ([], [])
    assert await world.ledger.last_beat(Beat.SWEEP) == NOW


async def test_what_cannot_be_announced_makes_the_sweep_incomplete(world: World) -> None:
    """The next one announces it again."""
    topic = Announced(AzureUnavailable("the topic does not answer"))

    report = await sweep(world, Graph(row(1)), announcer=topic).run()

    assert report.problems == ["1 failed jobs could not be announced: the topic does not answer"]
    assert await world.ledger.last_beat(Beat.SWEEP) is None


async def test_what_event_grid_may_have_given_up_is_announced_once_more(world: World) -> None:
    """It tries for a day to deliver an event: the next sweep reaches back for that day, besides its overlap."""
    await sweep(world, Graph(), announcer=Announced()).run()
    world.clock.move(hours=24)

    report = await sweep(world, Graph(), announcer=Announced()).run()

    assert report.since == NOW - DAY - HOUR
