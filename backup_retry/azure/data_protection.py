"""Backup vaults through azure-mgmt-dataprotection.

https://learn.microsoft.com/rest/api/dataprotection/ describes the operations; what real answers look like beyond that
is noted where it matters.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from azure.core.exceptions import AzureError

from backup_retry.azure import data_protection_wire as wire
from backup_retry.azure.client import (
    NOT_UNDERSTOOD,
    AzureClients,
    azure_errors,
    read_json,
    said_by,
    translate_trigger,
)
from backup_retry.azure.json_fields import name_of, properties_of
from backup_retry.azure.listing import Pages, Reading
from backup_retry.azure.shared_reads import CachedReads, SharedItems, SharedLists, read_again, read_policies
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import AzureRefused, NotFound
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import BackupRequest, Job, JobList, Operation
from backup_retry.domain.schedule import BackupPolicy
from backup_retry.ports.log_events import LogEvent, log_event

_POLICY_TTL = timedelta(hours=1)


class DataProtectionVaults:
    """The port `vaults.Vaults` on Azure's backup vaults."""

    def __init__(self, clients: AzureClients, clock: Callable[[], datetime]) -> None:
        self._clients = clients
        self._lists = SharedLists(clock, read=self._list, freshen=self._read_running)
        self._states = SharedItems(
            clock, clients.reads_are_low, list_all=self._list_items, read=wire.read_instance
        )
        self._policies: CachedReads[BackupPolicy | None] = CachedReads(clock, _POLICY_TTL)
        self._policy_lists: CachedReads[Mapping[str, BackupPolicy]] = CachedReads(clock, _POLICY_TTL)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """One job; raises NotFound when the vault has no such job."""
        async with azure_errors(f"job {job_id} of vault {vault.name}"):
            client = self._clients.data_protection(vault.subscription)
            resource = await client.jobs.get(vault.resource_group, vault.name, job_id)
            return wire.read_job(name_of(resource), properties_of(resource), vault)

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """The vault's jobs since then; callers whom an earlier reading satisfies share it."""
        return await self._lists.get(vault, since, fresh_since)

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """The instance's protection; None when the vault answers that it has no such instance."""
        state = await self._states.state(item) or await self._read_state(item)
        return replace(state, policy=await self._policy(item.vault, state.policy_id)) if state else None

    async def _read_state(self, item: ProtectedItem) -> ItemState | None:
        vault = item.vault
        try:
            async with azure_errors(f"item {item.friendly_name} of vault {vault.name}"):
                client = self._clients.data_protection(vault.subscription)
                resource = await client.backup_instances.get(vault.resource_group, vault.name, item.name)
                return wire.read_instance(properties_of(resource))
        except NotFound as error:
            if not error.is_the_vaults_word or await self._states.is_listed(item):
                raise
            return None

    async def policies(self, vault: Vault) -> Mapping[str, BackupPolicy]:
        """The vault's policies by their names; one that cannot be understood has a problem."""
        return await self._policy_lists.get(vault.key, lambda: self._list_policies(vault))

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """Start a backup of the instance; returns the address of Azure's operation, to be followed unaltered.

        The SDK must not repeat this POST by itself, and must not follow the operation either: a backup takes hours.
        https://learn.microsoft.com/rest/api/dataprotection/backup-instances/adhoc-backup
        """
        from azure.mgmt.dataprotection.models import (  # noqa: PLC0415
            AdHocBackupRuleOptions,
            AdhocBackupTriggerOption,
            TriggerBackupRequest,
        )

        tag = AdhocBackupTriggerOption(retention_tag_override=request.retention_tag or None)
        options = AdHocBackupRuleOptions(rule_name=request.rule, trigger_option=tag)
        addresses: list[str] = []

        def keep_address(response: Any) -> None:  # noqa: ANN401 (the poller would hide the headers)
            addresses.append(response.http_response.headers.get("Azure-AsyncOperation", ""))

        vault = item.vault
        try:
            await self._clients.data_protection(vault.subscription).backup_instances.begin_adhoc_backup(
                vault.resource_group,
                vault.name,
                item.name,
                TriggerBackupRequest(backup_rule_options=options),
                request_id=attempt_id,
                retry_total=0,
                polling=False,
                raw_response_hook=keep_address,
            )
        except (AzureError, *NOT_UNDERSTOOD) as error:
            raise translate_trigger(error, f"backup of {item.friendly_name} in vault {vault.name}") from error
        return addresses[-1]

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """What became of an accepted trigger, asked at the signed address that Azure gave for it."""
        if not self._clients.is_arm(operation_id):
            return None
        client = self._clients.data_protection(item.vault.subscription)
        with suppress(NotFound):
            async with azure_errors(f"operation on {item.friendly_name} in vault {item.vault.name}"):
                return wire.read_operation(await read_json(client, operation_id))
        return None

    async def _list_items(self, vault: Vault) -> Sequence[object]:
        async with azure_errors(f"instances of vault {vault.name}"):
            client = self._clients.data_protection(vault.subscription)
            pages = client.backup_instances.list(vault.resource_group, vault.name, raw_response_hook=Pages())
            return [each async for each in pages]

    async def _policy(self, vault: Vault, policy_id: str) -> BackupPolicy | None:
        name = policy_id.rsplit("/", 1)[-1]
        if not name:
            return None
        key = f"{vault.key}/{name.lower()}"
        return await self._policies.get(key, lambda: self._read_policy(vault, name))

    async def _read_policy(self, vault: Vault, name: str) -> BackupPolicy | None:
        """A policy of the vault; None where it cannot be read."""
        policy: BackupPolicy | None = None
        try:
            async with azure_errors(f"policy {name} of vault {vault.name}"):
                client = self._clients.data_protection(vault.subscription)
                resource = await client.backup_policies.get(vault.resource_group, vault.name, name)
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
            client = self._clients.data_protection(vault.subscription)
            pages = client.backup_policies.list(vault.resource_group, vault.name, raw_response_hook=Pages())
            return await read_policies(pages, wire.read_policy)

    async def _list(self, reading: Reading) -> None:
        """The service has no filter and lists the oldest job first, so every page is read."""
        vault = reading.vault

        async def job_of(row: object) -> Job | None:
            job = wire.read_job(name_of(row), properties_of(row), vault)
            return job if job.started_at >= reading.since else None

        async with azure_errors(f"jobs of vault {vault.name}"):
            client = self._clients.data_protection(vault.subscription)
            paged = client.jobs.list(vault.resource_group, vault.name, raw_response_hook=reading.pages)
            await reading.read_on(paged, job_of, wire.item_of)
        reading.jobs.sort(key=lambda job: job.started_at, reverse=True)

    async def _read_running(self, reading: Reading) -> None:
        """What may have ended since a list was left unfinished; what has begun since is on its last pages."""
        running = [job.id for job in reading.jobs if job.status.running]
        reading.renew(await read_again(self.job, reading.vault, running))
