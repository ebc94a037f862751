"""Recovery Services vaults through azure-mgmt-recoveryservicesbackup.

https://learn.microsoft.com/rest/api/backup/ describes the operations; what real answers look like beyond that
is noted where it matters.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from backup_retry.azure import wire
from backup_retry.azure.client import AzureClients, azure_errors, translate_trigger
from backup_retry.errors import AzureRefused, NotFound
from backup_retry.log_events import LogEvent, log_event
from backup_retry.model import ItemState, Job, JobList, Operation, ProtectedItem, Vault
from backup_retry.schedule import BackupPolicy

_FABRIC = "Azure"
#: 404 answers that speak of something above the item
_NOT_THE_ITEM = frozenset({"resourcenotfound", "resourcegroupnotfound", "subscriptionnotfound"})
#: how long a list of a vault's jobs is kept for those whom it still satisfies
_KEPT_FOR = timedelta(minutes=1)
_POLICY_KEPT_FOR = timedelta(hours=1)


class RecoveryServicesVaults:
    """The port `vaults.Vaults` on Azure."""

    def __init__(self, clients: AzureClients, clock: Callable[[], datetime]) -> None:
        self._clients = clients
        self._clock = clock
        self._lists = _SharedLists(clock)
        self._policies = _KeptPolicies(clock)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """One job; raises NotFound when the vault has no such job."""
        async with azure_errors(f"job {job_id} of vault {vault.name}"):
            client = self._clients.backup(vault.subscription)
            resource = await client.job_details.get(vault.name, vault.resource_group, job_id)
        return wire.read_job(str(resource.name), resource.properties or {}, vault)

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """The vault's jobs since then; callers whom an earlier reading satisfies share it."""
        return await self._lists.get(vault, since, fresh_since, self._list)

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """The item's protection; None when the vault answers that it has no such item.

        A 400 is no "gone": one api-version gave it for items that existed.
        """
        vault = item.vault
        try:
            async with azure_errors(f"item {item.friendly_name} of vault {vault.name}"):
                client = self._clients.backup(vault.subscription)
                resource = await client.protected_items.get(
                    vault.name, vault.resource_group, _FABRIC, item.container, item.name
                )
        except NotFound as error:
            if error.code.lower() in _NOT_THE_ITEM:
                raise
            return None
        state = wire.read_item(resource.properties or {})
        return replace(state, policy=await self._policies.get(vault, state.policy_id, self._read_policy))

    async def trigger(self, item: ProtectedItem, *, attempt_id: str, keep_until: datetime) -> str:
        """Start a backup of the item; returns the address of Azure's operation, to be followed unaltered.

        The attempt's id travels as x-ms-client-request-id, which the vault keeps as the job's activityId. The
        SDK must not repeat this POST by itself: it would on 500, 503, 504 and on any Retry-After.
        https://learn.microsoft.com/rest/api/backup/backups/trigger
        """
        from azure.mgmt.recoveryservicesbackup.models import (  # noqa: PLC0415
            BackupRequestResource,
            IaasVMBackupRequest,
        )

        vault = item.vault
        request = BackupRequestResource(
            properties=IaasVMBackupRequest(recovery_point_expiry_time_in_utc=keep_until)
        )
        addresses: list[str] = []

        def keep_address(response: Any, *_: object) -> None:  # noqa: ANN401 (the SDK itself returns nothing)
            addresses.append(response.http_response.headers.get("Azure-AsyncOperation", ""))

        try:
            await self._clients.backup(vault.subscription).backups.trigger(
                vault.name,
                vault.resource_group,
                _FABRIC,
                item.container,
                item.name,
                request,
                request_id=attempt_id,
                retry_total=0,
                cls=keep_address,
            )
        except AzureError as error:
            raise translate_trigger(error, f"backup of {item.friendly_name} in vault {vault.name}") from error
        return addresses[0]

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """What became of an accepted trigger, asked at the signed address that Azure gave for it."""
        if not self._clients.is_arm(operation_id):
            return None
        client = self._clients.backup(item.vault.subscription)
        with suppress(NotFound):
            async with azure_errors(f"operation on {item.friendly_name}"):
                response = await client.send_request(HttpRequest("GET", operation_id))
                response.raise_for_status()
            return wire.read_operation(response.json())
        return None

    async def _read_policy(self, vault: Vault, name: str) -> BackupPolicy | None:
        """A policy of the vault; None where it cannot be read, since a retry does not depend on it."""
        try:
            async with azure_errors(f"policy {name} of vault {vault.name}"):
                client = self._clients.backup(vault.subscription)
                resource = await client.protection_policies.get(vault.name, vault.resource_group, name)
            return wire.read_policy(resource.properties or {})
        except (AzureRefused, ValueError, KeyError) as error:
            log_event(
                LogEvent.POLICY_UNREAD, level=logging.WARNING, vault=vault.id, policy=name, problem=str(error)
            )
            return None

    async def _list(self, vault: Vault, since: datetime) -> list[Job]:
        # Both ends are needed; the far one lies in the future because Azure's clock is not ours.
        until = self._clock() + timedelta(days=1)
        window = f"startTime eq '{_filter_time(since)}' and endTime eq '{_filter_time(until)}'"
        async with azure_errors(f"jobs of vault {vault.name}"):
            client = self._clients.backup(vault.subscription)
            pages = client.backup_jobs.list(vault.name, vault.resource_group, filter=window)
            return [
                wire.read_job(str(each.name), each.properties, vault)
                async for each in pages
                if each.properties
            ]


@dataclass(frozen=True)
class _Listed:
    since: datetime
    jobs: JobList


class _SharedLists:
    """One request per vault at a time; those who come while it runs share the next one."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._listed: dict[str, _Listed] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(
        self,
        vault: Vault,
        since: datetime,
        fresh_since: datetime,
        read: Callable[[Vault, datetime], Awaitable[list[Job]]],
    ) -> JobList:
        async with self._locks.setdefault(vault.key, asyncio.Lock()):
            known = self._listed.get(vault.key)
            if known and known.since <= since and known.jobs.read_at >= fresh_since:
                return known.jobs
            now = self._clock()
            listed = JobList(read_at=now, jobs=await read(vault, since))
            self._forget_old(now)
            self._listed[vault.key] = _Listed(since, listed)
            return listed

    def _forget_old(self, now: datetime) -> None:
        old = [key for key, known in self._listed.items() if now - known.jobs.read_at > _KEPT_FOR]
        for key in old:
            del self._listed[key]


class _KeptPolicies:
    """Policies change rarely: one request per policy and hour."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._read: dict[str, tuple[datetime, BackupPolicy | None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(
        self, vault: Vault, policy_id: str, read: Callable[[Vault, str], Awaitable[BackupPolicy | None]]
    ) -> BackupPolicy | None:
        name = policy_id.rsplit("/", 1)[-1]
        if not name:
            return None
        key = f"{vault.key}/{name.lower()}"
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._read.get(key)
            if known is None or self._clock() - known[0] >= _POLICY_KEPT_FOR:
                known = (self._clock(), await read(vault, name))
                self._read[key] = known
            return known[1]


def _filter_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %I:%M:%S %p")
