"""The port `inspection.Inspection` on Azure: asks, reads, and changes nothing.

https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource says what the caller may do.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.core.rest import HttpRequest

from backup_retry.azure.client import AzureClients, azure_errors
from backup_retry.azure.json_fields import fields_of, parts, required, texts
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.table_ledger import TABLES
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import Service
from backup_retry.domain.texts import valid_json
from backup_retry.ports.access_inspection import FoundVault, Identity, Permission
from backup_retry.settings.settings import Settings

_PERMISSIONS = "providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
_EVENTS_VERSION = {"api-version": "2018-01-01"}
_BAD_REQUEST = 400


class AzureInspection:
    """Looks at what surrounds the app."""

    def __init__(self, clients: AzureClients, graph: ResourceGraph, settings: Settings) -> None:
        self._clients = clients
        self._graph = graph
        self._arm = settings.cloud.resource_manager
        self._topic = settings.eventgrid_topic_endpoint

    async def whoami(self) -> Identity:
        """See Inspection; read from the token itself."""
        async with azure_errors("identity"):
            claims = _claims(await self._clients.arm_token())
        name = next((str(claims[key]) for key in ("upn", "unique_name", "appid") if claims.get(key)), "")
        return Identity(object_id=str(claims.get("oid") or ""), name=name)

    async def vaults(self) -> Sequence[FoundVault]:
        """See Inspection; one query."""
        query = files("backup_retry.azure").joinpath("vault_settings.kql").read_text(encoding="utf-8")
        async with azure_errors(Service.GRAPH):
            return [
                FoundVault(vault=vault, failure_alerts=str(row.get("alerts") or ""))
                async for row in self._graph.rows(query)
                if (vault := Vault.parse(required(row, "id")))
            ]

    async def permissions(self, vault: Vault) -> Sequence[Permission]:
        """See Inspection; one request."""
        url = f"{self._arm}{vault.id}/{_PERMISSIONS}"
        async with azure_errors(f"permissions on vault {vault.name}"):
            response = await self._clients.backup(vault.subscription).send_request(HttpRequest("GET", url))
            response.raise_for_status()
            return [permission(each) for each in parts(valid_json(fields_of(response.json())), "value")]

    async def missing_tables(self) -> Sequence[str]:
        """See Inspection; one request for each table."""
        service = self._clients.tables()
        return [name for name in TABLES if not await _is_readable(service.get_table_client(name))]

    async def topic(self) -> None:
        """See Inspection; an empty batch delivers nothing, but takes the right to send. A 400 came past that gate."""
        headers = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
        request = HttpRequest("POST", self._topic, params=_EVENTS_VERSION, headers=headers, content="[]")
        async with azure_errors("Event Grid topic"):
            response = await self._clients.send_to_topic(request)
            if response.status_code != _BAD_REQUEST:
                response.raise_for_status()


def _claims(token: str) -> Mapping[str, Any]:
    """The claims in a token's middle part; they are shown and never relied on."""
    _, _, rest = token.partition(".")
    content = rest.partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    except ValueError:
        return {}
    return valid_json(claims) if isinstance(claims, dict) else {}


def permission(value: Mapping[str, Any]) -> Permission:
    """What a role's definition or an answer about the caller's permissions allows."""
    return Permission(actions=tuple(texts(value, "actions")), not_actions=tuple(texts(value, "notActions")))


async def _is_readable(table: Any) -> bool:  # noqa: ANN401 (imported where it is first used)
    async with azure_errors("ledger"):
        with suppress(ResourceNotFoundError):
            async for _ in table.list_entities(results_per_page=1, select=["PartitionKey"]):
                break
            return True
    return False
