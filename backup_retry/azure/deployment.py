"""The port `deployment.Deployment` on Azure, and what its identity may do: asks, and changes nothing.

https://learn.microsoft.com/rest/api/appservice/web-apps/list-application-settings
https://learn.microsoft.com/rest/api/monitor/alertprocessingrules
https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope
https://learn.microsoft.com/rest/api/monitor/action-groups/create-notifications-at-action-group-resource-level
"""

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from urllib.parse import quote, urlsplit

from azure.core.rest import HttpRequest

from backup_retry.azure.access_inspection import AzureInspection, permission
from backup_retry.azure.client import AzureClients, azure_errors
from backup_retry.azure.json_fields import (
    Fields,
    OddAnswer,
    fields_of,
    flag,
    id_of,
    listed,
    part,
    parts,
    properties_of,
    required,
    text,
    texts,
)
from backup_retry.azure.listing import Pages
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import DRILL
from backup_retry.domain.errors import Service
from backup_retry.domain.texts import valid_json
from backup_retry.ports.access_inspection import Permission
from backup_retry.ports.deployment import ActionGroup, DeployedApp, ProcessingRule, Webhook
from backup_retry.settings.settings import Settings

_SITES = "2024-11-01"
_RULES = "2021-08-08"
_GROUPS = "2023-01-01"
_AUTHORIZATION = "2022-04-01"
#: a test has to be a sample of something; this one says nothing of backups
_SAMPLE = "logalertv2"
_STATUS = re.compile(r"/notificationStatus/([\w-]+)", re.IGNORECASE)
_UNDER_WAY = {"", "inprogress", "pending", "started"}


class ResourceManager:
    """Documents of Azure Resource Manager that no SDK of ours reads; they are to be read within `azure_errors`."""

    def __init__(self, clients: AzureClients, endpoint: str) -> None:
        self._clients = clients
        self._endpoint = endpoint

    async def read(self, path: str, version: str, *, method: str = "GET", **query: str) -> Fields:
        """One document."""
        if not path.startswith(("/subscriptions/", "/providers/")):
            raise OddAnswer(f"{path!r:.60} is not a resource ID")
        parameters = {"api-version": version, **{f"${name}": value for name, value in query.items()}}
        return await self._answer(HttpRequest(method, f"{self._endpoint}{path}", params=parameters), path)

    async def read_all(self, path: str, version: str, **query: str) -> Sequence[Fields]:
        """The entries of a list, page after page; what follows elsewhere is refused by the transport."""
        pages = Pages()
        page = await self.read(path, version, **query)
        found = [*listed(page, "value")]
        while link := pages.following(page):
            page = await self._answer(HttpRequest("GET", link), path)
            found += listed(page, "value")
        return found

    async def start(self, path: str, version: str, content: Fields) -> str:
        """Start something that takes a while; where Azure says how it goes, "" where it does not say where."""
        parameters = {"api-version": version}
        request = HttpRequest("POST", f"{self._endpoint}{path}", params=parameters, json=dict(content))
        response = await self._clients.backup(path.split("/")[2]).send_request(request)
        response.raise_for_status()
        return str(response.headers.get("Location", ""))

    async def _answer(self, request: HttpRequest, path: str) -> Fields:
        response = await self._clients.backup(path.split("/")[2]).send_request(request)
        response.raise_for_status()
        return fields_of(valid_json(response.json()))


async def apps_of_name(graph: ResourceGraph, name: str, group: str) -> Sequence[str]:
    """Ids of the function apps that the identity sees, of that name or any, in that resource group or any."""
    query = files("backup_retry.azure").joinpath("deployed_app.kql").read_text(encoding="utf-8")
    async with azure_errors(Service.GRAPH):
        return [id_of(row) async for row in graph.rows(Template(query).substitute(name=name, group=group))]


async def read_app(arm: ResourceManager, app_id: str) -> DeployedApp:
    """The app with its settings; reading those takes the right to change the app."""
    what = f"app {_name(app_id)}"
    async with azure_errors(what):
        shown = await arm.read(app_id, _SITES)
        found, host = id_of(shown), required(properties_of(shown), "defaultHostName")
        principal = _principal(part(shown, "identity"))
    async with azure_errors(f"settings of {what}"):
        answer = properties_of(await arm.read(f"{app_id}/config/appsettings/list", _SITES, method="POST"))
        settings = {name: text(answer, name) for name in answer}
    return DeployedApp(id=found, host=host, principal=principal, settings=settings)


class AzureDeployment:
    """Looks at the way from an alert to the app."""

    def __init__(self, arm: ResourceManager, clients: AzureClients) -> None:
        self._arm = arm
        self._clients = clients

    async def rules(self, subscription: str) -> Sequence[ProcessingRule]:
        """See Deployment."""
        path = f"/subscriptions/{subscription}/providers/Microsoft.AlertsManagement/actionRules"
        async with azure_errors(f"alert processing rules of {subscription}"):
            return [_rule(each) for each in await self._arm.read_all(path, _RULES)]

    async def group(self, group_id: str) -> ActionGroup:
        """See Deployment."""
        async with azure_errors(f"action group {_name(group_id)}"):
            return _group(await self._arm.read(group_id, _GROUPS))

    async def call(self, webhook: Webhook) -> int:
        """See Deployment; our own token stays at home."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        request = HttpRequest("POST", webhook.uri, headers=headers, content=json.dumps({}))
        async with azure_errors("webhook"):
            return (await self._clients.send(request)).status_code

    async def send_test(self, group: ActionGroup, webhook: Webhook, vault: Vault) -> str:
        """See Deployment; what the test is for travels in the address that is called."""
        joint = "&" if urlsplit(webhook.uri).query else "?"
        called = f"{webhook.uri}{joint}{DRILL}={quote(vault.id, safe='')}"
        receiver = {**webhook.receiver, "serviceUri": called, "useCommonAlertSchema": True}
        content = {"alertType": _SAMPLE, "webhookReceivers": [receiver]}
        async with azure_errors(f"test of {group.title}"):
            location = await self._arm.start(f"{group.id}/createNotifications", _GROUPS, content)
        found = _STATUS.search(location)
        return f"{group.id}/notificationStatus/{found[1]}" if found else ""

    async def test_result(self, test: str) -> str:
        """See Deployment."""
        if not test:
            return ""
        async with azure_errors("result of the test"):
            found = await self._arm.read(test, _GROUPS)
            required(found, "state")
            details = [_lowered(each) for each in parts(found, "actionDetails")]
            ended = [each for each in details if text(each, "status").lower() not in _UNDER_WAY]
            return "; ".join(f"{text(each, 'status')} {text(each, 'detail')}".strip() for each in ended)


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
        async with azure_errors(f"roles of the app on vault {vault.name}"):
            given = await self._documents.read_all(path, _AUTHORIZATION, filter=mine)
            roles = {required(properties_of(each), "roleDefinitionId") for each in given}
            return [allowed for role in sorted(roles) for allowed in await self._allowed(role)]

    async def _allowed(self, role: str) -> Sequence[Permission]:
        if role not in self._roles:
            found = properties_of(await self._documents.read(role, _AUTHORIZATION))
            self._roles[role] = [permission(each) for each in listed(found, "permissions")]
        return self._roles[role]


def _lowered(fields: Fields) -> Fields:
    """Azure writes these names with a capital."""
    return {name.lower(): value for name, value in fields.items()}


def _name(resource_id: str) -> str:
    return resource_id.rpartition("/")[2]


def _principal(identity: Fields) -> str:
    """The object id of the identity that is assigned to the app, else of its own; "" where it has none."""
    assigned = part(identity, "userAssignedIdentities")
    found = [required(part(assigned, each), "principalId") for each in assigned]
    return next(iter(found), text(identity, "principalId"))


def _rule(value: Fields) -> ProcessingRule:
    properties = properties_of(value)
    actions = [(required(each, "actionType"), each) for each in listed(properties, "actions")]
    return ProcessingRule(
        id=id_of(value),
        scopes=_some(properties, "scopes"),
        enabled=_is_enabled(properties),
        adds=tuple(
            group
            for kind, each in actions
            if kind == "AddActionGroups"
            for group in _some(each, "actionGroupIds")
        ),
        suppresses=any(kind == "RemoveAllActionGroups" for kind, _ in actions),
        scheduled=bool(part(properties, "schedule")),
        conditions=tuple(
            (required(each, "field"), required(each, "operator"), _some(each, "values"))
            for each in _optional(properties, "conditions")
        ),
    )


def _group(value: Fields) -> ActionGroup:
    properties = properties_of(value)
    webhooks = tuple(_webhook(each) for each in _optional(properties, "webhookReceivers"))
    return ActionGroup(id=id_of(value), enabled=_is_enabled(properties), webhooks=webhooks)


def _webhook(value: Fields) -> Webhook:
    uri = required(value, "serviceUri")
    urlsplit(uri)  # raises where it is not an address
    return Webhook(
        uri=uri,
        common_schema=flag(value, "useCommonAlertSchema"),
        signs_in=flag(value, "useAadAuth"),
        receiver=value,
    )


def _is_enabled(properties: Fields) -> bool:
    """Unless Azure says that it is not."""
    return properties.get("enabled") is None or flag(properties, "enabled")


def _optional(fields: Fields, name: str) -> Sequence[Fields]:
    """A list that may be left out; null is none, or it would pass for one without entries."""
    return listed(fields, name) if name in fields else ()


def _some(fields: Fields, name: str) -> tuple[str, ...]:
    """A list of texts that means nothing when it is empty."""
    if not (found := tuple(texts(fields, name))):
        raise OddAnswer(f"it has no {name}")
    return found
