"""Every workload on the whole simulated stack, and what is special about some of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio

from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Outcome, Reason, Source
from tests.running_app import App, Json, running
from tests.scenarios.retried_workloads import (
    BACKUP_VAULT,
    RECOVERY_SERVICES,
    RETENTION_TAG,
    WORKLOADS,
    Retried,
    estate_of,
    vault_file,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: what becomes of an item: its failure passes, is found by a sweep, needs a person, or everybody tells of it at once
PASSES, SWEPT, PERSON, CROWD = "passes", "swept", "person", "crowd"
BY_ID = {workload.id: workload for workload in WORKLOADS}
each_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.id)
each_kind_of_vault = pytest.mark.parametrize(
    "workload", [BY_ID["share"], BY_ID["disk"]], ids=["share", "disk"]
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app with a topic for its news; the usual policies may run at this very hour."""
    settings = {"SCHEDULE_MARGIN": "0s"}
    async with running(tmp_path_factory.mktemp("stack"), settings) as started:
        topic = f"{started.stack.run.arm}/topics/news/api/events"
        await started.restart({"EVENTGRID_TOPIC_ENDPOINT": topic})
        yield started


@dataclass(frozen=True)
class Azure:
    """What the simulated Azure recorded."""

    state: Json

    @property
    def ids(self) -> dict[str, str]:
        """The items' ARM ids by their names."""
        return {item["vm"]: item["id"] for item in self.state["items"]}

    def retries(self, arm_id: str) -> list[Json]:
        """The on-demand backups of an item."""
        jobs: list[Json] = self.state["jobs"]
        return [job for job in jobs if job["user_triggered"] and job["item"] == arm_id]

    def news(self, arm_id: str) -> list[str]:
        """Which events the app published about an item, in the order of their first appearance.

        One that is published twice counts once: it keeps its id, by which a receiver drops the second.
        """
        events = [each["event"] for each in self.state["events"] if each["topic"] == "news"]
        about = {each["id"]: each["type"] for each in events if each["subject"].lower() == arm_id.lower()}
        return list(about.values())


async def seen(app: App) -> Azure:
    """The simulated Azure as it is now."""
    return Azure(await app.azure())


async def closed(app: App, arm_id: str) -> Incident:
    """An item's incident, followed up until it is closed."""

    async def look() -> Incident | None:
        await app.follow_up()
        found = await app.remembered(arm_id)
        return found if found and not found.is_open else None

    return await app.until(look)


async def noticed(app: App, arm_id: str) -> Incident:
    """An item's incident, as soon as there is one that was looked at."""

    async def look() -> Incident | None:
        found = await app.remembered(arm_id)
        return found if found and found.reason is not Reason.NOTED else None

    return await app.until(look)


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
            kind, f"{short}-{act}", _items(kind, act), alerts_for_all_job_failures=act in {PASSES, PERSON}
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


def _items(kind: str, act: str) -> list[Json]:
    return [each.item_file(f"{each.id}-{act}") for each in WORKLOADS if each.vault == kind]


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


# ---- what cannot be started from here ----------------------------------------------------------------------


@dataclass(frozen=True)
class Unsupported:
    """A failure that only a person can run again, and how."""

    of: Retried
    operation: str
    command: str


UNSUPPORTED = (
    Unsupported(Retried(id="folder", workload="MAB", item={"server": "srv-1"}), "Backup", "Start-OBBackup"),
    Unsupported(
        Retried(id="dpm", workload="DPM", item={"server": "dpm-1"}), "Backup", "New-DPMRecoveryPoint"
    ),
    Unsupported(BY_ID["vm"], "Restore", "az backup restore restore-disks"),
    Unsupported(BY_ID["sql-full"], "Restore", "az backup restore restore-azurewl"),
    Unsupported(BY_ID["disk"], "Restore", "az dataprotection backup-instance restore trigger"),
)


@pytest.mark.parametrize("found_by", [Source.ALERT, Source.SWEEP])
async def test_what_cannot_be_started_from_here_is_told_once_with_the_command(
    app: App, found_by: Source
) -> None:
    """Agents' backups and restores, whether an alert or only the sweep tells of them; both come again."""
    vaults = {
        kind: vault_file(
            kind,
            f"odd-{number}-{found_by}",
            [each.of.item_file(f"{each.of.id}-{found_by}") for each in UNSUPPORTED if each.of.vault == kind],
        )
        for number, kind in enumerate((RECOVERY_SERVICES, BACKUP_VAULT))
    }
    await app.reset(estate_of(*vaults.values(), told=found_by is Source.ALERT))
    outcome = {"status": "Failed", "seconds": 0}
    failed = [
        {"item": f"{each.of.id}-{found_by}", "operation": each.operation, "outcome": outcome}
        for each in UNSUPPORTED
    ]
    jobs = await app.run_backups(*failed)
    if found_by is Source.SWEEP:
        await app.sweep()
    ids = (await seen(app)).ids
    keys = [
        ids[f"{each.of.id}-{found_by}"] + (f"/restores/{job}" if each.operation == "Restore" else "")
        for each, job in zip(UNSUPPORTED, jobs, strict=True)
    ]
    for each, key in zip(UNSUPPORTED, keys, strict=True):
        incident = await closed(app, key)
        assert (incident.outcome, incident.reason) == (Outcome.NEEDS_ACTION, Reason.UNSUPPORTED)
        assert incident.found_by is found_by
        assert each.command in incident.detail
    await asyncio.gather(*(app.replay(job) for job in jobs), app.sweep())
    azure = await seen(app)
    assert [azure.news(key) for key in keys] == [["BackupRetry.NeedsPerson"]] * len(keys)
    assert [job for job in azure.state["jobs"] if job["user_triggered"]] == []


async def test_operational_blobs_are_left_alone(app: App) -> None:
    """Their policy has no rule that could be run."""
    blobs = BY_ID["blobs"]
    policy = {"name": "Continuous", "workload": blobs.workload, "backup_rule": None}
    vault = vault_file(BACKUP_VAULT, "bv-blobs", [blobs.item_file("continuous", policy="Continuous")])
    await app.reset(estate_of(vault | {"policies": [*vault["policies"], policy]}))
    await app.run_backups(blobs.failed("continuous", blobs.passing))
    arm_id = (await seen(app)).ids["continuous"]
    incident = await closed(app, arm_id)
    assert (incident.outcome, incident.reason) == (Outcome.LEFT_ALONE, Reason.NO_BACKUP_RULE)
    assert (await seen(app)).retries(arm_id) == []


async def test_a_failed_log_backup_is_left_to_the_next_one(app: App) -> None:
    """Its own schedule mends it."""
    log = BY_ID["sql-broken-log"]
    await app.reset(estate_of(vault_file(RECOVERY_SERVICES, "rsv-log", [log.item_file("ledger")])))
    failed = log.failed("ledger", "UserErrorAGReplicaRoleIsResolving")
    await app.run_backups(failed)
    arm_id = (await seen(app)).ids["ledger"]
    assert (await noticed(app, arm_id)).reason is Reason.LOG_SCHEDULE
    await app.follow_up()
    await app.run_backups({"item": "ledger", "kind": "Log", "outcome": {"seconds": 0.1}})
    incident = await closed(app, arm_id)
    assert (incident.outcome, incident.attempts) == (Outcome.RECOVERED_ELSEWHERE, ())
    assert (await seen(app)).retries(arm_id) == []


# ---- databases of one name ---------------------------------------------------------------------------------


async def test_of_two_databases_of_one_name_the_alert_says_which(app: App) -> None:
    """Their jobs do not: the one that failed is retried, and a good backup of the other one changes nothing."""
    sql = BY_ID["sql-full"]
    pair = [sql.item_file("twin", instance=instance) for instance in ("FIRST", "SECOND")]
    await app.reset(estate_of(vault_file(RECOVERY_SERVICES, "rsv-twins", pair)))
    first, second = [item["id"] for item in (await app.azure())["items"]]
    await app.run_backups(
        {**sql.failed("twin", sql.passing), "item": second},
        {"item": first, "kind": "Full", "outcome": {"seconds": 0.3}},
    )
    incident = await closed(app, second)
    azure = await seen(app)
    assert (len(azure.retries(second)), azure.retries(first)) == (1, [])
    assert (incident.outcome, await app.remembered(first)) == (Outcome.RECOVERED, None)


# ---- what Azure does not answer, or not yet ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("keeps", "outcome"),
    [
        pytest.param(True, Outcome.RECOVERED, id="keeps request ids"),
        pytest.param(False, Outcome.RECOVERED_ELSEWHERE, id="keeps none"),
    ],
)
async def test_a_lost_answer_of_a_backup_vault_starts_no_second_backup(
    app: App, keeps: bool, outcome: Outcome
) -> None:
    """Whether or not the job carries the id that it was asked with: without it nobody can say whose it is."""
    disk, name = BY_ID["disk"], f"unclear-{keeps}"
    vault = vault_file(BACKUP_VAULT, f"bv-unclear-{keeps}", [disk.item_file(name)])
    await app.reset(estate_of(vault, backup_vault_keeps_request_ids=keeps))
    await app.arm({"name": "drop_answer", "match": f"POST .*{name}.*/backup", "count": 1})
    await app.run_backups(disk.failed(name, disk.passing))
    arm_id = (await seen(app)).ids[name]
    incident = await closed(app, arm_id)
    assert (incident.outcome, len(incident.attempts)) == (outcome, 1)
    assert len((await seen(app)).retries(arm_id)) == 1


@pytest.mark.parametrize(
    ("workload", "outcome", "retries"),
    [
        pytest.param(BY_ID["share"], Outcome.RECOVERED, 1, id="a retry needs no policy"),
        pytest.param(BY_ID["postgresql"], Outcome.RECOVERED, 1, id="the failed job tells its rule"),
        pytest.param(BY_ID["disk"], Outcome.NEEDS_ACTION, 0, id="nothing tells the rule"),
    ],
)
async def test_without_its_policy_an_item_is_retried_where_that_can_be_done(
    app: App, workload: Retried, outcome: Outcome, retries: int
) -> None:
    """A policy that cannot be read matters only where nothing else says by which rule to run."""
    name = f"{workload.id}-unread"
    await app.reset(estate_of(vault_file(workload.vault, name, [workload.item_file(name)])))
    await app.arm({"name": "server_error", "match": "GET .*/backupPolicies/", "status": 403})
    await app.run_backups(workload.failed(name, workload.passing))
    arm_id = (await seen(app)).ids[name]
    assert (await closed(app, arm_id)).outcome is outcome
    assert len((await seen(app)).retries(arm_id)) == retries


@each_kind_of_vault
async def test_what_is_protected_no_more_is_left_alone(app: App, workload: Retried) -> None:
    """Somebody stopped its protection."""
    name = f"{workload.id}-stopped"
    item = workload.item_file(name, protection_state="ProtectionStopped")
    await app.reset(estate_of(vault_file(workload.vault, f"{workload.id}-stopped", [item])))
    await app.run_backups(workload.failed(name, workload.passing))
    arm_id = (await seen(app)).ids[name]
    incident = await closed(app, arm_id)
    assert (incident.outcome, incident.reason) == (Outcome.LEFT_ALONE, Reason.NOT_PROTECTED)
    assert (await seen(app)).retries(arm_id) == []


async def test_while_a_backup_runs_none_is_started(app: App) -> None:
    """It would collide; when the running one has ended badly the retry comes, and finds the way free."""
    kinds = (RECOVERY_SERVICES, BACKUP_VAULT)
    vaults = [vault_file(kind, f"busy-{kind[:6]}".replace("_", "-"), _items(kind, "busy")) for kind in kinds]
    await app.reset(estate_of(*vaults))
    failed = [each.failed(f"{each.id}-busy", each.passing) for each in WORKLOADS]
    running = [each | {"outcome": {**each["outcome"], "seconds": 3}} for each in failed]
    await app.run_backups(*running, *(each | {"age_seconds": 1} for each in failed))
    ids = (await seen(app)).ids
    waiting = {(await noticed(app, arm_id)).reason for arm_id in ids.values()}
    ended = {name: await closed(app, arm_id) for name, arm_id in ids.items()}
    azure = await seen(app)
    assert waiting == {Reason.IN_PROGRESS}
    assert {name: incident.outcome for name, incident in ended.items()} == dict.fromkeys(
        ids, Outcome.RECOVERED
    )
    retried = {name: [job["status"] for job in azure.retries(arm_id)] for name, arm_id in ids.items()}
    assert retried == {name: ["Completed"] for name in ids}
