"""Triggers and their operations, through Microsoft's SDK over TLS, on the simulated Azure."""

import ssl
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import (
    AnswerUnclear,
    AzureRefused,
    AzureUnavailable,
    Forbidden,
    NotFound,
    Throttled,
)
from backup_retry.domain.jobs import BackupRequest, JobStatus, Operation
from simulator.machine.ports import free_port
from simulator.machine.tls import Certificates
from tests.failures import vm_item
from tests.vault_world import DENIED, ESTATE, STOPPED, VM, VaultWorld, settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

BACKUP = r"POST .*/backup\?"


async def test_a_trigger_starts_one_job_that_carries_the_attempts_id(vault_world: VaultWorld) -> None:
    """As x-ms-client-request-id on the wire and activityId on the job; its point is kept as asked."""
    attempt = str(uuid4())
    assert await vault_world.trigger(attempt_id=attempt)
    assert [post["client_request_id"] for post in vault_world.posts()] == [attempt]
    [job] = (await vault_world.jobs()).jobs
    assert (job.activity_id, job.status, job.item) == (attempt, JobStatus.IN_PROGRESS, VM)
    kept = vault_world.server.azure.jobs[0].expires
    assert kept is not None
    assert abs(kept - vault_world.clock() - timedelta(days=30)) < timedelta(seconds=1)


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
    vault_world: VaultWorld, fault: dict[str, Any], effects: int
) -> None:
    """One POST, whatever the SDK's own habits are, and AnswerUnclear."""
    attempt = str(uuid4())
    vault_world.server.faults.arm([{**fault, "match": BACKUP}])
    with pytest.raises(AnswerUnclear):
        await vault_world.trigger(attempt_id=attempt)
    assert len(vault_world.posts()) == 1
    assert vault_world.started() == [attempt] * effects


async def test_a_throttled_trigger_says_when_to_come_back(vault_world: VaultWorld) -> None:
    """One POST; nothing was started, and nobody waits here for Azure to recover."""
    vault_world.arm("throttle", BACKUP, retry_after=17)
    with pytest.raises(Throttled) as caught:
        await vault_world.trigger()
    assert caught.value.retry_after == timedelta(seconds=17)
    assert (len(vault_world.posts()), vault_world.started()) == (1, [])


@pytest.mark.parametrize(
    ("item", "kind", "code"),
    [
        (vm_item("vm-99"), NotFound, "BMSUserErrorDataSourceObjectNotFound"),
        (vm_item("vm-21", STOPPED), AzureRefused, "BMSUserErrorItemNotProtected"),
        (vm_item("vm-91", DENIED), Forbidden, "AuthorizationFailed"),
    ],
    ids=["gone", "stopped", "forbidden"],
)
async def test_a_refused_trigger_keeps_azures_own_code(
    vault_world: VaultWorld, item: ProtectedItem, kind: type[AzureRefused], code: str
) -> None:
    """A 4xx says that nothing was started."""
    with pytest.raises(AzureRefused) as caught:
        await vault_world.trigger(item)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len(caught.value.said.split()) > 3
    assert caught.value.in_full.endswith(f"{code}: {caught.value.said}")
    assert vault_world.started() == []


async def test_a_trigger_with_an_expired_token_started_nothing(vault_world: VaultWorld) -> None:
    """So it may be sent again later, which an unclear one may not."""
    vault_world.arm("expire_token", BACKUP)
    with pytest.raises(AzureUnavailable):
        await vault_world.trigger()
    assert vault_world.started() == []


async def test_a_trigger_that_found_no_connection_started_nothing(
    trust: Certificates, vault_world: VaultWorld
) -> None:
    """Nobody listens: unavailable, not unclear."""
    nowhere = settings(f"https://localhost:{free_port()}")
    async with AzureClients(nowhere, ssl_context=trust.client_context()) as clients:
        clients._credential = vault_world.clients._credential  # tokens are to be had, only ARM is away
        vaults = RecoveryServicesVaults(clients, vault_world.clock)
        with pytest.raises(AzureUnavailable):
            await vaults.trigger(VM, BackupRequest(workload="VM"), attempt_id=str(uuid4()))


async def test_a_trigger_into_a_strangers_tls_started_nothing(vault_world: VaultWorld) -> None:
    """A certificate that is not trusted ends the connection before a request is sent."""
    async with AzureClients(
        settings(vault_world.server.arm_url), ssl_context=ssl.create_default_context()
    ) as clients:
        clients._credential = vault_world.clients._credential
        vaults = RecoveryServicesVaults(clients, vault_world.clock)
        with pytest.raises(AzureUnavailable):
            await vaults.trigger(VM, BackupRequest(workload="VM"), attempt_id=str(uuid4()))
    assert vault_world.posts() == []


# ---- operations --------------------------------------------------------------------------------------------


async def test_an_operation_is_followed_to_its_job(vault_world: VaultWorld) -> None:
    """At the signed address that the trigger's answer gave, sent back unaltered."""
    operation = await vault_world.trigger()
    assert await vault_world.vaults.operation(VM, operation) == Operation(status="InProgress")
    vault_world.clock.move(seconds=11)
    [job] = vault_world.server.azure.jobs
    assert await vault_world.vaults.operation(VM, operation) == Operation(status="Succeeded", job_id=job.name)


async def test_an_operation_that_azure_forgot_is_none(vault_world: VaultWorld) -> None:
    """404 is an answer."""
    operation = await vault_world.trigger()
    vault_world.server.simulator.reset(ESTATE)
    assert await vault_world.vaults.operation(VM, operation) is None


@pytest.mark.parametrize("address", ["", "https://evil.test/x?t=1", "http://localhost:1/x", "/relative"])
async def test_a_foreign_address_is_never_followed(vault_world: VaultWorld, address: str) -> None:
    """The token goes to Resource Manager only; not to another host, port or scheme."""
    assert await vault_world.vaults.operation(VM, address) is None
    port = vault_world.server.arm_url.rpartition(":")[2]
    for other in (
        f"http://localhost:{port}/x",
        f"https://localhost.evil.test:{port}/x",
        f"https://u@localhost:{port}/",
    ):
        assert await vault_world.vaults.operation(VM, other) is None
    assert vault_world.server.simulator.requests.find() == []


# ---- time-outs ---------------------------------------------------------------------------------------------


async def test_nothing_waits_for_azure_longer_than_half_a_minute(
    vault_world: VaultWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDKs' own default is five minutes: as long as a claim's lease, and longer than Event Grid waits."""
    session: aiohttp.ClientSession = vault_world.clients._transport.session
    request, waits = session.request, []

    def spy(*arguments: Any, **options: Any) -> Any:
        waits.append((options["timeout"].sock_connect, options["timeout"].sock_read))
        return request(*arguments, **options)

    monkeypatch.setattr(session, "request", spy)
    await vault_world.vaults.item(VM)
    await vault_world.trigger()
    assert len(waits) == 3  # the item, its policy, the trigger
    assert all(connect <= 5 and read <= 30 for connect, read in waits)
