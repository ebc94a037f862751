"""The jobs of the simulated Backup vaults, reached through Microsoft's SDK over TLS."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from simulator.estate.outcomes import JobError, JobStatus, Outcome
from tests.data_protection_world import VAULT, World, running


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch) as each:
        yield each


async def test_jobs_are_listed_oldest_first_over_all_pages(world: World) -> None:
    """The other way round than in Recovery Services vaults."""
    ages = (5, 4, 3, 2, 1, 0, 6)
    names = [
        (age, world.simulated.run("disk-1", Outcome(seconds=0), age=timedelta(hours=age))) for age in ages
    ]
    listed = [job.name async for job in world.client.jobs.list(*VAULT)]
    assert listed == [name for _, name in sorted(names, reverse=True)]


async def test_the_last_page_has_a_next_link_that_is_null(world: World) -> None:
    """And the duration of a listed job is a time span, without details."""
    world.simulated.run("disk-1", Outcome(seconds=2.5), age=timedelta(minutes=1))
    vault = world.item("disk-1").vault
    url = f"{world.simulated.server.arm_url}{vault.id}/backupJobs?api-version=2025-07-01"
    _, body, _ = await world.read(url)
    job = body["value"][0]["properties"]
    assert body["nextLink"] is None
    assert (job["duration"], job["extendedInfo"], job["errorDetails"]) == ("00:00:02.5000000", None, None)


async def test_a_failed_job_says_whether_a_retry_can_help(world: World) -> None:
    """The code is text; isUserError is false even for a user's error, as in real replies."""
    error = JobError(code=1, title="UserErrorMade", message="No.", recommendations=("Yes.",), retryable=True)
    name = world.simulated.run(
        "pg-1",
        Outcome(status=JobStatus.FAILED, seconds=30, error=error),
        age=timedelta(minutes=1),
    )
    job = await world.job(name)
    [detail] = job.error_details
    assert (detail.code, detail.message, detail.recommended_action) == ("UserErrorMade", "No.", ["Yes."])
    assert (detail.is_retryable, detail.is_user_error) == (True, False)
    assert (job.status, job.duration, job.operation_category) == ("Failed", "PT30S", "Backup")


@pytest.mark.parametrize(
    ("item", "details"),
    [
        ("pg-1", {"RetentionTag": "Default"}),
        ("disk-1", {"RetentionTag": "Weekly"}),
    ],
)
async def test_a_jobs_details_name_the_retention_tag_and_no_rule(
    world: World, item: str, details: dict[str, str]
) -> None:
    """It has to be read from the policy."""
    job = await world.job(world.simulated.run(item, Outcome(seconds=0)))
    assert job.extended_info.additional_details == details


async def test_a_running_job_shows_no_progress(world: World) -> None:
    """PT0S and no end for as long as it runs."""
    name = world.simulated.run("aks-1", Outcome())
    world.simulated.clock.move(seconds=30)
    job = await world.job(name)
    assert (job.status, job.duration, job.end_time) == ("InProgress", "PT0S", None)
    assert (job.supported_actions, job.destination_data_store_name) == ([""], None)
    assert (job.backup_instance_friendly_name, job.data_source_set_name) == ("aks-1/aks-1", "aks-1")


async def test_a_restore_is_a_job_of_another_category(world: World) -> None:
    """It shares the list with backups."""
    world.simulated.run("disk-1", Outcome(seconds=0), operation="Restore")
    [job] = await world.jobs()
    assert (job.operation_category, job.operation, job.destination_data_store_name) == (
        "Restore",
        "Restore",
        None,
    )
