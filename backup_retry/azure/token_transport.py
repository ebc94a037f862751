"""Where a token may go: to the one service that it is for, whatever an answer or an alert says."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline.transport import AioHttpTransport

from backup_retry.domain.errors import AzureUnavailable

if TYPE_CHECKING:
    from azure.core.rest import HttpRequest

_PORTS = {"https": 443, "http": 80}


class TokenTransport(AioHttpTransport):  # type: ignore[misc]  # azure.core exports it without a type
    """Sends what bears a token to one service only; an SDK follows an answer's `nextLink` to wherever it points."""

    def __init__(self, *, only_to: str, **options: Any) -> None:  # noqa: ANN401 (the SDK's own)
        super().__init__(**options)
        self._only_to = only_to

    async def send(self, request: "HttpRequest", **options: Any) -> Any:  # noqa: ANN401 (the SDK's own)
        """Send one request.

        Raises:
            AzureUnavailable: it bears a token, and its address is not of the service; nothing is sent.
        """
        if "Authorization" in request.headers and not same_origin(request.url, self._only_to):
            host = urlsplit(request.url).netloc
            raise AzureUnavailable(f"an answer pointed to {host}, where this app's token must not go")
        return await super().send(request, **options)


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
