"""Rows that the sweep cannot handle now are deferred as signals are."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from backup_retry.domain.errors import AzureUnavailable, Forbidden
from backup_retry.domain.jobs import FailedJob, JobStatus, Source
from backup_retry.engine.unit_of_work import Report
from backup_retry.ports.inbox import Fields, fields_of
from backup_retry.ports.ledger import Beat
from tests.builders import item, job, vault
from tests.sweep_world import Announced, Graph, row, sweep
from tests.world import World


class FakeInbox:
    """Keeps what it is given, as the inbox does."""

    def __init__(self) -> None:
        self.added: list[Fields] = []

    async def add(self, fields: Fields) -> None:
        """See Inbox."""
        self.added.append(fields)

    @property
    def jobs(self) -> list[str]:
        """Which jobs are kept."""
        return sorted(each["job"] for each in self.added)


async def forbidden() -> None:
    raise Forbidden("no role", status=403)


async def late(world: World) -> None:
    world.clock.move(minutes=30)


async def test_a_row_is_kept_as_a_signal_is(world: World) -> None:
    """With all that it names: the timer that looks into signals looks into it, too."""
    inbox, world.vaults.on_list = FakeInbox(), forbidden

    await sweep(world, Graph(row(1)), defer=inbox.add).run()

    assert inbox.added == [
        fields_of(source=Source.SWEEP, vault=vault(), job_id="job-1", item=item(), label="a sweep's row")
    ]


async def test_rows_that_cannot_be_handled_are_kept(world: World) -> None:
    """The vault refuses its list, has no such job, comes too late; the topic does not answer, the ledger neither."""
    inbox = FakeInbox()
    world.vaults.on_list = forbidden
    await sweep(world, Graph(row(1), row(2)), defer=inbox.add).run()
    world.vaults.on_list = None
    await sweep(world, Graph(row(3)), defer=inbox.add).run()
    world.vaults.on_list = partial(late, world)
    await sweep(world, Graph(row(4)), defer=inbox.add, time_limit=timedelta(minutes=25)).run()
    topic = Announced(AzureUnavailable("the topic does not answer"))
    await sweep(world, Graph(row(5)), defer=inbox.add, announcer=topic).run()

    assert inbox.jobs == [f"job-{number}" for number in range(1, 6)]
    assert world.attempts == []


async def no_answer_that_we_know() -> None:
    """An answer of a shape that nobody has seen."""
    raise KeyError("weekdays")


async def _odd_row(_: World) -> list[Any]:
    return [row(1), "no row at all", row(2)]


async def _odd_list(world: World) -> list[Any]:
    world.vaults.on_list = no_answer_that_we_know
    return [row(1)]


async def _odd_item(world: World) -> list[Any]:
    handle = world.engine.handle

    async def handled(failed: FailedJob, *arguments: Any, **options: Any) -> Report:
        if failed.id == "job-1":
            raise KeyError("weekdays")
        return await handle(failed, *arguments, **options)

    world.engine.handle = handled  # type: ignore[method-assign]
    return [row(1), row(2), row(3)]


@pytest.mark.parametrize(
    ("odd", "kept", "tried"),
    [
        pytest.param(_odd_row, [], 2, id="a row"),
        pytest.param(_odd_list, ["job-1"], 0, id="a vault's list"),
        pytest.param(_odd_item, ["job-1"], 2, id="an item"),
    ],
)
async def test_what_nobody_foresaw_ends_one_turn_and_no_other(
    world: World,
    odd: Callable[[World], Awaitable[list[Any]]],
    kept: list[str],
    tried: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its row is kept, the sweep is incomplete, and the log says where it was."""
    inbox = FakeInbox()
    for number in (1, 2, 3):
        world.fails(f"job-{number}", of=item(number))
    rows = await odd(world)

    report = await sweep(world, Graph(*rows), defer=inbox.add).run()

    assert (report.complete, report.faults, inbox.jobs, len(world.attempts)) == (False, 1, kept, tried)
    assert await world.ledger.last_beat(Beat.SWEEP) is None
    lines = [json.loads(each.getMessage()) for each in caplog.records]
    (line,) = (each for each in lines if each["event"] == "row_failed")
    assert "Traceback" in line["traceback"]
    assert line.get("jobs", []) == kept


async def test_rows_that_cannot_even_be_kept_are_a_problem(world: World) -> None:
    """The ledger is away as well: the next sweep comes back to them."""

    async def defer(_: Fields) -> None:
        raise AzureUnavailable("the ledger does not answer")

    world.vaults.on_list = forbidden
    report = await sweep(world, Graph(row(1)), defer=defer).run()

    assert report.problems == ["no role", "1 rows could not be stored: the ledger does not answer"]


@pytest.mark.parametrize(
    ("shown", "why", "kept"),
    [
        ({"status": JobStatus.IN_PROGRESS}, "job job-1 is InProgress, not Failed", ["job-1"]),
        ({"status": JobStatus.COMPLETED}, "job job-1 is Completed, not Failed", []),
        ({"operation": "ConfigureBackup"}, "not a failed backup or restore", []),
        ({"item": None, "candidates": (item(2), item(3))}, "matches several items in its vault", ["job-1"]),
    ],
)
async def test_a_row_that_the_vault_does_not_confirm_is_logged(
    world: World, caplog: pytest.LogCaptureFixture, shown: dict[str, Any], why: str, kept: list[str]
) -> None:
    """With the reason; one that may still become a failure is kept."""
    caplog.set_level(logging.INFO, "backup_retry")
    world.vaults.shown_jobs = [replace(job("job-1"), **shown)]
    inbox = FakeInbox()

    await sweep(world, Graph(row(1)), defer=inbox.add).run()

    [logged] = [each for each in map(json.loads, caplog.messages) if each["event"] == "row_rejected"]
    assert (logged["vault"], logged["job"], why in logged["why"]) == (vault().id, "job-1", True)
    assert (inbox.jobs, world.attempts) == (kept, [])
