"""The port to what has reached the app by itself, its in-memory fake, and what that says about a vault's alerts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind, Arrival
from backup_retry.domain.jobs import Source
from backup_retry.ports.reports import Closed

#: so many failures of a vault without an alert are no coincidence: of some, Azure raises none
MANY = 5
#: what a person should do about those
MISSING_ALERTS = (
    "backup-retry check --app shows what is missing on the alert route, backup-retry drill tests it."
)
#: an alert may take so long
_ON_ITS_WAY = timedelta(hours=1)


class Arrivals(Protocol):
    """When the newest alert of each vault and kind arrived. Raises AzureUnavailable when the ledger does not answer."""

    async def note(self, vault: Vault, kind: AlertKind, at: datetime) -> None:
        """Remember that one has arrived; within some minutes of another it need not be."""
        ...

    async def all(self) -> Sequence[Arrival]:
        """Every vault's newest of each kind."""
        ...


@dataclass
class MemoryArrivals:
    """Arrivals in memory, for tests."""

    found: dict[tuple[str, AlertKind], Arrival] = field(default_factory=dict)

    async def note(self, vault: Vault, kind: AlertKind, at: datetime) -> None:
        """See Arrivals."""
        self.found[vault.key, kind] = Arrival(vault=vault, kind=kind, at=at)

    async def all(self) -> Sequence[Arrival]:
        """See Arrivals."""
        return list(self.found.values())


@dataclass(frozen=True, kw_only=True)
class VaultAlerts:
    """How a vault's alerts stand."""

    vault: Vault
    #: when the newest of each kind arrived; a kind that never did is not there
    last: Mapping[AlertKind, datetime]
    #: failures that a sweep found and no alert reported, since the newest alert
    unalerted: int

    @property
    def heard(self) -> datetime | None:
        """When the newest that was no test arrived."""
        return max((at for kind, at in self.last.items() if kind is not AlertKind.TEST), default=None)

    @property
    def are_missing(self) -> bool:
        """True where so many are no coincidence."""
        return self.unalerted >= MANY

    @property
    def sentence(self) -> str:
        """What is wrong; "" where nothing is."""
        found = f"{self.unalerted} failures in vault {self.vault.name} were found by the sweep and none by an alert."
        return found if self.are_missing else ""

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs: `vault`, `missing`, `unalerted` and a time in ISO 8601, or null, for each kind."""
        times = {kind.value: self.last[kind].isoformat() if kind in self.last else None for kind in AlertKind}
        return {
            "vault": self.vault.id,
            "missing": self.are_missing,
            "unalerted": self.unalerted,
            **times,
        }


def alerts_by_vault(
    arrivals: Iterable[Arrival], closed: Iterable[Closed], now: datetime
) -> Sequence[VaultAlerts]:
    """How the alerts of each vault stand that had one or whose failures have ended: those with missing ones first."""
    vaults: dict[str, Vault] = {}
    last: dict[str, dict[AlertKind, datetime]] = defaultdict(dict)
    heard: dict[str, datetime] = {}
    for each in arrivals:
        vaults[each.vault.key] = each.vault
        last[each.vault.key][each.kind] = each.at
        if each.kind is not AlertKind.TEST:
            heard[each.vault.key] = max(each.at, heard.get(each.vault.key, each.at))
    failures = [each for each in closed if not each.item.is_vault]
    for found in failures:
        key = found.item.vault.key
        vaults.setdefault(key, found.item.vault)
        if found.found_by is Source.ALERT:  # of alerts that came before this was remembered
            heard[key] = max(found.opened_at, heard.get(key, found.opened_at))
    unalerted = [
        found.item.vault.key
        for found in failures
        if found.found_by is Source.SWEEP and _is_unalerted(found, heard.get(found.item.vault.key), now)
    ]
    standing = [
        VaultAlerts(vault=vault, last=last.get(key, {}), unalerted=unalerted.count(key))
        for key, vault in vaults.items()
    ]
    return sorted(standing, key=lambda each: (not each.are_missing, each.vault.name.casefold()))


def _is_unalerted(found: Closed, heard: datetime | None, now: datetime) -> bool:
    return now - found.opened_at > _ON_ITS_WAY and (heard is None or found.first_failed_at > heard)
