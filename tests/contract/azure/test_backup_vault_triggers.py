"""The adapter of backup vaults: an on-demand backup is asked for once, and its operation is followed."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import (
    AnswerUnclear,
    AzureRefused,
    AzureUnavailable,
    NotFound,
    Throttled,
)
from backup_retry.domain.jobs import JobStatus, Operation
from simulator.server import RunningServer
from tests.backup_vaults_world import ESTATE, VAULT, World
from tests.clock import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")
BACKUP = r"POST .*/backup\?"


@pytest.fixture
def world(azure: tuple[RunningServer, Clock, AzureClients]) -> World:
    """The estate anew, with an adapter that has read nothing yet."""
    server, clock, clients = azure
    server.simulator.reset(ESTATE)
    return World(server, clock, clients, DataProtectionVaults(clients, clock))


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
    assert await world.vaults.operation(item, operation) == Operation(status="Inprogress")
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
