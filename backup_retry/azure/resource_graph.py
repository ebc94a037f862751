"""Resource Graph through azure-mgmt-resourcegraph: rows of a query, page by page.

Paging: only $skipToken says that there is more, resultTruncated may be "false" beside it.
https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from backup_retry.azure.client import AzureClients, azure_errors
from backup_retry.errors import AzureRefused

_PAGE = 1000
#: Azure advises fewer than 300 subscriptions a query
_GROUP = 250
_LIMIT_HEADER = "x-ms-tenant-subscription-limit-hit"


class ResourceGraph:
    """The port `reconciler.sweep.Graph` on Azure."""

    def __init__(self, clients: AzureClients, subscriptions: Sequence[str] = ()) -> None:
        self._clients = clients
        self._subscriptions = tuple(subscriptions)

    async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Every row of the query, over the configured subscriptions or all that the identity can see.

        Raises AzureRefused when Resource Graph answered for a part of the subscriptions only.
        """
        async with self._clients.graph() as client:
            for start in range(0, max(1, len(self._subscriptions)), _GROUP):
                group = list(self._subscriptions[start : start + _GROUP]) or None
                async for row in self._group_rows(client, query, group):
                    yield row

    async def _group_rows(
        self,
        client: Any,  # noqa: ANN401 (imported where it is first used)
        query: str,
        group: list[str] | None,
    ) -> AsyncIterator[Mapping[str, Any]]:
        from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions  # noqa: PLC0415

        skip_token: str | None = None
        while True:
            options = QueryRequestOptions(top=_PAGE, skip_token=skip_token, result_format="objectArray")
            request = QueryRequest(query=query, subscriptions=group, options=options)
            async with azure_errors("Resource Graph"):
                answer, headers = await client.resources(request, cls=_with_headers)
            if headers.get(_LIMIT_HEADER, "").lower() == "true":
                raise AzureRefused(
                    "Resource Graph left subscriptions out: there are more than it answers for at once. "
                    "Name them in SUBSCRIPTIONS."
                )
            for row in answer.data:
                yield row
            skip_token = answer.skip_token
            if not skip_token:
                return


def _with_headers(response: Any, answer: Any, _headers: object) -> tuple[Any, Mapping[str, str]]:  # noqa: ANN401
    return answer, response.http_response.headers
