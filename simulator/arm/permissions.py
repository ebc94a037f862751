"""Microsoft.Authorization: what the caller may do in a vault, and which role says so.

https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope
"""

import re
from functools import partial
from typing import Any

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm.calls import Call, Route
from simulator.arm.identity import PRINCIPAL
from simulator.estate.state import Azure, Vault
from simulator.estate.workloads import DATA_PROTECTION, RECOVERY_SERVICES

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{resource_group}}"
_AUTHORIZATION = "providers/Microsoft.Authorization"
#: The id of the one role.
_ROLE = "55555555-5555-5555-5555-555555555555"
#: What the app's role allows, by the vaults' type: infra/bicep/backup-actions.json, as far as vaults decide it.
_ACTIONS = {
    (RECOVERY_SERVICES, "vaults"): (
        "read",
        "backupJobs/read",
        "backupProtectedItems/read",
        "backupPolicies/read",
        "backupFabrics/protectionContainers/protectedItems/read",
        "backupFabrics/protectionContainers/protectedItems/backup/action",
        "backupFabrics/protectionContainers/protectedItems/operationsStatus/read",
    ),
    (DATA_PROTECTION, "backupVaults"): (
        "read",
        "backupJobs/read",
        "backupPolicies/read",
        "backupInstances/read",
        "backupInstances/backup/action",
        "operationStatus/read",
        "operationResults/read",
    ),
}


class Permissions:
    """The handlers; what they know is in `azure`."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def routes(self) -> list[Route]:
        """Two routes for each kind of vault, and the role itself."""
        return [
            Route("GET", f"{_GROUP}/providers/{provider}/{kind}/{{vault}}/{_AUTHORIZATION}/{what}", handler)
            for provider, kind in _ACTIONS
            for what, handler in (
                ("permissions", partial(self.list_permissions, provider, kind)),
                ("roleAssignments", partial(self.list_assignments, provider, kind)),
            )
        ] + [Route("GET", f"{_SUBSCRIPTION}/{_AUTHORIZATION}/roleDefinitions/{{role}}", self.get_role)]

    async def list_permissions(self, provider: str, kind: str, call: Call) -> web.Response:
        """One entry for the app's role; none on a vault that it has no role on."""
        denied = self._azure.is_denied(self._vault(provider, kind, call))
        return web.json_response({"value": [] if denied else [_permission(provider, kind)]})

    async def list_assignments(self, provider: str, kind: str, call: Call) -> web.Response:
        """The app's role, given in the subscription; no filter but one for who has it is understood."""
        vault = self._vault(provider, kind, call)
        wanted = re.search(r"assignedTo\('([^']*)'\)", call.query.get("$filter", ""))
        theirs = wanted is None or wanted[1] == PRINCIPAL
        shown = theirs and not self._azure.is_denied(vault)
        return web.json_response({"value": [_assignment(call)] if shown else []})

    async def get_role(self, call: Call) -> web.Response:
        """The app's role; it is the only one."""
        if call.params["role"] != _ROLE:
            raise arm_errors.not_simulated(call.method, call.path)
        permissions = [_permission(*each) for each in _ACTIONS]
        return web.json_response({"id": call.path, "name": _ROLE, "properties": {"permissions": permissions}})

    def _vault(self, provider: str, kind: str, call: Call) -> Vault:
        params = call.params
        place = (params["subscription"], params["resource_group"], params["vault"])
        vault = self._azure.vault(*place, provider)
        if vault is None:
            resource = f"{provider}/{kind}/{params['vault']}"
            raise arm_errors.resource_not_found(resource, params["resource_group"])
        return vault


def _permission(provider: str, kind: str) -> dict[str, list[str]]:
    actions = [f"{provider}/{kind}/{each}" for each in _ACTIONS[provider, kind]]
    return {"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}


def _assignment(call: Call) -> dict[str, Any]:
    subscription = f"/subscriptions/{call.params['subscription']}"
    role = f"{subscription}/{_AUTHORIZATION}/roleDefinitions/{_ROLE}"
    return {
        "id": f"{subscription}/{_AUTHORIZATION}/roleAssignments/{PRINCIPAL}",
        "properties": {"roleDefinitionId": role, "principalId": PRINCIPAL, "scope": subscription},
    }
