"""Microsoft.Authorization: what the caller may do in a vault.

https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
"""

from aiohttp import web

from simulator import arm_errors
from simulator.calls import Call, Route
from simulator.estate import Azure
from simulator.inventory import RECOVERY_SERVICES

_GROUP = "/subscriptions/{subscription}/resourceGroups/{resource_group}"
_VAULT = _GROUP + "/providers/Microsoft.RecoveryServices/vaults/{vault}"
_PERMISSIONS = _VAULT + "/providers/Microsoft.Authorization/permissions"
#: what the app's role allows: infra/bicep/backup-actions.json, as far as vaults decide it
_ACTIONS = (
    "read",
    "backupJobs/read",
    "backupPolicies/read",
    "backupFabrics/protectionContainers/protectedItems/read",
    "backupFabrics/protectionContainers/protectedItems/backup/action",
    "backupFabrics/protectionContainers/protectedItems/operationsStatus/read",
)


class Permissions:
    """The handler; what it knows is in `azure`."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def routes(self) -> list[Route]:
        """The one route."""
        return [Route("GET", _PERMISSIONS, self.list_permissions)]

    async def list_permissions(self, call: Call) -> web.Response:
        """One entry for the app's role; none on a vault that it has no role on."""
        params = call.params
        vault = self._azure.vault(params["subscription"], params["resource_group"], params["vault"])
        if vault is None:
            resource = f"{RECOVERY_SERVICES}/vaults/{params['vault']}"
            raise arm_errors.resource_not_found(resource, params["resource_group"])
        actions = [f"{RECOVERY_SERVICES}/vaults/{each}" for each in _ACTIONS]
        role = {"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}
        return web.json_response({"value": [] if self._azure.is_denied(vault) else [role]})
