"""What is special about some workloads, on the whole simulated stack."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from tests.running_app import App
from tests.scenarios.retried_workloads import (
    BACKUP_VAULT,
    RECOVERY_SERVICES,
    WORKLOADS,
    Retried,
    estate_of,
    vault_file,
)
from tests.scenarios.workload_nights import app_with_news, closed, item_files, seen

pytestmark = pytest.mark.asyncio(loop_scope="module")
BY_ID = {workload.id: workload for workload in WORKLOADS}
each_kind_of_vault = pytest.mark.parametrize(
    "workload", [BY_ID["share"], BY_ID["disk"]], ids=["share", "disk"]
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """One stack for all tests of this file."""
    async with app_with_news(tmp_path_factory.mktemp("stack")) as started:
        yield started


async def noticed(app: App, arm_id: str) -> Incident:
    """An item's incident, as soon as there is one that was looked at."""

    async def look() -> Incident | None:
        found = await app.remembered(arm_id)
        return found if found and found.reason is not Reason.NOTED else None

    return await app.until(look)


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
    """Agents' backups and restores, whether an alert or only the sweep tells of them; both come again.

    Each in a vault of its own: of one cause a person is told once.
    """
    vaults = [
        vault_file(each.of.vault, f"odd-{number}-{found_by}", [each.of.item_file(f"{each.of.id}-{found_by}")])
        for number, each in enumerate(UNSUPPORTED)
    ]
    await app.reset(estate_of(*vaults, told=found_by is Source.ALERT))
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
    vaults = [
        vault_file(kind, f"busy-{kind[:6]}".replace("_", "-"), item_files(kind, "busy")) for kind in kinds
    ]
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
