"""One credential, one HTTP transport, one client per subscription; and what Azure's errors mean here.

The SDKs are imported where they are first used: backup and identity alone cost half a second each.
"""

import os
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
)

from backup_retry.azure.json_fields import Fields, fields_of
from backup_retry.azure.pacing import GraphQuota, PacedTransport
from backup_retry.azure.scoped_credential import ScopedCredential
from backup_retry.azure.service_errors import service_advice, service_code, service_message
from backup_retry.azure.token_transport import LedgerTransport, TokenTransport, same_origin
from backup_retry.azure.waits import asked_to_wait
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import (
    OF_ANOTHER_TENANT,
    AnswerUnclear,
    AzureRefused,
    AzureUnavailable,
    BackupRetryError,
    Forbidden,
    NotFound,
    Service,
    Throttled,
)
from backup_retry.domain.texts import valid, valid_json
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
_LEAST_ERROR, _FORBIDDEN = 400, 403
#: what an answer that nobody expected raises, in the SDKs as in our own reading of it
NOT_UNDERSTOOD = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
_PASSING = frozenset({401, 408, 500, 502, 503, 504})
#: what was answered badly is asked once more, what was not answered three times; the transport bounds the sleep
_REPEATED: dict[str, Any] = {"retry_total": 3, "retry_status": 1}
#: whoever redirects is not Azure, and must not be believed
_OPTIONS: dict[str, Any] = {**_REPEATED, "permit_redirects": False}
#: subscriptions; a client takes 50 kB, and making one ten milliseconds
_MOST_CLIENTS = 250
#: less than the five that servers such as Azurite's wait: a request on a connection they have closed is lost
_IDLE_SECONDS = 4
#: seconds; they count on the transport only, a client's own are not looked at where it is given one
_TIMEOUTS = {"connection_timeout": 5, "read_timeout": 30}


class AzureClients:
    """The SDK clients of this process; use as an async context manager."""

    def __init__(self, settings: Settings, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._cloud = settings.cloud
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
        options = {"session": session, "session_owner": False, **_TIMEOUTS}
        self._transport = PacedTransport(only_to=self._cloud.resource_manager, **options)
        self._to_ledger = LedgerTransport(only_to=self._settings.ledger_endpoint, **options)
        self._to_topic = TokenTransport(only_to=self._settings.eventgrid_topic_endpoint, **options)
        self._to_dead_letters = TokenTransport(only_to=self._settings.dead_letter_container, **options)
        self._credential: AsyncTokenCredential = await self._stack.enter_async_context(
            DefaultAzureCredential(
                authority=os.environ.get("AZURE_AUTHORITY_HOST") or self._cloud.authority,
                transport=self._transport,
                **_REPEATED,
            )
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

            _make_room(self._backup)
            client = RecoveryServicesBackupClient(self._credential, subscription, **self._arm_options())
            self._backup[subscription] = client
        return self._backup[subscription]

    def data_protection(self, subscription: str) -> "DataProtectionMgmtClient":
        """The backup vaults' client of a subscription, made once."""
        if subscription not in self._data_protection:
            from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient  # noqa: PLC0415

            _make_room(self._data_protection)
            client = DataProtectionMgmtClient(self._credential, subscription, **self._arm_options())
            self._data_protection[subscription] = client
        return self._data_protection[subscription]

    def graph(self) -> "ResourceGraphClient":
        """A Resource Graph client."""
        from azure.mgmt.resourcegraph.aio import ResourceGraphClient  # noqa: PLC0415

        return ResourceGraphClient(self._credential, **self._arm_options())

    def tables(self) -> "TableServiceClient":
        """A client of the ledger's storage account."""
        from backup_retry.azure.table_transactions import LedgerTables  # noqa: PLC0415

        return LedgerTables(
            self._settings.ledger_endpoint,
            credential=self._credential,
            audience=self._cloud.storage_audience,
            transport=self._to_ledger,
            **_OPTIONS,
        )

    def topic(self) -> "EventGridPublisherClient":
        """A client of the topic that outcomes are published to."""
        from azure.eventgrid.aio import EventGridPublisherClient  # noqa: PLC0415

        credential = ScopedCredential(self._credential, self._cloud.event_grid_scope)
        endpoint = self._settings.eventgrid_topic_endpoint
        return EventGridPublisherClient(endpoint, credential, transport=self._to_topic, **_OPTIONS)

    async def arm_token(self) -> str:
        """A token for Azure Resource Manager, to see whose it is."""
        return (await self._credential.get_token(self._cloud.resource_manager_scope)).token

    async def send(self, request: "HttpRequest", *, stream: bool = False) -> "AsyncHttpResponse":
        """Send what no client of an SDK offers, once, with no token: wherever it goes, it says nothing of us.

        `stream` leaves the answer's body unread; then the response has to be closed.
        """
        from azure.core import AsyncPipelineClient  # noqa: PLC0415

        client: Any = AsyncPipelineClient("", policies=[], transport=self._transport)
        response: AsyncHttpResponse = await client.send_request(request, stream=stream)
        return response

    async def send_to_topic(self, request: "HttpRequest") -> "AsyncHttpResponse":
        """Send what no client of an SDK offers to the topic, once, with a token for Event Grid."""
        return await self._send_with_token(request, self._cloud.event_grid_scope, self._to_topic)

    async def send_to_dead_letters(self, request: "HttpRequest") -> "AsyncHttpResponse":
        """The same to the container of dead letters: Blob Storage's own SDK would be another package to install."""
        return await self._send_with_token(request, self._cloud.storage_scope, self._to_dead_letters)

    async def _send_with_token(
        self, request: "HttpRequest", scope: str, transport: TokenTransport
    ) -> "AsyncHttpResponse":
        from azure.core import AsyncPipelineClient  # noqa: PLC0415
        from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy  # noqa: PLC0415

        policies = [AsyncBearerTokenCredentialPolicy(self._credential, scope)]
        client: Any = AsyncPipelineClient("", policies=policies, transport=transport)
        response: AsyncHttpResponse = await client.send_request(request)
        return response

    def reads_are_low(self, vault: Vault) -> bool:
        """True where what is left of Azure's hourly reads had better be spent on many at once."""
        return self._transport.pace.read_quotas.is_low(vault)

    def is_arm(self, url: str) -> bool:
        """True for an address of our Azure Resource Manager: the only place where our token may go."""
        return same_origin(url, self._cloud.resource_manager)

    def _arm_options(self) -> dict[str, Any]:
        return {
            "base_url": self._cloud.resource_manager,
            "credential_scopes": [self._cloud.resource_manager_scope],
            "transport": self._transport,
            **_OPTIONS,
        }


def _make_room(clients: dict[str, Any]) -> None:
    """Forget the oldest of too many clients: alerts may name any subscription, and the transport is nobody's own."""
    if len(clients) >= _MOST_CLIENTS:
        del clients[next(iter(clients))]


@asynccontextmanager
async def azure_errors(what: str) -> AsyncIterator[None]:
    """Turn the SDKs' exceptions into ours; `what` names the service that was asked, or what was asked of a vault.

    An answer that cannot be understood is none, wherever the reading of it fails.
    """
    try:
        yield
    except AzureError as error:
        raise translate(error, what) from error
    except NOT_UNDERSTOOD as error:
        raise AzureUnavailable(f"{what}: unexpected response: {said_by(error)}") from error


async def read_json(client: Any, address: str) -> Fields:  # noqa: ANN401 (the client of either kind of vault)
    """What Azure Resource Manager answers at an address of its own making."""
    from azure.core.rest import HttpRequest  # noqa: PLC0415

    response = await client.send_request(HttpRequest("GET", address))
    response.raise_for_status()
    return fields_of(valid_json(response.json()))


def translate(error: AzureError, what: str) -> BackupRetryError:
    """What an SDK's exception means for a read, or for anything else that is safe to repeat; `what` as above."""
    if isinstance(error, ClientAuthenticationError) and error.response is None:
        return AzureUnavailable(f"{what}: not signed in to Azure: {said_by(error)}")
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return AzureUnavailable(f"{what}: no response: {said_by(error)}")
    status, code = error.status_code, service_code(error)
    by = Service(what) if what in set(Service) else Service.VAULT
    message = f"{what}: {status} {code or said_by(error)}"
    if status == _TOO_MANY_REQUESTS:
        return Throttled(message, retry_after=_retry_after(error))
    passes = status in _PASSING and code != OF_ANOTHER_TENANT
    if passes or status < _LEAST_ERROR or status >= 500 or _is_a_gateways(status, code, by):  # noqa: PLR2004
        return AzureUnavailable(message, retry_after=_retry_after(error))
    kind = {401: Forbidden, _FORBIDDEN: Forbidden, 404: NotFound}.get(status, AzureRefused)
    return kind(
        message, code=code, status=status, by=by, said=service_message(error), advice=service_advice(error)
    )


def translate_trigger(error: Exception, what: str) -> BackupRetryError:
    """What an SDK's exception means for a trigger, which must never be repeated blindly.

    Only an answer of 4xx, or a connection that never came about, says that nothing was started.
    """
    if not isinstance(error, AzureError):
        return AnswerUnclear(f"{what}: unexpected response: {said_by(error)}")
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        refused = 400 <= error.status_code < 500 and error.status_code != 408  # noqa: PLR2004
    else:
        refused = isinstance(error, ClientAuthenticationError) or _never_connected(error)
    meaning = translate(error, what)
    return meaning if refused else AnswerUnclear(str(meaning))


def said_by(error: Exception) -> str:
    """What an exception says, in one line."""
    return valid((str(error) or type(error).__name__).splitlines()[0])


def _is_a_gateways(status: int, code: str, by: Service) -> bool:
    """True for a no without Azure Resource Manager's code: a proxy's page says nothing of our permissions."""
    return by is Service.VAULT and not code and status == _FORBIDDEN


def _never_connected(error: AzureError) -> bool:
    return isinstance(error, ServiceRequestTimeoutError) or (
        isinstance(error, ServiceRequestError)
        and isinstance(error.inner_exception, aiohttp.ClientConnectorError)
    )


def _retry_after(error: HttpResponseError) -> timedelta | None:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    seconds = asked_to_wait(headers, str(error.message or ""))
    return None if seconds is None else timedelta(seconds=seconds)
