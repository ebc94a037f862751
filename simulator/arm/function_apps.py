"""Microsoft.Web: a function app and its settings, which only a POST gives out.

https://learn.microsoft.com/rest/api/appservice/web-apps/list-application-settings
"""

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm.calls import Call, Route
from simulator.arm.identity import PRINCIPAL
from simulator.estate.inventory import FunctionApp
from simulator.estate.state import Azure

_SITE = "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Web/sites/{name}"


class FunctionApps:
    """The handlers; what they know is in `azure`."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def routes(self) -> list[Route]:
        """The app, and its settings."""
        return [
            Route("GET", _SITE, self.get_app),
            Route("POST", f"{_SITE}/config/appsettings/list", self.list_settings),
        ]

    async def get_app(self, call: Call) -> web.Response:
        """The app with its one user-assigned identity."""
        app = self._app(call)
        group = app.id.partition("/providers/")[0]
        identity = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{app.name}"
        assigned = {identity: {"principalId": PRINCIPAL}}
        return web.json_response(
            {
                "id": app.id,
                "name": app.name,
                "type": "Microsoft.Web/sites",
                "kind": "functionapp,linux",
                "identity": {"type": "UserAssigned", "userAssignedIdentities": assigned},
                "properties": {"defaultHostName": app.host, "state": "Running"},
            }
        )

    async def list_settings(self, call: Call) -> web.Response:
        """Names and values."""
        app = self._app(call)
        return web.json_response({"id": f"{app.id}/config/appsettings", "properties": dict(app.settings)})

    def _app(self, call: Call) -> FunctionApp:
        wanted = call.path.lower()
        for app in self._azure.function_apps:
            if wanted.startswith(app.id.lower()):
                return app
        name = f"Microsoft.Web/sites/{call.params['name']}"
        raise arm_errors.resource_not_found(name, call.params["resource_group"])
