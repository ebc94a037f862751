"""The sweep: Resource Graph names, the vaults confirm, the engine handles; a complete one moves the horizon."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AnsweredInPart, AzureUnavailable, BackupRetryError, Forbidden
from backup_retry.domain.jobs import FailedJob, JobList, JobStatus, Reason, Source
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.rules import LONGEST_JOB
from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.inbox import Fields, fields_of
from backup_retry.ports.ledger import Beat
from backup_retry.settings.sweep_profile import SweepProfile, daily
from reconciler.sweep import FoundJob, Sweep, failed_jobs_query, horizon, read_row
from reconciler.sweep_report import SweepReport
from tests.builders import NOW, OTHER_SUBSCRIPTION, PASSES, STARTED, SUBSCRIPTION, item, job, vault
from tests.world import Crash, World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Graph:
    """Resource Graph with the rows it is told, and perhaps an error after them."""

    def __init__(self, *rows: Mapping[str, Any], error: BackupRetryError | None = None) -> None:
        self._rows = rows
        self._error = error
        self.queries: list[str] = []

    async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """See reconciler.sweep.Graph."""
        self.queries.append(query)
        for row in self._rows:
            yield row
        if self._error:
            raise self._error


def row(number: int = 1, *, of: Vault | None = None, started_at: datetime = STARTED) -> dict[str, Any]:
    """The row of job-<number>, a job of item <number>."""
    in_vault = of or vault()
    return {
        "id": f"{in_vault.id}/backupJobs/job-{number}",
        "vaultId": in_vault.id,
        "backupInstance": item(number, of=in_vault).id,
        "startTime": f"{started_at:%Y-%m-%dT%H:%M:%S.1234567Z}",
    }


def sweep(world: World, graph: Graph, scope: Scope | None = None, **options: Any) -> Sweep:
    """A sweep that looks back a day."""
    return Sweep(
        graph=graph,
        vaults=world.vaults,
        engine=world.engine,
        controls=world.ledger,
        clock=world.clock,
        scope=scope or Scope(),
        **{"profile": daily(), "keep_reports": True, **options},
    )


# ---- horizon and query ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_complete", "expected"),
    [
        pytest.param(None, NOW - DAY, id="never: the lookback"),
        pytest.param(NOW - timedelta(hours=3), NOW - DAY, id="3 h ago: the lookback reaches further"),
        pytest.param(NOW - DAY, NOW - DAY - HOUR, id="24 h ago: 24 h and an hour of overlap"),
        pytest.param(NOW - 3 * DAY, NOW - 3 * DAY - HOUR, id="3 days ago: two were missed"),
        pytest.param(NOW - 14 * DAY, NOW - 14 * DAY, id="14 days ago: Azure keeps no more"),
        pytest.param(NOW - 40 * DAY, NOW - 14 * DAY, id="40 days ago: Azure keeps no more"),
        pytest.param(NOW + DAY, NOW - DAY, id="tomorrow, by another clock: the lookback"),
    ],
)
def test_the_horizon_reaches_back_to_the_last_complete_sweep(
    last_complete: datetime | None, expected: datetime
) -> None:
    """At least the lookback, at most fourteen days."""
    assert horizon(NOW, last_complete, DAY) == expected


def test_a_lookback_beyond_fourteen_days_is_cut() -> None:
    """Azure keeps jobs no longer."""
    assert horizon(NOW, None, 30 * DAY) == NOW - 14 * DAY


def test_the_query_bears_its_horizon_in_utc() -> None:
    """Whatever the time zone it came in, and nothing is left to bind."""
    east = timezone(timedelta(hours=2))

    query = failed_jobs_query(datetime(2026, 11, 22, 1, 0, tzinfo=east))

    assert "datetime(2026-11-21T23:00:00Z)" in query
    assert "datetime({" not in query


# ---- rows -------------------------------------------------------------------------------------------------------


def test_a_row_names_vault_job_item_and_time() -> None:
    """Seven digits of a second, as Azure writes them."""
    assert read_row(row()) == FoundJob(
        vault=vault(),
        job_id="job-1",
        item=item(),
        started_at=STARTED + timedelta(microseconds=123456),
    )


def test_a_time_without_a_zone_is_utc() -> None:
    """Every time of Azure's is."""
    found = read_row({**row(), "startTime": "2026-11-22T13:20:00"})

    assert found is not None
    assert found.started_at == datetime(2026, 11, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("instance", [None, "", "not an id"])
def test_a_row_may_name_no_item(instance: object) -> None:
    """The vault's own job may still name it."""
    found = read_row({**row(), "backupInstance": instance})

    assert found is not None
    assert found.item is None


@pytest.mark.parametrize(
    "changes",
    [{"id": None}, {"id": vault().id}, {"id": "x"}],
)
def test_a_row_that_names_no_job_is_none(changes: dict[str, object]) -> None:
    """It is a problem of the sweep's, not an exception."""
    assert read_row({**row(), **changes}) is None
    assert read_row({}) is None


@pytest.mark.parametrize("start", [None, "", "yesterday", "-10675199.02:48:05.4775808"])
async def test_a_row_whose_start_cannot_be_read_names_its_job_all_the_same(
    world: World, start: object
) -> None:
    """The vault is asked as far back as the sweep itself looks."""
    world.fails()

    report = await sweep(world, Graph({**row(), "startTime": start})).run()

    assert (report.problems, report.decisions) == ([], {"triggered": 1})


# ---- sweeping ---------------------------------------------------------------------------------------------------


async def test_what_the_events_missed_is_handled(world: World) -> None:
    """Found by the sweep, confirmed by the vault, retried by the engine."""
    world.fails("job-1", of=item(1))

    report = await sweep(world, Graph(row(1))).run()

    assert (report.found, report.problems, report.complete) == (1, [], True)
    assert [each.decision for each in report.handled] == ["triggered"]
    assert (await world.incident(item(1))).found_by == Source.SWEEP


async def test_what_the_events_did_not_miss_is_left_alone(world: World) -> None:
    """Known failures are the normal case."""
    await world.handle(world.fails("job-1", of=item(1)))

    report = await sweep(world, Graph(row(1))).run()

    assert [each.decision for each in report.handled] == ["already_handled"]
    assert len(world.attempts) == 1


async def test_the_vault_is_believed_before_the_graph(world: World) -> None:
    """Resource Graph lags: the job has not failed, says the vault, so nothing happens."""
    world.fails("job-1", of=item(1), status=JobStatus.COMPLETED)

    report = await sweep(world, Graph(row(1))).run()

    assert (report.handled, report.complete) == ([], True)
    assert world.attempts == []


async def test_a_job_that_the_list_does_not_show_is_read_alone(world: World) -> None:
    """The list is by start time, and clocks differ."""
    shown = job("job-1", of=item(1), started_at=STARTED - HOUR)
    world.vaults.protect(item(1))
    world.vaults.shown_jobs.append(shown)

    report = await sweep(world, Graph(row(1, started_at=STARTED))).run()

    assert [each.job_id for each in report.handled] == ["job-1"]


async def test_ids_compare_without_case(world: World) -> None:
    """Resource Graph writes them in lower case."""
    world.fails("JOB-1", of=item(1))

    report = await sweep(world, Graph(row(1))).run()

    assert [each.job_id for each in report.handled] == ["JOB-1"]


async def test_a_vault_is_listed_from_its_oldest_failure_on(world: World) -> None:
    """One list confirms all of its jobs, and serves the engine, which looks a day further back."""
    world.fails("job-1", of=item(1), started_at=STARTED - HOUR)
    world.fails("job-2", of=item(2), started_at=STARTED)

    await sweep(world, Graph(row(2), row(1, started_at=STARTED - HOUR))).run()

    assert world.vaults.listed[0] == (vault(), STARTED - HOUR + timedelta(microseconds=123456) - LONGEST_JOB)
    assert set(world.vaults.freshness) == {NOW}


async def test_nothing_found_asks_no_vault(world: World) -> None:
    """The usual morning: one query, one beat."""
    graph = Graph()

    report = await sweep(world, graph).run()

    assert (report.found, report.complete) == (0, True)
    assert len(graph.queries) == 1
    assert world.vaults.listed == []
    assert await world.ledger.last_beat(Beat.SWEEP) == NOW


async def test_a_sweep_that_was_missed_is_caught_up(world: World) -> None:
    """The last complete one was three days ago: the query begins there, with an hour of overlap."""
    await world.ledger.beat(Beat.SWEEP, NOW - 3 * DAY)
    graph = Graph()

    report = await sweep(world, graph).run()

    assert report.since == NOW - 3 * DAY - HOUR
    assert "datetime(2026-11-19T13:00:00Z)" in graph.queries[0]


async def test_until_one_was_complete_no_sweep_looks_less_far_than_the_first(world: World) -> None:
    """Four days of incomplete sweeps: the failures of the first night are still looked for; then it is over."""
    horizons = []
    for _ in range(4):
        horizons.append((await sweep(world, Graph(error=AzureUnavailable("no answer"))).run()).since)
        world.clock.move(hours=24)
    horizons.append((await sweep(world, Graph()).run()).since)
    world.clock.move(hours=24)
    last = await sweep(world, Graph()).run()

    assert horizons == [NOW - DAY] * 5
    assert last.since == last.began - DAY - HOUR


async def test_a_first_sweep_that_dies_counts_as_incomplete(world: World) -> None:
    """Its process was ended: nothing is left of it but how far back it looked."""

    class Dies(Graph):
        async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
            async for each in super().rows(query):
                yield each
            raise Crash

    with pytest.raises(Crash):
        await sweep(world, Dies()).run()
    world.clock.move(hours=48)

    assert (await sweep(world, Graph()).run()).since == NOW - DAY


async def test_the_beat_is_the_time_at_which_the_sweep_began(world: World) -> None:
    """What failed while it ran belongs to the next one."""
    world.fails("job-1", of=item(1))

    async def an_hour_passes() -> None:
        world.clock.move(hours=1)

    world.vaults.on_list = an_hour_passes
    await sweep(world, Graph(row(1))).run()

    assert await world.ledger.last_beat(Beat.SWEEP) == NOW


# ---- problems ---------------------------------------------------------------------------------------------------


async def incomplete(world: World, graph: Graph, said: str) -> None:
    """Run a sweep that must not be complete, and say so."""
    await world.ledger.beat(Beat.SWEEP, NOW - DAY)

    report = await sweep(world, graph).run()

    assert not report.complete
    assert said in " ".join(report.problems)
    assert await world.ledger.last_beat(Beat.SWEEP) == NOW - DAY
    assert await world.ledger.last_beat(Beat.INCOMPLETE_SWEEP) == NOW


async def test_a_graph_that_breaks_off_makes_the_sweep_incomplete(world: World) -> None:
    """What came before is handled all the same."""
    world.fails("job-1", of=item(1))

    await incomplete(world, Graph(row(1), error=AzureUnavailable("page 2 did not come")), "page 2")

    assert len(world.attempts) == 1


async def test_a_row_that_cannot_be_read_makes_the_sweep_incomplete(world: World) -> None:
    """It may have been somebody's failure."""
    world.fails("job-1", of=item(1))

    await incomplete(world, Graph({"id": "x"}, row(1)), "names no job")

    assert len(world.attempts) == 1


async def test_a_job_that_fits_several_items_makes_the_sweep_incomplete(world: World) -> None:
    """Two databases of one name, and the row names none of them: somebody has to look."""
    world.fails("job-1", of=item(1))
    world.vaults.shown_jobs = [
        replace(each, item=None, candidates=(item(1), item(2))) for each in world.vaults.shown_jobs
    ]

    await incomplete(world, Graph(row(1) | {"backupInstance": ""}), "fits several items")

    assert world.attempts == []


async def test_one_bad_vault_does_not_stop_the_others(world: World) -> None:
    """No role on one of them: the others' failures are retried."""
    bad, good = vault("vault-bad"), vault("vault-good")
    world.fails("job-1", of=item(1, of=bad))
    world.fails("job-2", of=item(2, of=good))
    lists = world.vaults.jobs

    async def refuse_one(vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        if vault == bad:
            raise Forbidden("no role on vault-bad", status=403)
        return await lists(vault, since, fresh_since=fresh_since)

    world.vaults.jobs = refuse_one  # type: ignore[method-assign]
    await incomplete(world, Graph(row(1, of=bad), row(2, of=good)), "vault-bad")

    assert [key for key, _ in world.vaults.triggered] == [item(2, of=good).key]
    assert world.told[0] == ("NeedsPerson", "vault-bad")


async def test_a_job_that_the_vault_does_not_know_makes_the_sweep_incomplete(world: World) -> None:
    """The graph says that it failed and the vault has never heard of it: looked at again the next day."""
    world.fails("job-2", of=item(2))

    await incomplete(world, Graph(row(1), row(2)), "job-1")

    assert [key for key, _ in world.vaults.triggered] == [item(2).key]


async def test_a_failure_that_cannot_be_stored_makes_the_sweep_incomplete(world: World) -> None:
    """The ledger is away for one of them."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2))

    def down_for_one(incident: object) -> None:
        if getattr(incident, "item", None) == item(1):
            raise AzureUnavailable("the ledger does not answer")

    world.ledger.before_save = down_for_one
    await incomplete(world, Graph(row(1), row(2)), "the ledger does not answer")

    assert [key for key, _ in world.vaults.triggered] == [item(2).key]


class Shelf:
    """Keeps what it is given, as the inbox does."""

    def __init__(self) -> None:
        self.kept: list[Fields] = []

    async def keep(self, fields: Fields) -> None:
        """See Inbox."""
        self.kept.append(fields)

    @property
    def jobs(self) -> list[str]:
        """Which jobs are kept."""
        return sorted(each["job"] for each in self.kept)


async def forbidden() -> None:
    raise Forbidden("no role", status=403)


async def late(world: World) -> None:
    world.clock.move(minutes=30)


async def test_a_row_is_kept_as_a_signal_is(world: World) -> None:
    """With all that it names: the timer that looks into signals looks into it, too."""
    shelf, world.vaults.on_list = Shelf(), forbidden

    await sweep(world, Graph(row(1)), keep=shelf.keep).run()

    assert shelf.kept == [
        fields_of(source=Source.SWEEP, vault=vault(), job_id="job-1", item=item(), label="a sweep's row")
    ]


async def test_rows_that_cannot_be_handled_are_kept(world: World) -> None:
    """The vault refuses its list, has no such job, comes too late; the topic does not answer, the ledger neither."""
    shelf = Shelf()
    world.vaults.on_list = forbidden
    await sweep(world, Graph(row(1), row(2)), keep=shelf.keep).run()
    world.vaults.on_list = None
    await sweep(world, Graph(row(3)), keep=shelf.keep).run()
    world.vaults.on_list = partial(late, world)
    await sweep(world, Graph(row(4)), keep=shelf.keep, time_limit=timedelta(minutes=25)).run()
    topic = Announced(AzureUnavailable("the topic does not answer"))
    await sweep(world, Graph(row(5)), keep=shelf.keep, announcer=topic).run()

    assert shelf.jobs == [f"job-{number}" for number in range(1, 6)]
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
    shelf = Shelf()
    for number in (1, 2, 3):
        world.fails(f"job-{number}", of=item(number))
    rows = await odd(world)

    report = await sweep(world, Graph(*rows), keep=shelf.keep).run()

    assert (report.complete, report.faults, shelf.jobs, len(world.attempts)) == (False, 1, kept, tried)
    assert await world.ledger.last_beat(Beat.SWEEP) is None
    lines = [json.loads(each.getMessage()) for each in caplog.records]
    (line,) = (each for each in lines if each["event"] == "row_failed")
    assert "Traceback" in line["traceback"]
    assert line.get("jobs", []) == kept


async def test_rows_that_cannot_even_be_kept_are_a_problem(world: World) -> None:
    """The ledger is away as well: the next sweep comes back to them."""

    async def keep(_: Fields) -> None:
        raise AzureUnavailable("the ledger does not answer")

    world.vaults.on_list = forbidden
    report = await sweep(world, Graph(row(1)), keep=keep).run()

    assert report.problems == ["no role", "1 rows could not be kept: the ledger does not answer"]


@pytest.mark.parametrize(
    ("shown", "why", "kept"),
    [
        ({"status": JobStatus.IN_PROGRESS}, "job job-1 is InProgress, not Failed", ["job-1"]),
        ({"status": JobStatus.COMPLETED}, "job job-1 is Completed, not Failed", []),
        ({"operation": "ConfigureBackup"}, "neither a failed backup nor a failed restore", []),
        ({"item": None, "candidates": (item(2), item(3))}, "fits several items of its vault", ["job-1"]),
    ],
)
async def test_a_row_that_the_vault_does_not_confirm_is_logged(
    world: World, caplog: pytest.LogCaptureFixture, shown: dict[str, Any], why: str, kept: list[str]
) -> None:
    """With the reason; one that may still become a failure is kept."""
    caplog.set_level(logging.INFO, "backup_retry")
    world.vaults.shown_jobs = [replace(job("job-1"), **shown)]
    shelf = Shelf()

    await sweep(world, Graph(row(1)), keep=shelf.keep).run()

    [logged] = [each for each in map(json.loads, caplog.messages) if each["event"] == "row_rejected"]
    assert (logged["vault"], logged["job"], why in logged["why"]) == (vault().id, "job-1", True)
    assert (shelf.jobs, world.attempts) == (kept, [])


@pytest.mark.parametrize("operation", ["Restore (Full)", "RestoreWithRehydrate", "CrossRegionRestore"])
async def test_a_failed_restore_calls_a_person(world: World, operation: str) -> None:
    """By whichever name the vault lists it."""
    world.vaults.shown_jobs = [job("job-1", operation=operation)]

    report = await sweep(world, Graph(row(1))).run()

    assert [(each.decision, each.reason) for each in report.handled] == [("closed", Reason.UNSUPPORTED)]


async def test_a_sweep_can_be_watched(world: World) -> None:
    """Each failed job that has been looked at moves it on, readable or not."""
    world.fails("job-1", of=item(1))
    seen: list[tuple[int, int]] = []
    watched = Sweep(
        graph=Graph(row(1), row(2)),
        vaults=world.vaults,
        engine=world.engine,
        controls=world.ledger,
        clock=world.clock,
        profile=daily(),
        scope=Scope(),
        watch=lambda report: seen.append((report.seen, report.found)),
    )

    await watched.run()

    assert seen == [(1, 2), (2, 2)]


# ---- large estates ----------------------------------------------------------------------------------------------


def profile(**fields: object) -> SweepProfile:
    """A profile called hourly."""
    return SweepProfile.model_validate({"name": "hourly", "schedule": "0 0 * * * *", **fields})


async def test_a_vault_is_handled_while_more_is_still_being_read(world: World) -> None:
    """An estate of any size is never in memory as a whole."""
    first, second = vault("vault-a"), vault("vault-b")
    world.fails("job-1", of=item(1, of=first))
    world.fails("job-2", of=item(2, of=second))
    handled = asyncio.Event()
    world.ledger.after_save = lambda _: handled.set()

    class SlowGraph(Graph):
        async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
            self.queries.append(query)
            yield row(1, of=first)
            yield row(2, of=second)
            async with asyncio.timeout(20):
                await handled.wait()

    report = await sweep(world, SlowGraph()).run()

    assert (report.seen, report.complete) == (2, True)


async def test_a_subscription_that_hangs_holds_up_no_other(world: World) -> None:
    """Ten of its vaults come first, and none of them answers before the other subscription's is done."""
    slow = [vault(f"vault-{number:02}") for number in range(10)]
    other = vault("vault-x", OTHER_SUBSCRIPTION)
    for number, each in enumerate([*slow, other]):
        world.fails(f"job-{number}", of=item(number, of=each))
    done = asyncio.Event()
    lists = world.vaults.jobs

    async def hanging(vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        if vault != other:
            async with asyncio.timeout(20):
                await done.wait()
        return await lists(vault, since, fresh_since=fresh_since)

    world.vaults.jobs = hanging  # type: ignore[method-assign]
    world.ledger.after_save = lambda incident: done.set() if incident.item.vault == other else None
    report = await sweep(world, Graph(*(row(n, of=each) for n, each in enumerate([*slow, other])))).run()

    assert (report.seen, report.complete) == (11, True)


async def test_what_azure_left_out_is_each_a_problem(world: World) -> None:
    """What did come is handled."""
    world.fails("job-1", of=item(1))
    error = AnsweredInPart(["Subscriptions not swept: A: 429", "Subscriptions not swept: B: 403"])

    report = await sweep(world, Graph(row(1), error=error)).run()

    assert report.problems == list(error.problems)
    assert len(world.attempts) == 1


async def test_reports_are_counted_and_kept_only_for_whoever_reads_them(world: World) -> None:
    """A hundred thousand of them would fill the memory."""
    world.fails("job-1", of=item(1))

    report = await sweep(world, Graph(row(1)), keep_reports=False).run()

    assert (report.decisions, report.handled) == ({"triggered": 1}, [])


async def test_two_sweeps_at_once_do_no_harm(world: World) -> None:
    """Each failure is retried once; the other sweep is told that it has been handled."""
    graph = Graph(*(row(number) for number in range(20)))
    for number in range(20):
        world.fails(f"job-{number}", of=item(number), error=f"{PASSES}{number}")

    one, other = await asyncio.gather(sweep(world, graph).run(), sweep(world, graph).run())

    assert len(world.attempts) == len({key for key, _ in world.vaults.triggered}) == 20
    assert one.decisions + other.decisions == {"triggered": 20, "already_handled": 20}
    assert one.complete
    assert other.complete


# ---- the time limit ---------------------------------------------------------------------------------------------


async def test_near_the_time_limit_a_sweep_stops_and_says_how_far_it_came(world: World) -> None:
    """Each vault's list takes so long that nothing of it can be begun."""
    vaults = [vault(f"vault-{number}", f"{SUBSCRIPTION[:-1]}{number}") for number in range(3)]
    for number, each in enumerate(vaults):
        world.fails(f"job-{number}", of=item(number, of=each))

    async def slow() -> None:
        world.clock.move(minutes=30)

    world.vaults.on_list = slow
    graph = Graph(*(row(number, of=each) for number, each in enumerate(vaults)))
    report = await sweep(world, graph, time_limit=timedelta(minutes=25)).run()

    assert (report.found, report.seen, report.vaults_left) == (3, 0, 3)
    assert report.problems == [
        "The time limit is reached: 0 of 3 failed jobs were looked at, 3 vaults are left. The next sweep goes on."
    ]
    assert await world.ledger.last_beat(Beat.SWEEP) is None


async def test_the_next_sweep_goes_on_where_the_time_limit_stopped_one(world: World) -> None:
    """What is handled already costs no second retry."""
    vaults = [vault("vault-1"), vault("vault-2", OTHER_SUBSCRIPTION)]
    for number, each in enumerate(vaults):
        world.fails(f"job-{number}", of=item(number, of=each))

    class SlowGraph(Graph):
        async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
            self.queries.append(query)
            yield row(0, of=vaults[0])
            world.clock.move(minutes=26)
            yield row(1, of=vaults[1])

    first = await sweep(world, SlowGraph(), time_limit=timedelta(minutes=25)).run()
    assert (first.rows_left, first.complete) == (True, False)
    graph = Graph(*(row(number, of=each) for number, each in enumerate(vaults)))
    second = await sweep(world, graph, time_limit=timedelta(minutes=25)).run()

    assert second.complete
    assert {key for key, _ in world.vaults.triggered} == {
        item(n, of=each).key for n, each in enumerate(vaults)
    }
    assert len(world.attempts) == 2


# ---- profiles ---------------------------------------------------------------------------------------------------


async def test_each_profile_has_a_horizon_of_its_own(world: World) -> None:
    """A short hourly look must not make the daily one forget what it has not seen."""
    await world.ledger.beat(Beat.SWEEP, NOW - 3 * DAY)

    report = await sweep(world, Graph(), profile=profile(lookback="2h")).run()

    assert report.since == NOW - 2 * HOUR
    assert await world.ledger.last_beat("sweep-hourly") == NOW
    await sweep(world, Graph({}), profile=profile()).run()
    assert await world.ledger.last_beat("incomplete-sweep-hourly") == NOW
    assert await world.ledger.last_beat(Beat.INCOMPLETE_SWEEP) is None
    assert await world.ledger.last_beat(Beat.SWEEP) == NOW - 3 * DAY


@pytest.mark.parametrize(
    ("narrowed", "handled"),
    [
        ({"vaults": "vault-1"}, 1),
        ({"vaults": "!vault-1"}, 1),
        ({"subscriptions": SUBSCRIPTION}, 2),
        ({"subscriptions": OTHER_SUBSCRIPTION}, 0),
        ({"workloads": "VM"}, 2),
        ({"workloads": ["AzureFileShare"]}, 0),
    ],
)
async def test_a_profile_looks_only_where_it_is_told_to(
    world: World, narrowed: dict[str, object], handled: int
) -> None:
    """What it leaves out is no problem: another sweep looks there."""
    vaults = [vault("vault-1"), vault("vault-2")]
    for number, each in enumerate(vaults):
        world.fails(f"job-{number}", of=item(number, of=each))
    graph = Graph(*(row(number, of=each) for number, each in enumerate(vaults)))

    report = await sweep(world, graph, profile=profile(**narrowed)).run()

    assert (len(world.attempts), report.complete) == (handled, True)


async def test_a_profile_cannot_widen_the_apps_scope(world: World) -> None:
    """SCOPE_VAULTS refuses what the profile names."""
    world.fails("job-1", of=item(1))
    refusing = Scope(vaults=Names(patterns=("!vault-1",)))

    await sweep(world, Graph(row(1)), refusing, profile=profile(vaults="vault-1")).run()

    assert world.attempts == []


# ---- announcing -------------------------------------------------------------------------------------------------


class Announced:
    """A topic that keeps what is announced, and refuses while told to."""

    def __init__(self, error: BackupRetryError | None = None) -> None:
        self.error = error
        self.batches: list[list[Mapping[str, Any]]] = []

    async def announce(self, data: Mapping[str, Any]) -> None:
        """See Announcer."""
        if self.error:
            raise self.error
        self.batches.append(data["failures"])


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


# ---- what is logged ---------------------------------------------------------------------------------------------


def test_a_log_line_holds_as_many_problems_as_fit(caplog: pytest.LogCaptureFixture) -> None:
    """Application Insights cuts longer ones; the last problem says what the time limit left."""
    report = SweepReport(profile="daily", began=NOW, since=NOW)
    report.problems = [f"{number} {'x' * 1000}" for number in range(100)]
    report.vaults_left = 7
    report.end()

    report.log()

    (line,) = (json.loads(record.getMessage()) for record in caplog.records)
    assert len(caplog.records[0].getMessage()) < 32_768
    assert line["event"] == "sweep_incomplete"
    assert line["problems"][0] == report.problems[0]
    assert line["problems"][-2] == "… and 85 more problems"
    assert "7 vaults are left" in line["problems"][-1]
