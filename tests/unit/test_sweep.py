"""The sweep: Resource Graph names, the vaults confirm, the engine handles; a complete one moves the horizon."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from backup_retry.errors import AzureUnavailable, BackupRetryError, Forbidden
from backup_retry.ledger import Beat
from backup_retry.model import JobList, JobStatus, Source, Vault
from backup_retry.policy import LONGEST_JOB
from backup_retry.scope import Scope
from reconciler.sweep import FoundJob, Sweep, failed_jobs_query, horizon, read_row
from tests.builders import NOW, STARTED, item, job, vault
from tests.world import World

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


def sweep(world: World, graph: Graph, scope: Scope | None = None) -> Sweep:
    """A sweep that looks back a day."""
    return Sweep(
        graph=graph,
        vaults=world.vaults,
        engine=world.engine,
        controls=world.ledger,
        clock=world.clock,
        lookback=DAY,
        scope=scope or Scope(),
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

    assert "startTime >= datetime(2026-11-21T23:00:00Z)" in query
    assert "datetime({since})" not in query


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
    [{"id": None}, {"id": vault().id}, {"id": "x"}, {"startTime": None}, {"startTime": "yesterday"}],
)
def test_a_row_that_names_no_job_is_none(changes: dict[str, object]) -> None:
    """It is a problem of the sweep's, not an exception."""
    assert read_row({**row(), **changes}) is None
    assert read_row({}) is None


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
        lookback=DAY,
        scope=Scope(),
        watch=lambda report: seen.append((report.seen, report.found)),
    )

    await watched.run()

    assert seen == [(1, 2), (2, 2)]
