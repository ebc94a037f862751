"""The entry points for looking on."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import azure.functions as func

from backup_retry import __version__, wiring
from backup_retry.domain.errors import BackupRetryError, SettingsError
from backup_retry.settings.sign_in import sign_in
from status.health import HEADERS, Answer, SharedAnswer
from status.health import health as snapshot
from status.package import package_hash

if TYPE_CHECKING:
    from status.html import Answer as Page
    from status.views import Views

blueprint = func.Blueprint()
_SECONDS = 4.0
#: a person has gone by then
_PAGE_SECONDS = 30.0
_SIGN_IN = sign_in()
#: App Service signs people in, or a function key lets them in
_LEVEL = func.AuthLevel.ANONYMOUS if _SIGN_IN.opens_the_page else func.AuthLevel.FUNCTION


@blueprint.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 (the trigger's own argument)
    """For probes: 200, or 503 with the `reason`: the `settings` are wrong, or the `ledger` does not answer."""
    status, body = await _health.get()
    return func.HttpResponse(
        json.dumps(body), status_code=status, headers=HEADERS, mimetype="application/json"
    )


async def _read_health() -> Answer:
    running = {"version": __version__, "package": await asyncio.to_thread(package_hash)}
    try:
        async with asyncio.timeout(_SECONDS):
            parts = await wiring.parts()
            found = await snapshot(parts.reports, parts.settings, parts.clock())
            return 200, running | found
    except (BackupRetryError, TimeoutError) as error:
        reason = "settings" if isinstance(error, SettingsError) else "ledger"
        return 503, running | {"reason": reason}


_health = SharedAnswer(_read_health)


@blueprint.route(route="status", methods=["GET"], auth_level=_LEVEL)
async def status(req: func.HttpRequest) -> func.HttpResponse:
    """The status page; never writes."""
    return await _answered(req, lambda views: views.status(req.params))


@blueprint.route(route="status.json", methods=["GET"], auth_level=_LEVEL)
async def status_json(req: func.HttpRequest) -> func.HttpResponse:
    """The status page for programs."""
    return await _answered(req, lambda views: views.status_json(req.params), as_json=True)


@blueprint.route(route="incidents/{id}", methods=["GET"], auth_level=_LEVEL)
async def incident(req: func.HttpRequest) -> func.HttpResponse:
    """An incident's page, or with .json behind its id the same for programs."""
    name = req.route_params["id"]
    if name.endswith(".json"):
        found = name.removesuffix(".json")
        return await _answered(req, lambda views: views.incident_json(found, req.params), as_json=True)
    return await _answered(req, lambda views: views.incident(name, req.params))


class _Process:
    """The views of this process; imported with the first look, as no other event needs them."""

    _views: "Views | None" = None

    async def views(self) -> "Views":
        from status.views import Views  # noqa: PLC0415

        parts = await wiring.parts()
        if self._views is None:
            self._views = Views(parts)
        return self._views


_process = _Process()


async def _answered(
    req: func.HttpRequest, view: Callable[["Views"], Awaitable["Page"]], *, as_json: bool = False
) -> func.HttpResponse:
    from status.sign_in import refusal  # noqa: PLC0415
    from status.views import unavailable, unavailable_json  # noqa: PLC0415

    refused = None
    if _SIGN_IN.opens_the_page:
        refused = refusal(_SIGN_IN, req.headers, req.url, as_json=as_json)
    try:
        async with asyncio.timeout(_PAGE_SECONDS):
            answer = refused or await view(await _process.views())
    except (BackupRetryError, TimeoutError) as error:
        answer = unavailable_json(error) if as_json else unavailable(error)
    headers, mimetype = answer.headers, answer.mimetype
    return func.HttpResponse(answer.body, status_code=answer.status, headers=headers, mimetype=mimetype)
