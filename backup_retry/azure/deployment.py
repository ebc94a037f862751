"""The port `deployment.Deployment` on Azure, and what its identity may do: asks, and changes nothing.

https://learn.microsoft.com/rest/api/appservice/web-apps/list-application-settings
https://learn.microsoft.com/rest/api/monitor/alertprocessingrules
https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import Any

from azure.core.rest import HttpRequest

from backup_retry.azure.access_inspection import AzureInspection, permission
from backup_retry.azure.client import AzureClients, azure_errors
from backup_retry.azure.json_fields import fields_of
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.arm_ids import Vault, resource_group_of
from backup_retry.ports.access_inspection import Permission
from backup_retry.ports.deployment import ActionGroup, DeployedApp, ProcessingRule, Webhook
from backup_retry.settings.settings import Settings

_SITES = "2024-11-01"
_RULES = "2021-08-08"
_GROUPS = "2023-01-01"
_AUTHORIZATION = "2022-04-01"


class ResourceManager:
    """Documents of Azure Resource Manager that no SDK of ours reads."""

    def __init__(self, clients: AzureClients, endpoint: str) -> None:
        self._clients = clients
        self._endpoint = endpoint

    async def read(self, path: str, version: str, *, method: str = "GET", **query: str) -> Mapping[str, Any]:
        """One document."""
        parameters = {"api-version": version, **{f"${name}": value for name, value in query.items()}}
        return await self._answer(HttpRequest(method, f"{self._endpoint}{path}", params=parameters), path)

    async def read_all(self, path: str, version: str, **query: str) -> Sequence[Mapping[str, Any]]:
        """The entries of a list, page after page."""
        page = await self.read(path, version, **query)
        found = list(page.get("value") or ())
        while (following := page.get("nextLink")) and self._clients.is_arm(following):
            page = await self._answer(HttpRequest("GET", following), path)
            found += page.get("value") or ()
        return found

    async def _answer(self, request: HttpRequest, path: str) -> Mapping[str, Any]:
        client = self._clients.backup(path.split("/")[2])
        async with azure_errors(path.rpartition("/providers/")[2] or path):
            response = await client.send_request(request)
            response.raise_for_status()
            return fields_of(response.json())


async def apps_of_name(graph: ResourceGraph, name: str, group: str) -> Sequence[str]:
    """Ids of the function apps of that name that the identity sees, in that resource group or in any."""
    text = files("backup_retry.azure").joinpath("deployed_app.kql").read_text(encoding="utf-8")
    found = [str(row["id"]) async for row in graph.rows(Template(text).substitute(name=name))]
    return [each for each in found if not group or resource_group_of(each).lower() == group.lower()]


async def read_app(arm: ResourceManager, app_id: str) -> DeployedApp:
    """The app with its settings; reading those takes the right to change the app."""
    shown = await arm.read(app_id, _SITES)
    settings = await arm.read(f"{app_id}/config/appsettings/list", _SITES, method="POST")
    return DeployedApp(
        id=str(shown["id"]),
        host=str(shown["properties"]["defaultHostName"]),
        principal=_principal(shown.get("identity") or {}),
        settings=settings.get("properties") or {},
    )


class AzureDeployment:
    """Looks at the way from an alert to the app."""

    def __init__(self, arm: ResourceManager, clients: AzureClients) -> None:
        self._arm = arm
        self._clients = clients

    async def rules(self, subscription: str) -> Sequence[ProcessingRule]:
        """See Deployment."""
        path = f"/subscriptions/{subscription}/providers/Microsoft.AlertsManagement/actionRules"
        return [_rule(each) for each in await self._arm.read_all(path, _RULES)]

    async def group(self, group_id: str) -> ActionGroup:
        """See Deployment."""
        return _group(await self._arm.read(group_id, _GROUPS))

    async def call(self, webhook: Webhook) -> int:
        """See Deployment; our own token stays at home."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        request = HttpRequest("POST", webhook.uri, headers=headers, content=json.dumps({}))
        async with azure_errors("webhook"):
            return (await self._clients.send(request)).status_code


class AssignedInspection(AzureInspection):
    """The same inspection, but the permissions are those of another principal: what its roles on a vault allow."""

    def __init__(
        self,
        clients: AzureClients,
        graph: ResourceGraph,
        settings: Settings,
        *,
        arm: ResourceManager,
        principal: str,
    ) -> None:
        super().__init__(clients, graph, settings)
        self._documents = arm
        self._principal = principal
        self._roles: dict[str, Sequence[Permission]] = {}

    async def permissions(self, vault: Vault) -> Sequence[Permission]:
        """See Inspection; what is given higher up and to groups counts, what is given by Lighthouse cannot be seen."""
        path = f"{vault.id}/providers/Microsoft.Authorization/roleAssignments"
        mine = f"atScope() and assignedTo('{self._principal}')"
        given = await self._documents.read_all(path, _AUTHORIZATION, filter=mine)
        roles = {str(each["properties"]["roleDefinitionId"]) for each in given}
        return [allowed for role in sorted(roles) for allowed in await self._allowed(role)]

    async def _allowed(self, role: str) -> Sequence[Permission]:
        if role not in self._roles:
            found = await self._documents.read(role, _AUTHORIZATION)
            self._roles[role] = [permission(each) for each in found["properties"].get("permissions") or ()]
        return self._roles[role]


def _principal(identity: Mapping[str, Any]) -> str:
    assigned = [each["principalId"] for each in (identity.get("userAssignedIdentities") or {}).values()]
    return str(next(iter(assigned), identity.get("principalId") or ""))


def _rule(value: Mapping[str, Any]) -> ProcessingRule:
    properties = value["properties"]
    actions = properties.get("actions") or ()
    return ProcessingRule(
        id=str(value["id"]),
        scopes=tuple(properties.get("scopes") or ()),
        enabled=properties.get("enabled", True),
        adds=tuple(group for each in actions for group in each.get("actionGroupIds") or ()),
        suppresses=any(each.get("actionType") == "RemoveAllActionGroups" for each in actions),
        conditions=tuple(
            (str(each.get("field")), str(each.get("operator")), tuple(each.get("values") or ()))
            for each in properties.get("conditions") or ()
        ),
    )


def _group(value: Mapping[str, Any]) -> ActionGroup:
    properties = value["properties"]
    webhooks = tuple(
        Webhook(
            uri=str(each["serviceUri"]),
            common_schema=bool(each.get("useCommonAlertSchema")),
            signs_in=bool(each.get("useAadAuth")),
        )
        for each in properties.get("webhookReceivers") or ()
    )
    return ActionGroup(id=str(value["id"]), enabled=properties.get("enabled", True), webhooks=webhooks)
