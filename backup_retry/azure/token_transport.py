"""Where a token may go, to the one service that it is for, and how long a call may wait, whatever an answer says."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline.transport import AioHttpTransport

from backup_retry.azure.waits import LONGEST_SLEEP, asked_to_wait, capped
from backup_retry.domain.errors import AzureUnavailable

if TYPE_CHECKING:
    from azure.core.rest import HttpRequest

_LEAST_ERROR = 400
_PORTS = {"https": 443, "http": 80}


class TokenTransport(AioHttpTransport):  # type: ignore[misc]  # azure.core exports it without a type
    """Sends what has a token to one service only; an SDK follows an answer's `nextLink` to wherever it points."""

    def __init__(self, *, only_to: str, **options: Any) -> None:  # noqa: ANN401 (the SDK's own)
        super().__init__(**options)
        self._only_to = only_to

    async def send(self, request: "HttpRequest", **options: Any) -> Any:  # noqa: ANN401 (the SDK's own)
        """Send one request.

        Raises:
            AzureUnavailable: it has a token, and its address is not of the service; nothing is sent.
        """
        if "Authorization" in request.headers and not same_origin(request.url, self._only_to):
            host = urlsplit(request.url).netloc
            raise AzureUnavailable(
                f"a response redirected to {host}, which must not receive this app's token"
            )
        return await super().send(request, **options)

    async def sleep(self, duration: float) -> None:
        """Wait between two tries of an SDK's, which sleeps nowhere else.

        Raises:
            AzureUnavailable: it would wait for longer than a call may, since Azure has asked for that.
        """
        if not duration <= LONGEST_SLEEP:
            raise _put_off(capped(duration))
        await super().sleep(duration)


class LedgerTransport(TokenTransport):
    """The same for the tables, whose SDK sleeps without asking the transport: what is to be slept out ends there."""

    async def send(self, request: "HttpRequest", **options: Any) -> Any:  # noqa: ANN401 (the SDK's own)
        """Send one request.

        Raises:
            AzureUnavailable: the answer asks for a longer wait than a call may have, or for one that nobody can read.
        """
        response = await super().send(request, **options)
        if response.status_code >= _LEAST_ERROR and "Retry-After" in response.headers:
            seconds = asked_to_wait(response.headers)
            if seconds is None or seconds > LONGEST_SLEEP:
                await response.close()  # a transaction's body is not read yet, and would keep its connection
                raise _put_off(seconds)
        return response


def _put_off(seconds: float | None) -> AzureUnavailable:
    if seconds is None:
        return AzureUnavailable("Azure throttled the request; try again later")
    return AzureUnavailable(
        f"Azure throttled the request; try again in {seconds:.0f} s", retry_after=timedelta(seconds=seconds)
    )


def same_origin(url: str, other: str) -> bool:
    """True where both addresses have one scheme, host and port; False for what is no plain address."""
    try:
        return _origin(url) == _origin(other)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError(parts.netloc)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
