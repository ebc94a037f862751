"""Microsoft.DataProtection: the Backup vaults' REST API.

https://learn.microsoft.com/rest/api/dataprotection/
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm import missing, signatures
from simulator.arm.calls import Call, Route
from simulator.arm.identity import PRINCIPAL
from simulator.arm.paging import page
from simulator.arm.wire import page as listed
from simulator.data_protection import errors as backup_vault_errors
from simulator.data_protection import job_wire
from simulator.data_protection import vault_wire as wire
from simulator.estate.inventory import Item, Operation, Vault
from simulator.estate.policies import Policy
from simulator.estate.state import Azure
from simulator.estate.workloads import DATA_PROTECTION

T = TypeVar("T")
Json = dict[str, Any]

_SUBSCRIPTION = "/subscriptions/{subscription}"
_VAULTS = "/resourceGroups/{resource_group}/providers/Microsoft.DataProtection/backupVaults"
_VAULT = _SUBSCRIPTION + _VAULTS + "/{vault}"
_INSTANCE = _VAULT + "/backupInstances/{instance}"
_LOCATION = _SUBSCRIPTION + "/providers/Microsoft.DataProtection/locations/{location}"
#: No on-demand backup is made of an instance in one of these states.
_UNPROTECTED = frozenset(
    {
        "ConfiguringProtection",
        "ConfiguringProtectionFailed",
        "BackupsSuspended",
        "ProtectionStopped",
        "SoftDeleted",
    }
)
#: The retention tag of an on-demand backup that names none.
_AD_HOC_TAG = "default"


class DataProtection:
    """The handlers; what they know is in `azure`."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def routes(self) -> list[Route]:
        """All routes that belong to Backup vaults."""
        operations = [
            Route("GET", f"{place}/{purpose}/{{operation}}", handler)
            for place in (_VAULT, _INSTANCE, _LOCATION)
            for purpose, handler in (
                ("operationStatus", self.operation_status),
                ("operationResults", self.operation_result),
            )
        ]
        return [
            Route(
                "GET", _SUBSCRIPTION + "/providers/Microsoft.DataProtection/backupVaults", self.list_vaults
            ),
            Route("GET", _SUBSCRIPTION + _VAULTS, self.list_vaults),
            Route("GET", _VAULT, self.get_vault),
            Route("GET", _VAULT + "/backupJobs", self.list_jobs),
            Route("GET", _VAULT + "/backupJobs/{job}", self.get_job),
            Route("GET", _VAULT + "/backupInstances", self.list_instances),
            Route("GET", _INSTANCE, self.get_instance),
            Route("GET", _VAULT + "/deletedBackupInstances", self.list_deleted),
            Route("GET", _VAULT + "/deletedBackupInstances/{instance}", self.get_deleted),
            Route("POST", _INSTANCE + "/backup", self.trigger_backup),
            Route("GET", _VAULT + "/backupPolicies", self.list_policies),
            Route("GET", _VAULT + "/backupPolicies/{policy}", self.get_policy),
            *operations,
        ]

    async def list_vaults(self, call: Call) -> web.Response:
        """The Backup vaults of a subscription or resource group that the caller may see."""
        subscription = call.params["subscription"].lower()
        group = call.params.get("resource_group", "").lower()
        found = [
            vault
            for vault in self._azure.vaults
            if vault.provider == DATA_PROTECTION
            and vault.subscription_id.lower() == subscription
            and group in {"", vault.resource_group.lower()}
            and not self._azure.is_denied(vault)
        ]
        return self._paged(call, found, lambda vault: vault.id, wire.vault)

    async def get_vault(self, call: Call) -> web.Response:
        """One vault."""
        return web.json_response(wire.vault(self._vault(call, "read")))

    async def list_jobs(self, call: Call) -> web.Response:
        """The vault's jobs, all of them, oldest first."""
        vault = self._vault(call, "backupJobs/read")
        found = sorted(vault.jobs, key=lambda job: job.start_time)
        return self._paged(call, found, lambda job: job.name, lambda job: job_wire.job(job, call.now))

    async def get_job(self, call: Call) -> web.Response:
        """One job with its details."""
        vault, name = self._vault(call, "backupJobs/read"), call.params["job"]
        job = self._azure.find_job(name)
        if job is None or job.vault is not vault:
            raise backup_vault_errors.not_found(f"Job {name}", _activity(call))
        return web.json_response(job_wire.job_details(job, call.now))

    async def list_instances(self, call: Call) -> web.Response:
        """The vault's backup instances."""
        vault = self._vault(call, "backupInstances/read")
        found = [item for item in vault.items if item.protection_state != "SoftDeleted"]
        size = self._azure.settings.page_size
        rows, link = page(call, found, size=size, key=lambda item: item.name, render=wire.instance)
        return web.json_response(listed(rows, link))

    async def list_deleted(self, call: Call) -> web.Response:
        """The backup instances that were deleted and are kept for a while."""
        vault = self._vault(call, "deletedBackupInstances/read")
        found = [item for item in vault.items if item.protection_state == "SoftDeleted"]
        return self._paged(
            call, found, lambda item: item.name, lambda item: wire.deleted_instance(item, call.now)
        )

    async def get_deleted(self, call: Call) -> web.Response:
        """One backup instance that was deleted and is kept for a while."""
        item = self._instance(call, "read")
        if item.protection_state != "SoftDeleted":
            raise backup_vault_errors.not_found(f"Deleted backup instance {item.name}", _activity(call))
        return web.json_response(wire.deleted_instance(item, call.now))

    async def get_instance(self, call: Call) -> web.Response:
        """One backup instance."""
        return web.json_response(wire.instance(self._instance(call, "read")))

    async def list_policies(self, call: Call) -> web.Response:
        """The vault's backup policies."""
        vault = self._vault(call, "backupPolicies/read")
        return self._paged(
            call, vault.policies, lambda policy: policy.name, lambda policy: wire.policy(policy, vault)
        )

    async def get_policy(self, call: Call) -> web.Response:
        """One backup policy."""
        vault, name = self._vault(call, "backupPolicies/read"), call.params["policy"]
        for policy in vault.policies:
            if policy.name.lower() == name.lower():
                return web.json_response(wire.policy(policy, vault))
        raise backup_vault_errors.not_found(f"Backup policy {name}", _activity(call))

    async def trigger_backup(self, call: Call) -> web.Response:
        """Start an on-demand backup by the policy's backup rule."""
        item = self._instance(call, "backup/action")
        tag = _retention_tag(call, item.policy)
        if item.protection_state in _UNPROTECTED:
            raise backup_vault_errors.not_protected(item.protection_state, _activity(call))
        keeps = self._azure.settings.backup_vault_keeps_request_ids
        operation = self._azure.trigger_backup(
            item,
            activity_id=_activity(call) if keeps else str(uuid.uuid4()),
            expires=None,
            now=call.now,
            retention_tag=tag,
        )
        headers = {
            "Azure-AsyncOperation": _url(call, item.vault.id, "operationStatus", operation),
            "Location": _url(call, _location(item.vault), "operationResults", operation),
        }
        seconds = self._azure.settings.trigger_retry_after
        wait = {} if seconds is None else {"Retry-After": str(seconds)}
        return web.Response(status=202, headers=headers | wait)

    async def operation_status(self, call: Call) -> web.Response:
        """Whether a trigger's operation is done."""
        operation = self._operation(call, "operationStatus")
        scope = call.path.partition("/operationStatus/")[0]
        return web.json_response(job_wire.operation_status(operation, scope, call.now))

    async def operation_result(self, call: Call) -> web.Response:
        """202 without a body while the operation is under way, then the job; the latter names a polling URL too."""
        operation = self._operation(call, "operationResults")
        vault = operation.job.vault
        if call.now < operation.ready:
            location = _url(call, _location(vault), "operationResults", operation)
            return web.Response(status=202, headers={"Location": location, "Retry-After": "10"})
        status = _url(call, _location(vault), "operationStatus", operation)
        return web.json_response(job_wire.operation_job(operation), headers={"Azure-AsyncOperation": status})

    def _vault(self, call: Call, action: str) -> Vault:
        """The vault of the path, if the caller may do `action` there."""
        params = call.params
        place = (params["subscription"], params["resource_group"], params["vault"])
        vault = self._azure.vault(*place, DATA_PROTECTION)
        if vault is None:
            resource = f"{DATA_PROTECTION}/backupVaults/{params['vault']}"
            raise missing.vault_not_found(self._azure, *place[:2], resource)
        self._allow(vault, f"backupVaults/{action}")
        return vault

    def _allow(self, vault: Vault, action: str) -> None:
        if self._azure.is_denied(vault):
            raise arm_errors.authorization_failed(PRINCIPAL, f"{DATA_PROTECTION}/{action}", vault.id)

    def _instance(self, call: Call, action: str) -> Item:
        vault, name = self._vault(call, f"backupInstances/{action}"), call.params["instance"]
        item = self._azure.find_item(f"{vault.id}/backupInstances/{name}")
        if item is None:
            raise backup_vault_errors.not_found(f"Backup instance {name}", _activity(call))
        return item

    def _operation(self, call: Call, purpose: str) -> Operation:
        """The operation of the path: below its vault, one of its instances, or its location."""
        name = call.params["operation"]
        operation = self._azure.operation(job_wire.operation_id(name))
        if operation is None or not _is_below(call, operation.job.vault):
            raise backup_vault_errors.not_found(f"Operation {name}", _activity(call))
        place = "locations" if "location" in call.params else "backupVaults"
        self._allow(operation.job.vault, f"{place}/{purpose}/read")
        signatures.verify(operation, purpose, call.query)
        return operation

    def _paged(
        self, call: Call, found: Sequence[T], key: Callable[[T], str], render: Callable[[T], Json]
    ) -> web.Response:
        """A page of a list, whose nextLink is null where there is no other."""
        rows, link = page(call, found, size=self._azure.settings.page_size, key=key, render=render)
        return web.json_response({"value": rows, "nextLink": link})


def _retention_tag(call: Call, policy: Policy) -> str:
    """The tag that the backup asked for is to get.

    Raises:
        ArmError: the body names no rule that makes backups, such as a rule of retention.
    """
    options = call.json().get("backupRuleOptions")
    trigger = options.get("triggerOption") if isinstance(options, dict) else None
    if not isinstance(options, dict) or not isinstance(trigger, dict):
        raise backup_vault_errors.invalid_input(_activity(call))
    if policy.backup_rule is None or options.get("ruleName") != policy.backup_rule:
        raise backup_vault_errors.invalid_input(_activity(call))
    return str(trigger.get("retentionTagOverride") or _AD_HOC_TAG)


def _activity(call: Call) -> str:
    return call.client_request_id or str(uuid.uuid4())


def _is_below(call: Call, vault: Vault) -> bool:
    path = f"{call.path}/".lower()
    return path.startswith((f"{vault.id}/".lower(), f"{_location(vault)}/".lower()))


def _location(vault: Vault) -> str:
    return f"/subscriptions/{vault.subscription_id}/providers/{DATA_PROTECTION}/locations/{vault.location}"


def _url(call: Call, scope: str, purpose: str, operation: Operation) -> str:
    """A polling URL, whose operation ends in bare `==`."""
    query = f"{urlencode({'api-version': call.api_version})}&{signatures.signed(operation, purpose)}"
    return f"{call.base_url}{scope}/{purpose}/{job_wire.operation_name(operation)}?{query}"
