"""The adapter of backup vaults, through Microsoft's SDK over TLS, on the simulated Azure."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.resources import files
from typing import Any
from uuid import uuid4

import pytest

from backup_retry.azure.access_inspection import AzureInspection
from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.vaults import AzureVaults
from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind, parse_job_id
from backup_retry.domain.errors import (
    AnswerUnclear,
    AzureRefused,
    AzureUnavailable,
    Forbidden,
    NotFound,
    Throttled,
)
from backup_retry.domain.jobs import BackupRequest, Job, JobError, JobList, JobStatus, Operation
from backup_retry.ports.access_inspection import VAULT_RIGHTS, missing_rights
from simulator.estate.inventory import Item
from simulator.estate.outcomes import JobError as Failure
from simulator.estate.outcomes import JobStatus as Status
from simulator.estate.outcomes import Outcome
from simulator.server import RunningServer
from tests.clock import Clock
from tests.failures import VAULT as RECOVERY_SERVICES_VAULT
from tests.failures import vm_item
from tests.vault_world import settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

DISK, BLOBS = "Microsoft.Compute/disks", "Microsoft.Storage/storageAccounts/blobServices"
POSTGRESQL = "Microsoft.DBforPostgreSQL/flexibleServers"
VAULT = replace(RECOVERY_SERVICES_VAULT, name="backup-1", kind=VaultKind.BACKUP)
DENIED = replace(VAULT, name="backup-9")
MINUTE = timedelta(minutes=1)
BUSY = Failure(
    code=1, title="UserErrorBusy", message="Busy.", recommendations=("Wait.", "Retry."), retryable=True
)
FAILED = Outcome(status=Status.FAILED, seconds=60, error=BUSY)
BACKUP = r"POST .*/backup\?"


def estate(vault: Vault, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A vault of the estate."""
    place = {"subscription": vault.subscription, "resource_group": vault.resource_group, "name": vault.name}
    kind = "backup" if vault.kind is VaultKind.BACKUP else "recovery_services"
    return {**place, "kind": kind, "items": list(items), **more}


ESTATE = {
    "subscriptions": [{"id": VAULT.subscription, "name": "Test"}],
    "vaults": [
        estate(
            VAULT,
            {"workload": DISK, "name": "disk-1", "policy": "Hourly"},
            {"workload": DISK, "name": "disk-2", "protection_state": "ProtectionStopped"},
            {"workload": DISK, "name": "disk-3", "protection_state": "SoftDeleted"},
            {"workload": POSTGRESQL, "name": "pg-1"},
            {"workload": BLOBS, "name": "stlogs", "policy": "Continuous"},
            policies=[
                {
                    "name": "Hourly",
                    "backup_rule": "BackupHourly",
                    "period": "PT4H",
                    "retention_tag": "Weekly",
                },
                {"name": "Continuous", "workload": BLOBS, "backup_rule": None},
            ],
        ),
        estate(DENIED, {"workload": DISK, "name": "disk-9"}),
        estate(RECOVERY_SERVICES_VAULT, {"vm": "vm-01", "resource_group": "rg-app"}),
    ],
    "denied_vaults": [DENIED.name],
    "action_groups": [],
    "settings": {"backup_seconds": 60, "operation_seconds": 10, "page_size": 2},
}


@dataclass(frozen=True)
class World:
    """The simulated Azure, whose clock stands still, and the adapter under test."""

    server: RunningServer
    clock: Clock
    clients: AzureClients
    vaults: DataProtectionVaults

    def found(self, name: str) -> Item:
        """The simulator's item of that name."""
        item = self.server.azure.find_item(name)
        assert item is not None
        return item

    def item(self, name: str = "disk-1") -> ProtectedItem:
        """The item of that name."""
        item = ProtectedItem.parse(self.found(name).id)
        assert item is not None
        return item

    def run(self, name: str = "disk-1", outcome: Outcome = FAILED, **options: Any) -> str:
        """Run a scheduled backup; the job's id."""
        return self.server.azure.run_job(self.found(name), outcome, now=self.clock(), **options).name

    async def jobs(self, since: timedelta = MINUTE, vault: Vault = VAULT) -> JobList:
        """The vault's jobs of the last `since`, as they are now."""
        now = self.clock()
        return await self.vaults.jobs(vault, now - since, fresh_since=now)

    async def trigger(
        self,
        item: ProtectedItem | None = None,
        rule: str = "BackupHourly",
        tag: str = "",
        attempt_id: str = "",
    ) -> str:
        """Trigger a backup as the engine does; the operation's address."""
        request = BackupRequest(workload=DISK, rule=rule, retention_tag=tag)
        attempt = attempt_id or str(uuid4())
        return await self.vaults.trigger(item or self.item(), request, attempt_id=attempt)

    def posts(self) -> list[dict[str, Any]]:
        """The triggers that arrived."""
        return self.server.simulator.requests.find("/backup$", "POST")

    def reads(self, path: str) -> int:
        """How many reads of that path arrived."""
        return len(self.server.simulator.requests.find(path, "GET"))

    def started(self) -> int:
        """How many jobs the triggers started."""
        return sum(job.user_triggered for job in self.server.azure.jobs)


@pytest.fixture
def world(azure: tuple[RunningServer, Clock, AzureClients]) -> World:
    """The estate anew, with an adapter that has read nothing yet."""
    server, clock, clients = azure
    server.simulator.reset(ESTATE)
    return World(server, clock, clients, DataProtectionVaults(clients, clock))


# ---- jobs --------------------------------------------------------------------------------------------------


async def test_a_failed_job_is_read_with_all_that_matters(world: World) -> None:
    """Its item, what it ran with, and whether the service thinks that a retry can help."""
    job_id = world.run("pg-1")
    started_at = world.clock()
    world.clock.move(minutes=2)
    job = await world.vaults.job(VAULT, job_id)
    assert job == Job(
        id=job_id,
        vault=VAULT,
        workload=POSTGRESQL,
        operation="Backup",
        status=JobStatus.FAILED,
        started_at=started_at,
        ended_at=started_at + MINUTE,
        activity_id=job.activity_id,
        on_demand=False,
        entity_name=job.entity_name,
        item=world.item("pg-1"),
        error=JobError(title="UserErrorBusy", message="Busy.", advice="Wait. Retry.", retryable=True),
        rule="BackupDaily",
        retention_tag="Default",
    )
    assert job.activity_id
    assert "pg-1" in job.entity_name


async def test_a_restore_is_a_job_of_the_same_list(world: World) -> None:
    """It is none of the backups."""
    world.run(outcome=FAILED, operation="Restore")
    [job] = (await world.jobs()).jobs
    assert (job.is_restore, job.is_backup) == (True, False)


async def test_a_job_that_the_vault_does_not_have_is_not_found(world: World) -> None:
    """With the service's own code."""
    with pytest.raises(NotFound) as caught:
        await world.vaults.job(VAULT, str(uuid4()))
    assert (caught.value.status, caught.value.code) == (404, "BMSUserErrorObjectNotFound")


async def test_a_vault_without_a_role_is_forbidden(world: World) -> None:
    """Whatever is asked of it."""
    item = world.item("disk-9")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: world.vaults.job(DENIED, str(uuid4())),
        lambda: world.jobs(MINUTE, DENIED),
        lambda: world.vaults.item(item),
        lambda: world.trigger(item, "BackupDaily"),
    ]
    for call in calls:
        with pytest.raises(Forbidden) as caught:
            await call()
        assert (caught.value.status, caught.value.code) == (403, "AuthorizationFailed")


async def test_the_list_has_the_jobs_since_then_newest_first(world: World) -> None:
    """Over all pages, though the service has no filter and begins with the oldest."""
    ages = {minutes: world.run(age=timedelta(minutes=minutes)) for minutes in (90, 30, 61, 10, 59)}
    listed = await world.jobs(timedelta(hours=1))
    assert [job.id for job in listed.jobs] == [ages[10], ages[30], ages[59]]
    assert listed.read_at == world.clock()
    assert world.reads("/backupJobs$") == 3


async def test_twenty_callers_share_one_list(world: World) -> None:
    """One request for all whom an earlier reading satisfies; one that is too old is read anew."""
    world.run()
    lists = await asyncio.gather(*(world.jobs() for _ in range(20)))
    assert len({id(each) for each in lists}) == 1
    assert world.reads("/backupJobs$") == 1
    world.clock.move(seconds=20)
    assert (await world.jobs()).read_at == world.clock()
    assert world.reads("/backupJobs$") == 2


# ---- items -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state", "deleted"),
    [
        ("disk-1", "ProtectionConfigured", False),
        ("disk-2", "ProtectionStopped", False),
        ("disk-3", "SoftDeleted", True),
    ],
)
async def test_an_instances_state_is_read(world: World, name: str, state: str, deleted: bool) -> None:
    """In the vault's own words, with the source that tags stand on."""
    read = await world.vaults.item(world.item(name))
    assert read is not None
    assert (read.protection_state, read.deleted) == (state, deleted)
    assert read.source_id.lower() == world.found(name).source_resource_id.lower()


async def test_an_instance_comes_with_its_policys_rules(world: World) -> None:
    """Every four hours, by a rule that a retry has to name; of its tags the default one."""
    read = await world.vaults.item(world.item())
    assert read is not None
    assert read.policy is not None
    assert read.policy.rules == {"BackupHourly": "Default"}
    run = read.policy.next_run(world.clock(), "BackupHourly")
    assert run is not None
    assert run - world.clock() <= timedelta(hours=4)
    assert read.policy.next_run(run, "BackupHourly") == run + timedelta(hours=4)


async def test_a_continuous_policy_has_no_rule(world: World) -> None:
    """Nothing can be triggered, which is something else than not known."""
    read = await world.vaults.item(world.item("stlogs"))
    assert read is not None
    assert read.policy is not None
    assert read.policy.rules == {}


async def test_a_policy_is_read_once_an_hour(world: World) -> None:
    """It is part of every decision and changes rarely."""
    clock = Clock()
    vaults = DataProtectionVaults(world.clients, clock)
    for _ in range(3):
        await vaults.item(world.item())
    assert world.reads("/backupPolicies/") == 1
    clock.move(hours=1)
    await vaults.item(world.item())
    assert world.reads("/backupPolicies/") == 2


async def test_a_policy_that_cannot_be_read_is_not_known(world: World) -> None:
    """The item is, all the same."""
    world.found("disk-1").vault.policies.clear()
    read = await world.vaults.item(world.item())
    assert read is not None
    assert (read.protection_state, read.policy) == ("ProtectionConfigured", None)


async def test_an_instance_that_is_gone_is_none(world: World) -> None:
    """The vault itself says 404."""
    assert await world.vaults.item(ProtectedItem(vault=VAULT, name="disk-99")) is None


async def test_a_missing_vault_is_no_missing_instance(world: World) -> None:
    """A 404 from above the instance is an error, not the answer None."""
    with pytest.raises(NotFound):
        await world.vaults.item(ProtectedItem(vault=replace(VAULT, name="no-such-vault"), name="disk-1"))


# ---- triggers ----------------------------------------------------------------------------------------------


async def test_a_trigger_starts_one_job_by_rule_and_tag(world: World) -> None:
    """The attempt's id travels as x-ms-client-request-id; nobody asks after the operation by himself."""
    attempt = str(uuid4())
    assert await world.trigger(tag="Monthly", attempt_id=attempt)
    assert [post["client_request_id"] for post in world.posts()] == [attempt]
    assert (world.reads("operationStatus"), world.reads("operationResults")) == (0, 0)
    [listed] = (await world.jobs()).jobs
    job = await world.vaults.job(VAULT, listed.id)
    assert (job.item, job.status, job.on_demand) == (world.item(), JobStatus.IN_PROGRESS, True)
    assert job.retention_tag == "Monthly"


async def test_without_a_tag_the_service_chooses(world: World) -> None:
    """An override that is empty would be refused."""
    await world.trigger()
    [listed] = (await world.jobs()).jobs
    assert (await world.vaults.job(VAULT, listed.id)).retention_tag == "default"


UNCLEAR = [
    ({"name": "server_error", "status": 500}, 0),
    ({"name": "server_error", "status": 503, "retry_after": 0}, 0),
    ({"name": "server_error", "status": 504, "retry_after": 0}, 0),
    ({"name": "server_error", "status": 408}, 0),
    ({"name": "drop_request"}, 0),
    ({"name": "drop_answer"}, 1),
]


@pytest.mark.parametrize(("fault", "effects"), UNCLEAR, ids=["500", "503", "504", "408", "lost", "effect"])
async def test_a_trigger_without_a_clear_answer_is_not_repeated(
    world: World, fault: dict[str, Any], effects: int
) -> None:
    """One POST, whatever the SDK's own habits are, and AnswerUnclear."""
    world.server.faults.arm([{**fault, "match": BACKUP}])
    with pytest.raises(AnswerUnclear):
        await world.trigger()
    assert (len(world.posts()), world.started()) == (1, effects)


async def test_a_throttled_trigger_says_when_to_come_back(world: World) -> None:
    """One POST; nothing was started, and nobody waits here for Azure to recover."""
    world.server.faults.arm([{"name": "throttle", "match": BACKUP, "retry_after": 1}])
    with pytest.raises(Throttled) as caught:
        await world.trigger()
    assert caught.value.retry_after == timedelta(seconds=1)
    assert (len(world.posts()), world.started()) == (1, 0)


@pytest.mark.parametrize(
    ("name", "rule", "code"),
    [
        ("disk-1", "Default", "BMSUserErrorInvalidInput"),
        ("stlogs", "BackupDaily", "BMSUserErrorInvalidInput"),
        ("disk-2", "BackupDaily", "BMSUserErrorItemNotProtected"),
    ],
    ids=["a rule of retention", "a continuous policy", "stopped"],
)
async def test_a_refused_trigger_keeps_azures_own_code(world: World, name: str, rule: str, code: str) -> None:
    """A 4xx says that nothing was started."""
    with pytest.raises(AzureRefused) as caught:
        await world.trigger(world.item(name), rule)
    assert (type(caught.value), caught.value.status, caught.value.code) == (AzureRefused, 400, code)
    assert world.started() == 0


async def test_a_trigger_of_what_is_gone_is_not_found(world: World) -> None:
    """Nothing was started."""
    with pytest.raises(NotFound):
        await world.trigger(ProtectedItem(vault=VAULT, name="disk-99"))
    assert world.started() == 0


async def test_a_trigger_with_an_expired_token_started_nothing(world: World) -> None:
    """So it may be sent again later, which an unclear one may not."""
    world.server.faults.arm([{"name": "expire_token", "match": BACKUP}])
    with pytest.raises(AzureUnavailable):
        await world.trigger()
    assert world.started() == 0


# ---- operations --------------------------------------------------------------------------------------------


async def test_an_operation_is_followed_to_its_job(world: World) -> None:
    """At the signed address that the trigger's answer gave, sent back unaltered; the job's id is bare."""
    operation, item = await world.trigger(), world.item()
    assert await world.vaults.operation(item, operation) == Operation(status="InProgress")
    world.clock.move(seconds=11)
    [job] = world.server.azure.jobs
    assert await world.vaults.operation(item, operation) == Operation(status="Succeeded", job_id=job.name)


async def test_an_operation_that_azure_forgot_is_none(world: World) -> None:
    """404 is an answer."""
    operation, item = await world.trigger(), world.item()
    world.server.simulator.reset(ESTATE)
    assert await world.vaults.operation(item, operation) is None


@pytest.mark.parametrize("address", ["", "https://evil.test/x?t=1", "http://localhost:1/x", "/relative"])
async def test_a_foreign_address_is_never_followed(world: World, address: str) -> None:
    """The token goes to Resource Manager only."""
    assert await world.vaults.operation(world.item(), address) is None


# ---- what surrounds them -----------------------------------------------------------------------------------


async def test_both_kinds_of_vault_are_seen_with_their_rights(world: World) -> None:
    """One without a role is none of them."""
    graph = ResourceGraph(world.clients)
    inspection = AzureInspection(world.clients, graph, settings(world.server.arm_url))
    found = {each.vault.key: each.failure_alerts for each in await inspection.vaults()}
    assert set(found) == {VAULT.key, RECOVERY_SERVICES_VAULT.key}
    assert found[VAULT.key] in {"", "Enabled"}
    assert missing_rights(VAULT.kind, await inspection.permissions(VAULT)) == []
    assert missing_rights(DENIED.kind, await inspection.permissions(DENIED)) == list(VAULT_RIGHTS[VAULT.kind])


@pytest.mark.parametrize("name", ["disk-1", "DISK-1"])
async def test_an_instance_is_found_by_what_a_person_calls_it(world: World, name: str) -> None:
    """As backup-retry explain and retry do."""
    query = files("cli").joinpath("protected_items.kql").read_text(encoding="utf-8")
    rows = ResourceGraph(world.clients).rows(query.replace("{name}", name))
    assert [ProtectedItem.parse(row["id"]) async for row in rows] == [world.item()]


async def test_a_job_is_found_by_its_id(world: World) -> None:
    """In whichever vault it is."""
    job_id = world.run()
    query = files("cli").joinpath("jobs.kql").read_text(encoding="utf-8")
    rows = ResourceGraph(world.clients).rows(query.replace("{name}", job_id))
    assert [parse_job_id(row["id"]) async for row in rows] == [(VAULT, job_id)]


# ---- both kinds at once ------------------------------------------------------------------------------------


async def test_each_vault_is_asked_by_its_own_adapter(world: World) -> None:
    """All five questions, of a disk and of a VM."""
    vaults, now = AzureVaults(world.clients, world.clock), world.clock()
    vm = vm_item("vm-01")
    keep = now + timedelta(days=30)
    for item, request in (
        (world.item(), BackupRequest(workload=DISK, rule="BackupHourly")),
        (vm, BackupRequest(workload="VM", keep_until=keep)),
    ):
        state = await vaults.item(item)
        assert state is not None
        assert state.policy is not None
        operation = await vaults.trigger(item, request, attempt_id=str(uuid4()))
        assert await vaults.operation(item, operation) == Operation(status="InProgress")
        [listed] = (await vaults.jobs(item.vault, now, fresh_since=now)).jobs
        job = await vaults.job(item.vault, listed.id)
        assert (job.workload, job.item) == (request.workload, item)
