"""The port that looks at a deployed app and at the way from an alert to it; and its fake."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
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
    #: the receiver as the action group has it
    receiver: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)

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

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"action group {self.id.rpartition('/')[2]}"


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
    #: it is not on all the time
    scheduled: bool = False
    #: each condition as field, operator and values; all have to hold
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"alert processing rule {self.id.rpartition('/')[2]}"

    def is_about(self, vault: Vault) -> bool:
        """True where it is for all alerts of Azure Backup about the vault, on or off."""
        return self._has_scope(vault) and all(_is_of_backup(*each) for each in self.conditions)

    def silences(self, vault: Vault) -> bool:
        """True where it is on and takes the action groups from some alerts of Azure Backup about the vault, or may."""
        others = any(_is_of_others(*each) for each in self.conditions)
        return self.enabled and self.suppresses and self._has_scope(vault) and not others

    def _has_scope(self, vault: Vault) -> bool:
        places = [f"{each.lower().rstrip('/')}/" for each in self.scopes]
        return any(f"{vault.key}/".startswith(place) for place in places)


def _is_of_backup(about: str, operator: str, values: Sequence[str]) -> bool:
    named = "azure backup" in [value.lower() for value in values]
    return (about.lower(), operator.lower(), named) == ("monitorservice", "equals", True)


def _is_of_others(about: str, operator: str, values: Sequence[str]) -> bool:
    named = "azure backup" in [value.lower() for value in values]
    return about.lower() == "monitorservice" and (operator.lower(), named) in {
        ("equals", False),
        ("notequals", True),
    }


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

    async def send_test(self, group: ActionGroup, webhook: Webhook, vault: Vault) -> str:
        """Have Azure Monitor send a test for the vault through the group's webhook; what to ask `test_result` for."""
        ...

    async def test_result(self, test: str) -> str:
        """What Azure Monitor says became of a test; "" while it does not say."""
        ...


@dataclass
class MemoryDeployment:
    """A deployment in memory, for tests; an error is raised instead of returned."""

    found: Sequence[ProcessingRule] | Exception = ()
    groups: dict[str, ActionGroup | Exception] = field(default_factory=dict)
    status: int = 400
    #: what arrives of a test, and what is said of it
    deliver: Callable[[Vault], Awaitable[None]] | None = None
    result: str = ""

    async def rules(self, subscription: str) -> Sequence[ProcessingRule]:
        """See Deployment."""
        del subscription
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def group(self, group_id: str) -> ActionGroup:
        """See Deployment."""
        found = self.groups[group_id]
        if isinstance(found, Exception):
            raise found
        return found

    async def call(self, webhook: Webhook) -> int:
        """See Deployment."""
        del webhook
        return self.status

    async def send_test(self, group: ActionGroup, webhook: Webhook, vault: Vault) -> str:
        """See Deployment."""
        del group, webhook
        if self.deliver is not None:
            await self.deliver(vault)
        return "test-1"

    async def test_result(self, test: str) -> str:
        """See Deployment."""
        del test
        return self.result
