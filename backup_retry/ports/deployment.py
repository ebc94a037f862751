"""The port that looks at a deployed app and at the way from an alert to it; and its fake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from backup_retry.domain.arm_ids import Vault


@dataclass(frozen=True, kw_only=True)
class DeployedApp:
    """A function app as Azure Resource Manager shows it."""

    id: str
    #: its host name
    host: str
    #: object id of the identity that it signs in with
    principal: str
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The app's name."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """What an action group calls."""

    #: with the key: never shown
    uri: str = field(repr=False)
    common_schema: bool = True
    #: Azure Monitor signs in before the key is looked at
    signs_in: bool = False

    def calls(self, app: DeployedApp) -> bool:
        """True for the app's own webhook."""
        uri = urlsplit(self.uri)
        return (uri.netloc.lower(), uri.path.lower()) == (app.host.lower(), "/api/alerts")


@dataclass(frozen=True, kw_only=True)
class ActionGroup:
    """Whom Azure Monitor tells."""

    id: str
    enabled: bool = True
    webhooks: tuple[Webhook, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProcessingRule:
    """What Azure Monitor does with the alerts of its scopes."""

    id: str
    scopes: tuple[str, ...]
    enabled: bool = True
    #: ids of the action groups that it adds
    adds: tuple[str, ...] = ()
    #: it takes every action group away
    suppresses: bool = False
    #: each condition as field, operator and values; all have to hold
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def covers(self, vault: Vault) -> bool:
        """True where it is on for all alerts of Azure Backup about the vault."""
        places = [f"{each.lower().rstrip('/')}/" for each in self.scopes]
        return (
            self.enabled
            and any(f"{vault.key}/".startswith(place) for place in places)
            and all(_is_of_backup(*each) for each in self.conditions)
        )


def _is_of_backup(about: str, operator: str, values: Sequence[str]) -> bool:
    named = "azure backup" in [value.lower() for value in values]
    return (about.lower(), operator.lower(), named) == ("monitorservice", "equals", True)


class Deployment(Protocol):
    """Looks without changing or triggering anything; raises AzureRefused and AzureUnavailable as the vaults do."""

    async def rules(self, subscription: str) -> Sequence[ProcessingRule]:
        """The alert processing rules of a subscription."""
        ...

    async def group(self, group_id: str) -> ActionGroup:
        """An action group."""
        ...

    async def call(self, webhook: Webhook) -> int:
        """The status that the webhook answers to a signal that nobody can read."""
        ...


@dataclass
class MemoryDeployment:
    """A deployment in memory, for tests; an error stands for an answer that is one."""

    found: Sequence[ProcessingRule] | Exception = ()
    groups: dict[str, ActionGroup] = field(default_factory=dict)
    status: int = 400

    async def rules(self, subscription: str) -> Sequence[ProcessingRule]:
        """See Deployment."""
        del subscription
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def group(self, group_id: str) -> ActionGroup:
        """See Deployment."""
        return self.groups[group_id]

    async def call(self, webhook: Webhook) -> int:
        """See Deployment."""
        del webhook
        return self.status
