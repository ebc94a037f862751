"""Microsoft.Authorization: what the caller may do in a vault.

https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
"""

from functools import partial

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm.calls import Call, Route
from simulator.estate.state import Azure
from simulator.estate.workloads import DATA_PROTECTION, RECOVERY_SERVICES

_GROUP = "/subscriptions/{subscription}/resourceGroups/{resource_group}"
_PERMISSIONS = "/{vault}/providers/Microsoft.Authorization/permissions"
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
    """The handler; what it knows is in `azure`."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def routes(self) -> list[Route]:
        """One route for each kind of vault."""
        return [
            Route(
                "GET",
                f"{_GROUP}/providers/{provider}/{kind}{_PERMISSIONS}",
                partial(self.list_permissions, provider, kind),
            )
            for provider, kind in _ACTIONS
        ]

    async def list_permissions(self, provider: str, kind: str, call: Call) -> web.Response:
        """One entry for the app's role; none on a vault that it has no role on."""
        params = call.params
        place = (params["subscription"], params["resource_group"], params["vault"])
        vault = self._azure.vault(*place, provider)
        if vault is None:
            resource = f"{provider}/{kind}/{params['vault']}"
            raise arm_errors.resource_not_found(resource, params["resource_group"])
        actions = [f"{provider}/{kind}/{each}" for each in _ACTIONS[provider, kind]]
        role = {"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}
        return web.json_response({"value": [] if self._azure.is_denied(vault) else [role]})
