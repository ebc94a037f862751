"""What the sweep asks Resource Graph, and how it reads a row of the answer."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.sweep import FoundJob, failed_jobs_query, horizon, read_row
from tests.builders import NOW, STARTED, item, vault
from tests.sweep_world import DAY, HOUR, Graph, row, sweep
from tests.world import World

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
