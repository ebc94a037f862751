"""The entry points for looking on."""

import asyncio
import json

import azure.functions as func

from backup_retry import __version__, wiring
from backup_retry.errors import BackupRetryError
from status.health import health as look

blueprint = func.Blueprint()
_SECONDS = 4.0


@blueprint.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 (the trigger's own argument)
    """For probes: 200, or 503 while the ledger does not answer."""
    try:
        async with asyncio.timeout(_SECONDS):
            parts = await wiring.parts()
            status, body = 200, await look(parts.ledger, parts.controls)
    except (BackupRetryError, TimeoutError):
        status, body = 503, {"version": __version__}
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")
