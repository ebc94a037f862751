"""Microsoft.RecoveryServices: the vaults' REST API.

https://learn.microsoft.com/rest/api/backup/
"""

import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm import filters, missing, signatures, wire
from simulator.arm.calls import Call, Route
from simulator.arm.identity import PRINCIPAL
from simulator.arm.paging import page
from simulator.estate.inventory import Item, Job, Operation, Vault
from simulator.estate.state import Azure
from simulator.estate.workloads import RECOVERY_SERVICES
from simulator.recovery_services import backup_requests, item_wire, job_wire, policy_wire

T = TypeVar("T")

_VAULTS = "/resourceGroups/{resource_group}/providers/Microsoft.RecoveryServices/vaults"
_VAULT = "/subscriptions/{subscription}" + _VAULTS + "/{vault}"
_ITEM = _VAULT + "/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}"

#: No on-demand backup is made of an item in one of these states.
_UNPROTECTED = frozenset({"ProtectionStopped", "ProtectionPaused", "BackupsSuspended", "SoftDeleted"})
_RETRY_AFTER = {"Retry-After": "60"}


class RecoveryServices:
    """The handlers; what they know is in `azure`."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def routes(self) -> list[Route]:
        """All routes below a subscription that belong to vaults."""
        return [
            Route(
                "GET",
                "/subscriptions/{subscription}/providers/Microsoft.RecoveryServices/vaults",
                self.list_vaults,
            ),
            Route("GET", "/subscriptions/{subscription}" + _VAULTS, self.list_vaults),
            Route("GET", _VAULT, self.get_vault),
            Route("GET", _VAULT + "/backupJobs", self.list_jobs),
            Route("GET", _VAULT + "/backupJobs/{job}", self.get_job),
            Route("POST", _VAULT + "/backupJobs/{job}/cancel", self.cancel_job),
            Route("GET", _VAULT + "/backupJobs/{job}/operationResults/{operation}", self.operation_result),
            Route("GET", _VAULT + "/backupJobs/{job}/operationsStatus/{operation}", self.operation_status),
            Route("GET", _VAULT + "/backupProtectedItems", self.list_items),
            Route("GET", _VAULT + "/backupProtectionContainers", self.list_containers),
            Route("GET", _VAULT + "/backupPolicies", self.list_policies),
            Route("GET", _VAULT + "/backupPolicies/{policy}", self.get_policy),
            Route("GET", _VAULT + "/backupOperations/{operation}", self.operation_status),
            Route("GET", _VAULT + "/backupOperationResults/{operation}", self.operation_result),
            Route("GET", _ITEM, self.get_item),
            Route("POST", _ITEM + "/backup", self.trigger_backup),
            Route("GET", _ITEM + "/operationsStatus/{operation}", self.operation_status),
            Route("GET", _ITEM + "/operationResults/{operation}", self.operation_result),
        ]

    async def list_vaults(self, call: Call) -> web.Response:
        """The vaults of a subscription or resource group, without those that the caller may not see."""
        subscription = call.params["subscription"].lower()
        group = call.params.get("resource_group", "").lower()
        found = [
            vault
            for vault in self._azure.vaults
            if vault.provider == RECOVERY_SERVICES
            and vault.subscription_id.lower() == subscription
            and group in {"", vault.resource_group.lower()}
            and not self._azure.is_denied(vault)
        ]
        return self._paged(call, found, lambda vault: vault.id, wire.vault)

    async def get_vault(self, call: Call) -> web.Response:
        """One vault."""
        return web.json_response(wire.vault(self._vault(call, "read")))

    async def list_jobs(self, call: Call) -> web.Response:
        """The vault's jobs that the filter lets through, newest first."""
        vault = self._vault(call, "backupJobs/read")
        found = filters.jobs(vault.jobs, call.query.get("$filter", ""))
        found.sort(key=lambda job: job.start_time, reverse=True)
        return self._paged(call, found, lambda job: job.name, lambda job: job_wire.job(job, call.now))

    async def get_job(self, call: Call) -> web.Response:
        """One job with its details."""
        job = self._job(call, self._vault(call, "backupJobs/read"))
        return web.json_response(job_wire.job_details(job, call.now))

    async def cancel_job(self, call: Call) -> web.Response:
        """Ask a running backup to stop."""
        job = self._job(call, self._vault(call, "backupJobs/cancel/action"))
        if not job.status.running or not job.is_cancellable:
            raise arm_errors.job_not_cancellable(job.status)
        return _accepted(call, job.id, self._azure.cancel(job, call.now))

    async def list_items(self, call: Call) -> web.Response:
        """The vault's protected items that the filter lets through."""
        vault = self._vault(call, "backupProtectedItems/read")
        there = [item for item in vault.items if item.protection_state != "SoftDeleted"]
        found = filters.items(there, call.query.get("$filter", ""))
        return self._paged(call, found, lambda item: item.id, lambda item: item_wire.listed(item, call.now))

    async def get_item(self, call: Call) -> web.Response:
        """One protected item."""
        return web.json_response(item_wire.item(self._item(call, "read"), call.now))

    async def list_containers(self, call: Call) -> web.Response:
        """The protection containers; the filter must name the backup management type."""
        vault = self._vault(call, "backupProtectionContainers/read")
        found = filters.containers(vault.items, call.query.get("$filter", ""))
        return self._paged(call, found, lambda item: item.container_id, item_wire.container)

    async def list_policies(self, call: Call) -> web.Response:
        """The vault's backup policies."""
        vault = self._vault(call, "backupPolicies/read")
        found = filters.policies(vault.policies, call.query.get("$filter", ""))
        return self._paged(
            call, found, lambda policy: policy.name, lambda policy: policy_wire.policy(policy, vault)
        )

    async def get_policy(self, call: Call) -> web.Response:
        """One backup policy."""
        vault, name = self._vault(call, "backupPolicies/read"), call.params["policy"]
        for policy in vault.policies:
            if policy.name.lower() == name.lower():
                return web.json_response(policy_wire.policy(policy, vault))
        raise arm_errors.object_not_found(f"Backup policy {name}")

    async def trigger_backup(self, call: Call) -> web.Response:
        """Start an on-demand backup; its job's activityId is the caller's x-ms-client-request-id."""
        item = self._item(call, "backup/action")
        request = backup_requests.read(call, item.workload, self._azure.settings.sql_full_retention_days)
        if item.protection_state in _UNPROTECTED:
            raise arm_errors.item_not_protected(item.protection_state)
        activity_id = call.client_request_id or str(uuid.uuid4())
        operation = self._azure.trigger_backup(
            item, activity_id=activity_id, expires=request.expires, kind=request.kind, now=call.now
        )
        return _accepted(call, item.id, operation)

    async def operation_status(self, call: Call) -> web.Response:
        """Whether a trigger's or a cancellation's operation is done."""
        operation = self._operation(call, "operationsStatus")
        return web.json_response(job_wire.operation_status(operation, call.now))

    async def operation_result(self, call: Call) -> web.Response:
        """202 with an empty object while the operation is under way, 204 afterwards."""
        operation = self._operation(call, "operationResults")
        if call.now >= operation.ready:
            return web.Response(status=204)
        return web.json_response({}, status=202, headers=_RETRY_AFTER)

    def _vault(self, call: Call, action: str) -> Vault:
        """The vault of the path, if the caller may do `action` there."""
        params = call.params
        vault = self._azure.vault(params["subscription"], params["resource_group"], params["vault"])
        if vault is None:
            if action == "backupProtectedItems/read":
                raise missing.machine_gone()
            resource = f"{RECOVERY_SERVICES}/vaults/{params['vault']}"
            raise missing.vault_not_found(
                self._azure, params["subscription"], params["resource_group"], resource
            )
        if self._azure.is_denied(vault):
            raise arm_errors.authorization_failed(PRINCIPAL, f"{RECOVERY_SERVICES}/vaults/{action}", vault.id)
        return vault

    def _item(self, call: Call, action: str) -> Item:
        vault = self._vault(call, f"backupFabrics/protectionContainers/protectedItems/{action}")
        params = call.params
        place = f"backupFabrics/{params['fabric']}/protectionContainers/{params['container']}"
        item = self._azure.find_item(f"{vault.id}/{place}/protectedItems/{params['item']}")
        if item is None:
            raise arm_errors.item_not_found()
        return item

    def _job(self, call: Call, vault: Vault) -> Job:
        job = self._azure.find_job(call.params["job"])
        if job is None or job.vault is not vault:
            raise arm_errors.object_not_found(f"Job {call.params['job']}")
        return job

    def _operation(self, call: Call, purpose: str) -> Operation:
        vault = self._vault(call, "backupOperations/read")
        operation = self._azure.operation(call.params["operation"])
        if operation is None or operation.job.vault is not vault:
            raise arm_errors.object_not_found(f"Operation {call.params['operation']}")
        signatures.verify(operation, purpose, call.query)
        return operation

    def _paged(
        self, call: Call, found: Sequence[T], key: Callable[[T], str], render: Callable[[T], wire.Json]
    ) -> web.Response:
        """A page of a list, whose last page has no nextLink."""
        size = self._azure.settings.page_size
        return web.json_response(wire.page(*page(call, found, size=size, key=key, render=render)))


def _accepted(call: Call, resource_id: str, operation: Operation) -> web.Response:
    """202 with the two polling URLs, whose paths hold a bare `;` where the request had `%3B`."""

    def url(purpose: str) -> str:
        query = f"{urlencode({'api-version': call.api_version})}&{signatures.signed(operation, purpose)}"
        return f"{call.base_url}{resource_id}/{purpose}/{operation.id}?{query}"

    headers = {"Location": url("operationResults"), "Azure-AsyncOperation": url("operationsStatus")}
    return web.Response(status=202, headers=headers | _RETRY_AFTER)
