"""A credential for one service: azure-eventgrid asks for tokens of the public cloud's Event Grid, in every cloud."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential


class ScopedCredential:
    """Asks for tokens of one scope, whichever a client names. Closing it is left to whoever made the credential."""

    def __init__(self, credential: "AsyncTokenCredential", scope: str) -> None:
        self._credential = credential
        self._scope = scope

    async def get_token(self, *_: str, **options: Any) -> "AccessToken":  # noqa: ANN401 (the SDK's own)
        """A token for the scope."""
        return await self._credential.get_token(self._scope, **options)

    async def close(self) -> None:
        """Nothing is its own."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...
