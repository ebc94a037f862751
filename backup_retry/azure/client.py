"""One credential, one HTTP transport, one client per subscription; and what Azure's errors mean here.

The SDKs are imported where they are first used: backup and identity alone cost half a second each.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import aiohttp
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
)

from backup_retry.azure.pacing import GraphQuota, PacedTransport
from backup_retry.domain.errors import (
    AnswerUnclear,
    AzureRefused,
    AzureUnavailable,
    BackupRetryError,
    Forbidden,
    NotFound,
    Service,
    Throttled,
)
from backup_retry.domain.texts import valid
from backup_retry.settings.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.rest import AsyncHttpResponse, HttpRequest
    from azure.data.tables.aio import TableServiceClient
    from azure.eventgrid.aio import EventGridPublisherClient
    from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient
    from azure.mgmt.recoveryservicesbackup.aio import RecoveryServicesBackupClient
    from azure.mgmt.resourcegraph.aio import ResourceGraphClient

_TOO_MANY_REQUESTS = 429
_PASSING = frozenset({401, 408, 500, 502, 503, 504})
_OPTIONS: dict[str, Any] = {"retry_total": 3}
#: less than the five that servers such as Azurite's wait: a request on a connection they have closed is lost
_IDLE_SECONDS = 4
#: seconds; they count on the transport only, a client's own are not looked at where it is given one
_TIMEOUTS = {"connection_timeout": 5, "read_timeout": 30}


class AzureClients:
    """The SDK clients of this process; use as an async context manager."""

    def __init__(self, settings: Settings, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._ssl_context = ssl_context
        self._stack = AsyncExitStack()
        self._backup: dict[str, RecoveryServicesBackupClient] = {}
        self._data_protection: dict[str, DataProtectionMgmtClient] = {}
        self.graph_quota = GraphQuota()

    async def __aenter__(self) -> Self:
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415

        connector = aiohttp.TCPConnector(
            limit=200, ssl=self._ssl_context or True, keepalive_timeout=_IDLE_SECONDS
        )
        session = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        )
        self._transport = PacedTransport(
            arm_endpoint=self._settings.arm_endpoint, session=session, session_owner=False, **_TIMEOUTS
        )
        self._credential: AsyncTokenCredential = await self._stack.enter_async_context(
            DefaultAzureCredential(transport=self._transport)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every client and the transport."""
        await self._stack.aclose()

    def backup(self, subscription: str) -> "RecoveryServicesBackupClient":
        """The Recovery Services client of a subscription, made once."""
        if subscription not in self._backup:
            from azure.mgmt.recoveryservicesbackup.aio import RecoveryServicesBackupClient  # noqa: PLC0415

            client = RecoveryServicesBackupClient(self._credential, subscription, **self._arm_options())
            self._backup[subscription] = client
        return self._backup[subscription]

    def data_protection(self, subscription: str) -> "DataProtectionMgmtClient":
        """The backup vaults' client of a subscription, made once."""
        if subscription not in self._data_protection:
            from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient  # noqa: PLC0415

            client = DataProtectionMgmtClient(self._credential, subscription, **self._arm_options())
            self._data_protection[subscription] = client
        return self._data_protection[subscription]

    def graph(self) -> "ResourceGraphClient":
        """A Resource Graph client."""
        from azure.mgmt.resourcegraph.aio import ResourceGraphClient  # noqa: PLC0415

        return ResourceGraphClient(self._credential, **self._arm_options())

    def tables(self) -> "TableServiceClient":
        """A client of the ledger's storage account."""
        from azure.data.tables.aio import TableServiceClient  # noqa: PLC0415

        endpoint = self._settings.ledger_endpoint
        return TableServiceClient(
            endpoint, credential=self._credential, transport=self._transport, **_OPTIONS
        )

    def topic(self) -> "EventGridPublisherClient":
        """A client of the topic that outcomes are published to."""
        from azure.eventgrid.aio import EventGridPublisherClient  # noqa: PLC0415

        endpoint = self._settings.eventgrid_topic_endpoint
        return EventGridPublisherClient(endpoint, self._credential, transport=self._transport, **_OPTIONS)

    async def arm_token(self) -> str:
        """A token for Azure Resource Manager, to see whose it is."""
        return (await self._credential.get_token(f"{self._settings.arm_endpoint}/.default")).token

    async def send(self, request: "HttpRequest", scope: str = "") -> "AsyncHttpResponse":
        """Send what no client of an SDK offers, once, with a token for that scope; without one, with no token."""
        from azure.core import AsyncPipelineClient  # noqa: PLC0415
        from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy  # noqa: PLC0415

        policies = [AsyncBearerTokenCredentialPolicy(self._credential, scope)] if scope else []
        client: Any = AsyncPipelineClient("", policies=policies, transport=self._transport)
        response: AsyncHttpResponse = await client.send_request(request)
        return response

    def is_arm(self, url: str) -> bool:
        """True for an address of our Azure Resource Manager: the only place where our token may go."""
        ours, theirs = urlsplit(self._settings.arm_endpoint), urlsplit(url)
        return (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc)

    def _arm_options(self) -> dict[str, Any]:
        endpoint = self._settings.arm_endpoint
        return {
            "base_url": endpoint,
            "credential_scopes": [f"{endpoint}/.default"],
            "transport": self._transport,
            **_OPTIONS,
        }


@asynccontextmanager
async def azure_errors(what: str) -> AsyncIterator[None]:
    """Turn the SDKs' exceptions into ours; `what` names the service that was asked, or what was asked of a vault."""
    try:
        yield
    except AzureError as error:
        raise translate(error, what) from error


def translate(error: AzureError, what: str) -> BackupRetryError:
    """What an SDK's exception means for a read, or for anything else that is safe to repeat; `what` as above."""
    if isinstance(error, ClientAuthenticationError) and error.response is None:
        return AzureUnavailable(f"{what}: no credential for Azure: {_first_line(error)}")
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return AzureUnavailable(f"{what}: no answer: {_first_line(error)}")
    status, code = error.status_code, service_code(error)
    message = f"{what}: {status} {code or _first_line(error)}"
    if status == _TOO_MANY_REQUESTS:
        return Throttled(message, retry_after=_retry_after(error))
    if status in _PASSING or status >= 500:  # noqa: PLR2004
        return AzureUnavailable(message, retry_after=_retry_after(error))
    kind = {403: Forbidden, 404: NotFound}.get(status, AzureRefused)
    by = Service(what) if what in set(Service) else Service.VAULT
    return kind(message, code=code, status=status, by=by)


def translate_trigger(error: AzureError, what: str) -> BackupRetryError:
    """What an SDK's exception means for a trigger, which must never be repeated blindly.

    Only an answer of 4xx, or a connection that never came about, says that nothing was started.
    """
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        refused = 400 <= error.status_code < 500 and error.status_code != 408  # noqa: PLR2004
    else:
        refused = isinstance(error, ClientAuthenticationError) or _never_connected(error)
    meaning = translate(error, what)
    return meaning if refused else AnswerUnclear(str(meaning))


def service_code(error: HttpResponseError) -> str:
    """The service's own error code from ARM's envelope, or ""."""
    return valid(error.error.code or "") if error.error else ""


def _never_connected(error: AzureError) -> bool:
    return isinstance(error, ServiceRequestTimeoutError) or (
        isinstance(error, ServiceRequestError)
        and isinstance(error.inner_exception, aiohttp.ClientConnectorError)
    )


def _retry_after(error: HttpResponseError) -> timedelta | None:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    value = headers.get("Retry-After", "")
    return timedelta(seconds=int(value)) if value.isdecimal() else None


def _first_line(error: AzureError) -> str:
    return valid((str(error) or type(error).__name__).splitlines()[0])
