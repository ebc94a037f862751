"""What Resource Manager itself answers: tenants, subscriptions, resource groups, and what the items protect."""

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm import wire
from simulator.arm.calls import Call, Route
from simulator.arm.identity import TENANT
from simulator.estate.state import Azure
from simulator.estate.workloads import WORKLOADS

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{resource_group}"
_SOURCE_TYPES = sorted({workload.source_type for workload in WORKLOADS.values()} - {""})


class Resources:
    """The handlers; what they know is in `azure`."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def routes(self) -> list[Route]:
        """All routes outside the services."""
        return [
            Route("GET", "/tenants", self.list_tenants),
            Route("GET", "/subscriptions", self.list_subscriptions),
            Route("GET", _SUBSCRIPTION, self.get_subscription),
            Route("GET", _SUBSCRIPTION + "/resourceGroups", self.list_groups),
            Route("GET", _GROUP, self.get_group),
            *(Route("GET", f"{_GROUP}/providers/{kind}/{{name}}", self.get_source) for kind in _SOURCE_TYPES),
        ]

    async def list_tenants(self, _call: Call) -> web.Response:
        """The one tenant."""
        tenant = {
            "id": f"/tenants/{TENANT}",
            "tenantId": TENANT,
            "displayName": "Simulator",
            "tenantCategory": "Home",
            "countryCode": "CH",
            "defaultDomain": "simulator.localhost",
            "domains": ["simulator.localhost"],
        }
        return web.json_response(wire.page([tenant]))

    async def list_subscriptions(self, _call: Call) -> web.Response:
        """All subscriptions."""
        return web.json_response(
            wire.page([wire.subscription(each, TENANT) for each in self._azure.subscriptions])
        )

    async def get_subscription(self, call: Call) -> web.Response:
        """One subscription."""
        found = self._azure.subscription(call.params["subscription"])
        if found is None:
            raise arm_errors.subscription_not_found(call.params["subscription"])
        return web.json_response(wire.subscription(found, TENANT))

    async def list_groups(self, call: Call) -> web.Response:
        """The resource groups of a subscription: those that hold a vault or a VM."""
        subscription = call.params["subscription"]
        groups = self._groups(subscription).items()
        return web.json_response(wire.page([wire.resource_group(subscription, *each) for each in groups]))

    async def get_group(self, call: Call) -> web.Response:
        """One resource group."""
        subscription, wanted = call.params["subscription"], call.params["resource_group"]
        for name, location in self._groups(subscription).items():
            if name.lower() == wanted.lower():
                return web.json_response(wire.resource_group(subscription, name, location))
        raise arm_errors.resource_group_not_found(wanted)

    async def get_source(self, call: Call) -> web.Response:
        """One VM, storage account, server and so on, with its tags."""
        wanted = call.path.rstrip("/")
        for item in self._azure.items:
            if item.holder_id.lower() == wanted.lower():
                return web.json_response(wire.source(item))
        _, _, resource = wanted.rpartition("/providers/")
        raise arm_errors.resource_not_found(resource, call.params["resource_group"])

    def _groups(self, subscription_id: str) -> dict[str, str]:
        """The names of the resource groups with their locations."""
        vaults = [
            each for each in self._azure.vaults if each.subscription_id.lower() == subscription_id.lower()
        ]
        groups = {vault.resource_group: vault.location for vault in vaults}
        return groups | {item.resource_group: vault.location for vault in vaults for item in vault.items}
