"""Every workload on the whole simulated stack."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from tests.running_app import App, Json
from tests.scenarios.retried_workloads import (
    BACKUP_VAULT,
    RECOVERY_SERVICES,
    RETENTION_TAG,
    WORKLOADS,
    Retried,
    estate_of,
    vault_file,
)
from tests.scenarios.workload_nights import Azure, app_with_news, closed, item_files, seen

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: what becomes of an item: its failure passes, is found by a sweep, needs a person, or everybody tells of it at once
PASSES, SWEPT, PERSON, CROWD = "passes", "swept", "person", "crowd"
each_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.id)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """One stack for all tests of this file."""
    async with app_with_news(tmp_path_factory.mktemp("stack")) as started:
        yield started


# ---- one night of all workloads ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Night:
    """What is left of it in the morning."""

    azure: Azure
    incidents: dict[str, Incident]

    def retries(self, name: str) -> list[Json]:
        """The on-demand backups of the item of that name, each as kind, retention tag and status."""
        return self.azure.retries(self.azure.ids[name])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def night(app: App) -> Night:
    """Every workload's backup fails four times, in vaults of its own each time."""
    kinds = {"rsv": RECOVERY_SERVICES, "bv": BACKUP_VAULT}
    vaults = [
        vault_file(
            kind, f"{short}-{act}", item_files(kind, act), alerts_for_all_job_failures=act in {PASSES, PERSON}
        )
        for short, kind in kinds.items()
        for act in (PASSES, SWEPT, PERSON, CROWD)
    ]
    await app.reset(estate_of(*vaults))
    acts = (PASSES, SWEPT, CROWD)
    passing = [each.failed(f"{each.id}-{act}", each.passing) for each in WORKLOADS for act in acts]
    await app.run_backups(*passing, *(each.failed(f"{each.id}-{PERSON}", each.person) for each in WORKLOADS))
    await _everybody_tells(app)
    ids = (await seen(app)).ids
    incidents = {name: await closed(app, arm_id) for name, arm_id in ids.items()}
    return Night(await seen(app), incidents)


async def _everybody_tells(app: App) -> None:
    """Two alerts and an event for each failure of the crowd, amid a sweep and a follow-up."""
    state = await app.azure()
    crowd = [job for job in state["jobs"] if job["vault"].endswith(CROWD)]
    events = [_failure_found(f"{job['vault']}/backupJobs/{job['name']}") for job in crowd]
    alerts = [app.replay(job["name"]) for job in crowd for _ in range(2)]
    await asyncio.gather(*alerts, app.publish("grid", *events), app.sweep(), app.follow_up())


def _failure_found(job: str) -> Json:
    when = {"eventTime": "2026-11-22T14:00:00Z", "dataVersion": "1.0"}
    return {
        "id": str(uuid4()),
        "subject": "tests",
        "eventType": "BackupRetry.FailureFound",
        "data": {"jobId": job},
        **when,
    }


@pytest.mark.parametrize("act", [PASSES, SWEPT])
@each_workload
async def test_a_failure_that_passes_is_retried_once_and_recovers(
    night: Night, workload: Retried, act: str
) -> None:
    """By a backup of the kind that failed, or a full one where the chain broke.

    In a backup vault with the failed job's retention tag, whoever told of it; any rule but the policy's own is refused.
    """
    name = f"{workload.id}-{act}"
    tag = RETENTION_TAG if workload.vault == BACKUP_VAULT else "Default"
    found = [(job["kind"], job["retention_tag"], job["status"]) for job in night.retries(name)]
    assert found == [(workload.retry, tag, "Completed")]
    incident = night.incidents[name]
    assert (incident.outcome, len(incident.attempts)) == (Outcome.RECOVERED, 1)
    assert act == PASSES or incident.found_by is Source.SWEEP


@each_workload
async def test_a_failure_that_needs_a_person_is_closed_with_its_remedy(
    night: Night, workload: Retried
) -> None:
    """Nothing is started."""
    name = f"{workload.id}-{PERSON}"
    incident = night.incidents[name]
    assert night.retries(name) == []
    assert (incident.outcome, incident.reason) == (Outcome.NEEDS_ACTION, Reason.NEEDS_ACTION)
    assert workload.remedy in incident.detail


@each_workload
async def test_whoever_tells_of_a_failure_it_is_retried_once(night: Night, workload: Retried) -> None:
    """Two alerts, an event, a sweep and a follow-up at the same time."""
    name = f"{workload.id}-{CROWD}"
    assert len(night.retries(name)) == 1
    assert night.incidents[name].outcome is Outcome.RECOVERED
    news = ["BackupRetry.RetryTriggered", "BackupRetry.Recovered"]
    assert night.azure.news(night.azure.ids[name]) == news
