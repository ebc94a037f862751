"""Recovery Services vaults through azure-mgmt-recoveryservicesbackup.

https://learn.microsoft.com/rest/api/backup/ describes the operations; what real answers look like beyond that
is noted where it matters.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from backup_retry.azure import recovery_services_wire as wire
from backup_retry.azure.client import (
    NOT_UNDERSTOOD,
    AzureClients,
    azure_errors,
    read_json,
    said_by,
    translate_trigger,
)
from backup_retry.azure.json_fields import id_of, properties_of
from backup_retry.azure.listing import Pages, Reading
from backup_retry.azure.shared_reads import CachedReads, SharedItems, SharedLists, read_again, read_policies
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import AzureRefused, NotFound
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import BackupRequest, Job, JobList, Operation
from backup_retry.domain.schedule import BackupPolicy
from backup_retry.domain.workloads import SETS_UP_PROTECTION, STOPS_PROTECTION, workload
from backup_retry.ports.log_events import LogEvent, log_event

if TYPE_CHECKING:
    from azure.mgmt.recoveryservicesbackup.models import BackupRequestResource

_FABRIC = "Azure"
_POLICY_TTL = timedelta(hours=1)
#: a job may be listed so much later than it began
_LISTED_LATE = timedelta(hours=1)
#: for how long the items of a vault are known by their names; less where a job fits none of them
_ITEMS_TTL, _UNLESS_UNKNOWN = timedelta(hours=1), timedelta(minutes=5)


class RecoveryServicesVaults:
    """The port `vaults.Vaults` on Azure."""

    def __init__(self, clients: AzureClients, clock: Callable[[], datetime]) -> None:
        self._clients = clients
        self._clock = clock
        self._lists = SharedLists(clock, read=self._list, freshen=self._list_newest)
        self._policies: CachedReads[BackupPolicy | None] = CachedReads(clock, _POLICY_TTL)
        self._states = SharedItems(
            clock, clients.reads_are_low, list_all=self._list_items, read=wire.read_item
        )
        self._policy_lists: CachedReads[Mapping[str, BackupPolicy]] = CachedReads(clock, _POLICY_TTL)
        self._items: CachedReads[Sequence[wire.Named]] = CachedReads(clock, _ITEMS_TTL)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """One job; raises NotFound when the vault has no such job."""
        async with azure_errors(f"job {job_id} of vault {vault.name}"):
            client = self._clients.backup(vault.subscription)
            resource = await client.job_details.get(vault.name, vault.resource_group, job_id)
            called = wire.read_called(resource, vault)
        return await self._owned(called)

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """The vault's jobs since then; callers whom an earlier reading satisfies share it."""
        return await self._lists.get(vault, since, fresh_since)

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """The item's protection; None when the vault answers that it has no such item.

        A 400 is no "gone": one api-version gave it for items that existed.
        """
        if item.is_stand_in:
            return None
        state = await self._states.state(item) or await self._read_state(item)
        if state is None:
            return None
        return replace(state, policy=await self._policy(item.vault, state.policy_id.rsplit("/", 1)[-1]))

    async def _read_state(self, item: ProtectedItem) -> ItemState | None:
        vault = item.vault
        try:
            async with azure_errors(f"item {item.friendly_name} of vault {vault.name}"):
                client = self._clients.backup(vault.subscription)
                resource = await client.protected_items.get(
                    vault.name, vault.resource_group, _FABRIC, item.container, item.name
                )
                return wire.read_item(properties_of(resource))
        except NotFound as error:
            if not error.is_the_vaults_word or await self._states.is_listed(item):
                raise
            return None

    async def policies(self, vault: Vault) -> Mapping[str, BackupPolicy]:
        """The vault's policies by their names; one that cannot be understood has a problem."""
        return await self._policy_lists.get(vault.key, lambda: self._list_policies(vault))

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """Start a backup of the item; returns the address of Azure's operation, to be followed unaltered.

        The attempt's id travels as x-ms-client-request-id, which the vault keeps as the job's activityId. The
        SDK must not repeat this POST by itself: it would on 500, 503, 504 and on any Retry-After.
        https://learn.microsoft.com/rest/api/backup/backups/trigger
        """
        vault = item.vault
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
                _body(request),
                request_id=attempt_id,
                retry_total=0,
                cls=keep_address,
            )
        except (AzureError, *NOT_UNDERSTOOD) as error:
            raise translate_trigger(error, f"backup of {item.friendly_name} in vault {vault.name}") from error
        return addresses[0]

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """What became of an accepted trigger, asked at the signed address that Azure gave for it."""
        if not self._clients.is_arm(operation_id):
            return None
        client = self._clients.backup(item.vault.subscription)
        with suppress(NotFound):
            async with azure_errors(f"operation on {item.friendly_name} in vault {item.vault.name}"):
                return wire.read_operation(await read_json(client, operation_id))
        return None

    async def _owned(self, called: wire.Called) -> Job:
        """A job with its item: one that does not name it is compared with the items of its kind in the vault."""
        job, kind, vault = called.job, called.management_type, called.job.vault
        changes = {*STOPS_PROTECTION, SETS_UP_PROTECTION}
        if job.item is not None or not (job.is_backup or job.is_restore or job.operation.lower() in changes):
            return job
        key = f"{vault.key}/{kind.lower()}"
        owned = wire.owned(job, called.names, await self._items.get(key, lambda: self._named(vault, kind)))
        if owned.item is None or not owned.item.is_stand_in:
            return owned
        items = await self._items.get(key, lambda: self._named(vault, kind), _UNLESS_UNKNOWN)
        return wire.owned(job, called.names, items)

    async def _list_items(self, vault: Vault) -> Sequence[object]:
        async with azure_errors(f"items of vault {vault.name}"):
            client = self._clients.backup(vault.subscription)
            pages = client.backup_protected_items.list(
                vault.name, vault.resource_group, raw_response_hook=Pages()
            )
            return [each async for each in pages]

    async def _named(self, vault: Vault, management_type: str) -> Sequence[wire.Named]:
        if management_type.lower() not in wire.LISTED:
            return ()
        async with azure_errors(f"items of vault {vault.name}"):
            client = self._clients.backup(vault.subscription)
            wanted = f"backupManagementType eq '{management_type}'"
            pages = client.backup_protected_items.list(
                vault.name, vault.resource_group, filter=wanted, raw_response_hook=Pages()
            )
            found = [wire.read_named(id_of(each), properties_of(each)) async for each in pages]
        return [each for each in found if each is not None]

    async def _policy(self, vault: Vault, name: str) -> BackupPolicy | None:
        if not name:
            return None
        return await self._policies.get(f"{vault.key}/{name.lower()}", lambda: self._read_policy(vault, name))

    async def _read_policy(self, vault: Vault, name: str) -> BackupPolicy | None:
        """A policy of the vault; None where it cannot be read, since a retry does not depend on it."""
        policy: BackupPolicy | None = None
        try:
            async with azure_errors(f"policy {name} of vault {vault.name}"):
                client = self._clients.backup(vault.subscription)
                resource = await client.protection_policies.get(vault.name, vault.resource_group, name)
                properties = properties_of(resource)
            policy = wire.read_policy(properties)
            problem = policy.problem
        except (AzureRefused, *NOT_UNDERSTOOD) as error:
            problem = said_by(error)
        if problem:
            log_event(
                LogEvent.POLICY_UNREAD, level=logging.WARNING, vault=vault.id, policy=name, problem=problem
            )
        return policy

    async def _list_policies(self, vault: Vault) -> Mapping[str, BackupPolicy]:
        async with azure_errors(f"policies of vault {vault.name}"):
            client = self._clients.backup(vault.subscription)
            pages = client.backup_policies.list(vault.name, vault.resource_group, raw_response_hook=Pages())
            return await read_policies(pages, wire.read_policy)

    async def _list(self, reading: Reading) -> None:
        # Both ends are needed; the far one lies in the future because Azure's clock is not ours.
        until, vault = self._clock() + timedelta(days=1), reading.vault
        window = f"startTime eq '{_filter_time(reading.since)}' and endTime eq '{_filter_time(until)}'"

        async def job_of(row: object) -> Job:
            return await self._owned(wire.read_called(row, vault))

        async with azure_errors(f"jobs of vault {vault.name}"):
            client = self._clients.backup(vault.subscription)
            paged = client.backup_jobs.list(
                vault.name, vault.resource_group, filter=window, raw_response_hook=reading.pages
            )
            await reading.read_on(paged, job_of, wire.item_of)

    async def _list_newest(self, reading: Reading) -> None:
        """What has begun or ended since a list was left unfinished: the service lists the newest jobs first."""
        newest = max((job.started_at for job in reading.jobs), default=reading.since)
        since = max(newest - _LISTED_LATE, reading.since)
        # One by one, as a backup that hangs for days would have the list of those days read with each look.
        running = [job.id for job in reading.jobs if job.status.running and job.started_at < since]
        fresh = Reading(vault=reading.vault, since=since)
        await self._list(fresh)
        reading.renew([*fresh.jobs, *await read_again(self.job, reading.vault, running)])
        reading.unread |= fresh.unread


def _body(request: BackupRequest) -> "BackupRequestResource":
    """The body of a trigger; https://learn.microsoft.com/rest/api/backup/backups/trigger shows one per workload."""
    from azure.mgmt.recoveryservicesbackup import models  # noqa: PLC0415

    kind = {"backup_type": request.kind} if request.kind else {}
    make = getattr(models, workload(request.workload).request)
    properties = make(recovery_point_expiry_time_in_utc=request.keep_until, **kind)
    return models.BackupRequestResource(properties=properties)


def _filter_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %I:%M:%S %p")
