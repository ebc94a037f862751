"""Calls a monitor outside Azure over the app's own transport: no token, no body, one try."""

import asyncio
import logging
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError

from backup_retry.ports.log_events import LogEvent, log_event

if TYPE_CHECKING:
    from backup_retry.azure.client import AzureClients

#: placeholder in the address for the name of the function that has completed
FUNCTION = "{function}"
#: a monitor that hangs must not hold up the next follow-up
_SECONDS = 10.0
_GOOD = range(200, 300)


class HttpsHeartbeat:
    """The port `heartbeat.Heartbeat` on an https address, whose path is a secret: whoever knows it can fake a call."""

    def __init__(self, clients: "AzureClients", url: str) -> None:
        self._clients = clients
        self._url = url

    async def completed(self, function: str) -> None:
        """See Heartbeat."""
        if problem := await self._call(self._url.replace(FUNCTION, function)):
            log_event(LogEvent.HEARTBEAT_FAILED, level=logging.WARNING, function=function, problem=problem)

    async def _call(self, url: str) -> str:
        """Call it; what went wrong, in words that do not show the address."""
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        try:
            async with asyncio.timeout(_SECONDS):
                response = await self._clients.send(HttpRequest("GET", url), stream=True)
                await response.close()
        except TimeoutError:
            return f"no answer within {_SECONDS:g} seconds"
        except Exception as error:  # noqa: BLE001 (whatever it is, the function's work is done)
            return f"no answer: {_kind(error)}"
        return "" if response.status_code in _GOOD else f"answered {response.status_code}"


def _kind(error: Exception) -> str:
    """An error's name alone: its text may quote the address."""
    inner = error.inner_exception if isinstance(error, AzureError) else None
    return type(inner or error).__name__
