"""Odd answers to `backup-retry check --app`: what cannot be understood is Azure not answering, and no verdict."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from backup_retry.azure.deployment import (
    AssignedInspection,
    AzureDeployment,
    ResourceManager,
    apps_of_name,
    read_app,
)
from backup_retry.azure.pacing import GraphQuota
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.errors import AzureUnavailable
from simulator.machine.tls import Certificates
from tests.failures import VAULT
from tests.odd_answers import HTML
from tests.player import Player, playing
from tests.vault_world import settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = f"/subscriptions/{VAULT.subscription}/resourceGroups/rg/providers"
APP = f"{PREFIX}/Microsoft.Web/sites/func-ours"
GROUP = f"{PREFIX}/Microsoft.Insights/actionGroups/ag-ours"
ROLE = f"/subscriptions/{VAULT.subscription}/providers/Microsoft.Authorization/roleDefinitions/reader"
HOOK = {"serviceUri": "https://app.test/api/alerts?code=key", "useCommonAlertSchema": True}
RULE = {
    "scopes": [f"/subscriptions/{VAULT.subscription}"],
    "conditions": [{"field": "MonitorService", "operator": "Equals", "values": ["Azure Backup"]}],
    "actions": [{"actionType": "AddActionGroups", "actionGroupIds": [GROUP]}],
    "enabled": True,
}
IDENTITY = {"userAssignedIdentities": {"/id": {"principalId": "principal-1"}}}
#: the right answers, by how their address ends
RIGHT: Mapping[str, Any] = {
    "/sites/func-ours": {
        "id": APP,
        "identity": IDENTITY,
        "properties": {"defaultHostName": "app.test", "state": "Running"},
    },
    "/appsettings/list": {"properties": {"DRY_RUN": "true"}},
    "/actionRules": {"value": [{"id": "/rule", "properties": RULE}]},
    "/actionGroups/ag-ours": {"id": GROUP, "properties": {"enabled": True, "webhookReceivers": [HOOK]}},
    "/notificationStatus/1": {"state": "Completed", "actionDetails": [{"Status": "Failed", "Detail": "401"}]},
    "/roleAssignments": {"value": [{"properties": {"roleDefinitionId": ROLE}}]},
    "/roleDefinitions/reader": {"properties": {"permissions": [{"actions": ["*/read"], "notActions": []}]}},
    "/resources": {
        "totalRecords": 1,
        "count": 1,
        "data": [{"id": APP}],
        "facets": [],
        "resultTruncated": "false",
    },
}


@dataclass
class Teller(Player):
    """Answers as it should, but for one address."""

    odd: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    async def play(self, request: web.Request) -> web.Response:
        """The answer."""
        ending = next(each for each in RIGHT if request.path.lower().endswith(each.lower()))
        status, text = self.odd.get(ending, (200, json.dumps(RIGHT[ending])))
        return web.Response(text=text, status=status, content_type="application/json")

    @property
    def arm(self) -> ResourceManager:
        """Its documents."""
        return ResourceManager(self.clients, self.url)

    async def ask(self, ending: str) -> Any:
        """What the reader of the answer at that address makes of it."""
        return await READERS[ending](self)


async def _apps(teller: Teller) -> object:
    return await apps_of_name(ResourceGraph(teller.clients), "func-ours", "rg")


async def _app(teller: Teller) -> object:
    return await read_app(teller.arm, APP)


async def _rules(teller: Teller) -> object:
    return await AzureDeployment(teller.arm, teller.clients).rules(VAULT.subscription)


async def _group(teller: Teller) -> object:
    return await AzureDeployment(teller.arm, teller.clients).group(GROUP)


async def _test(teller: Teller) -> object:
    return await AzureDeployment(teller.arm, teller.clients).test_result(f"{GROUP}/notificationStatus/1")


async def _permissions(teller: Teller) -> object:
    graph, ours = ResourceGraph(teller.clients), settings(teller.url)
    inspection = AssignedInspection(teller.clients, graph, ours, arm=teller.arm, principal="principal-1")
    return await inspection.permissions(VAULT)


READERS: Mapping[str, Callable[[Teller], Awaitable[object]]] = {
    "/sites/func-ours": _app,
    "/appsettings/list": _app,
    "/actionRules": _rules,
    "/actionGroups/ag-ours": _group,
    "/notificationStatus/1": _test,
    "/roleAssignments": _permissions,
    "/roleDefinitions/reader": _permissions,
    "/resources": _apps,
}
#: by the reader, what its message begins with
NAMED: Mapping[str, str] = {
    "/sites/func-ours": "app func-ours: ",
    "/appsettings/list": "settings of app func-ours: ",
    "/actionRules": "alert processing rules of ",
    "/actionGroups/ag-ours": "action group ag-ours: ",
    "/notificationStatus/1": "result of the test: ",
    "/roleAssignments": "roles of the app on vault ",
    "/roleDefinitions/reader": "roles of the app on vault ",
    "/resources": "Resource Graph: ",
}
#: each with a status, to each reader
NONSENSE: list[tuple[int, str]] = [
    *((200, text) for text in ("", "null", "[]", "5", '"none"', "{}", '{"value": [', HTML)),
    *((200, json.dumps({key: None})) for key in ("value", "properties", "data")),
    *((200, json.dumps({key: value})) for key in ("value", "properties") for value in ("none", 5, [5])),
    (200, '{"value": {}}'),
    (200, json.dumps({"value": [], "nextLink": 5, "properties": 5})),
    (200, '{"value": ' + "[" * 100_000),
    (204, ""),
    (302, ""),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(trust: Certificates) -> AsyncIterator[Teller]:
    """All of Azure at one address."""
    async with playing(trust, Teller()) as started:

        async def sleep(_: float) -> None:
            """At once."""

        started.clients.graph_quota = GraphQuota(sleep=sleep)
        started.clients.graph_quota.rest = lambda seconds: None  # type: ignore[method-assign]  # noqa: ARG005
        yield started


@pytest.fixture
def teller(told: Teller) -> Teller:
    """Answering as it should."""
    told.odd = {}
    return told


async def test_the_right_answers_are_read(teller: Teller) -> None:
    """Each reader finds what the odd answers below hide."""
    app: Any = await teller.ask("/sites/func-ours")
    [rule] = await teller.ask("/actionRules")
    group, [allowed] = await teller.ask("/actionGroups/ag-ours"), await teller.ask("/roleAssignments")
    assert (app.host, app.principal, app.settings) == ("app.test", "principal-1", {"DRY_RUN": "true"})
    assert (rule.adds, rule.is_about(VAULT), group.webhooks[0].common_schema) == ((GROUP,), True, True)
    assert (allowed.actions, await teller.ask("/resources")) == (("*/read",), [APP])


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize(("status", "text"), NONSENSE, ids=lambda value: f"{value!s:.24}")
async def test_nonsense_is_no_answer(teller: Teller, ending: str, status: int, text: str) -> None:
    """Whoever reads it; the text names what was asked for."""
    teller.odd = {ending: (status, text)}
    with pytest.raises(AzureUnavailable) as raised:
        await teller.ask(ending)
    assert str(raised.value).startswith(NAMED[ending])


@pytest.mark.parametrize(
    ("ending", "way", "value"),
    [
        ("/sites/func-ours", ("id",), None),
        ("/sites/func-ours", ("properties", "defaultHostName"), 5),
        ("/sites/func-ours", ("identity",), "principal-1"),
        ("/sites/func-ours", ("identity", "userAssignedIdentities"), ["x"]),
        ("/sites/func-ours", ("identity", "userAssignedIdentities", "/id"), None),
        ("/appsettings/list", ("properties", "DRY_RUN"), True),
        ("/actionRules", ("value", 0), None),
        ("/actionRules", ("value", 0, "id"), 5),
        ("/actionRules", ("value", 0, "properties", "scopes"), None),
        ("/actionRules", ("value", 0, "properties", "scopes"), [5]),
        ("/actionRules", ("value", 0, "properties", "enabled"), "false"),
        ("/actionRules", ("value", 0, "properties", "actions"), None),
        ("/actionRules", ("value", 0, "properties", "actions", 0), "AddActionGroups"),
        ("/actionRules", ("value", 0, "properties", "actions", 0, "actionType"), None),
        ("/actionRules", ("value", 0, "properties", "actions", 0, "actionGroupIds"), None),
        ("/actionRules", ("value", 0, "properties", "conditions"), None),
        ("/actionRules", ("value", 0, "properties", "conditions", 0, "values"), None),
        ("/actionRules", ("value", 0, "properties", "conditions", 0, "field"), 5),
        ("/actionGroups/ag-ours", ("id",), None),
        ("/actionGroups/ag-ours", ("properties", "enabled"), 1),
        ("/actionGroups/ag-ours", ("properties", "webhookReceivers"), None),
        ("/actionGroups/ag-ours", ("properties", "webhookReceivers", 0, "serviceUri"), None),
        ("/actionGroups/ag-ours", ("properties", "webhookReceivers", 0, "serviceUri"), "https://[::1"),
        ("/actionGroups/ag-ours", ("properties", "webhookReceivers", 0, "useAadAuth"), "no"),
        ("/roleAssignments", ("value", 0, "properties"), None),
        ("/roleAssignments", ("value", 0, "properties", "roleDefinitionId"), "x"),
        ("/roleAssignments", ("value", 0, "properties", "roleDefinitionId"), "https://elsewhere.test/r"),
        ("/roleAssignments", ("nextLink",), 5),
        ("/roleAssignments", ("nextLink",), "https://elsewhere.test/roleAssignments"),
        ("/actionRules", ("nextLink",), "{url}/subscriptions/x/actionRules"),
        ("/roleDefinitions/reader", ("properties", "permissions"), None),
        ("/roleDefinitions/reader", ("properties", "permissions", 0), "*"),
        ("/roleDefinitions/reader", ("properties", "permissions", 0, "actions"), "*"),
        ("/roleDefinitions/reader", ("properties", "permissions", 0, "notActions"), {}),
        ("/resources", ("data", 0, "id"), 5),
        ("/resources", ("data", 0, "id"), None),
    ],
)
async def test_an_odd_field_is_no_answer(
    teller: Teller, ending: str, way: tuple[str | int, ...], value: object
) -> None:
    """Null where a list belongs, another type, a list whose pages lead elsewhere or have no end."""
    body = parent = deepcopy(RIGHT[ending])
    for key in way[:-1]:
        parent = parent[key]
    parent[way[-1]] = value.format(url=teller.url) if isinstance(value, str) else value
    teller.odd = {ending: (200, json.dumps(body))}
    with pytest.raises(AzureUnavailable) as raised:
        await teller.ask(ending)
    elsewhere = "a response redirected to elsewhere.test, which must not receive this app's token"
    assert str(raised.value).startswith((NAMED[ending], elsewhere))
