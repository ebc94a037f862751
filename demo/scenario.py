"""The night as the scenario file tells it, and what it means for the simulator."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("one_bad_night.toml")
_RESOURCE_GROUP = "rg-machines"
_BACKUP_SECONDS = 1.0
_DAY_SECONDS, _NIGHTS_BEFORE = 86_400, 13
#: the colleague's backup is over before this alert arrives; the late alert comes after all the others
_ALERT_DELAYS = {"late": 5.0, "colleague": 2.0}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The outcome of a failure that the ledger has to show in the morning."""

    outcome: str
    attempts: int
    found_by: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One item whose nightly backup fails."""

    item: str
    error: str
    expect: Expected
    #: whether a Backup vault reports the error as retryable
    retryable: bool | None = None
    #: which kind of backup a database's failed one was, and which one the retry has to be; "": full, and the same
    backup: str = ""
    retry_is: str = ""
    retries: tuple[str, ...] = ()
    alert: str = "once"
    trigger: str = ""
    colleague: bool = False

    @property
    def cancelled(self) -> bool:
        """True when a person stopped the backup."""
        return self.error == "cancelled"


@dataclass(frozen=True, kw_only=True)
class Night:
    """The whole scenario."""

    subscriptions: Mapping[str, str]
    vaults: Mapping[str, Mapping[str, Any]]
    failures: Mapping[str, Failure]

    @property
    def items(self) -> Sequence[str]:
        """Every item's name; each is in one vault only."""
        return [item.get("vm") or item["name"] for vault in self.vaults.values() for item in _items(vault)]

    def estate(self) -> dict[str, Any]:
        """The estate as the simulator's admin API takes it."""
        return {
            "subscriptions": [{"id": each, "name": name} for name, each in self.subscriptions.items()],
            "vaults": [self._vault(name, vault) for name, vault in self.vaults.items()],
            "settings": {
                "backup_seconds": _BACKUP_SECONDS,
                "alert_delay_seconds": 0.3,
                "delivery_pace": 0.02,
                "hourly_reads": 10**6,  # the night passes within a minute, and reads as much as in hours
            },
        }

    def backups(self) -> list[dict[str, Any]]:
        """The nightly backups, all at once."""
        return [self._backup(index, item) for index, item in enumerate(self.items)]

    def nights_before(self) -> list[dict[str, Any]]:
        """Two weeks of good nights before this one."""
        return [
            {"item": item, "scheduled": True, "age_seconds": _DAY_SECONDS * ago}
            for ago in range(_NIGHTS_BEFORE, 0, -1)
            for item in self.items
        ]

    def colleagues_backups(self) -> list[dict[str, Any]]:
        """What somebody has run again by hand."""
        outcome = {"status": "Completed", "seconds": 0.5}
        helped = [each.item for each in self.failures.values() if each.colleague]
        return [{"item": item, "outcome": outcome, "scheduled": False} for item in helped]

    def faults(self) -> list[dict[str, Any]]:
        """What goes wrong on the way."""
        return [fault for failure in self.failures.values() for fault in _faults(failure)]

    def _vault(self, name: str, vault: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "subscription": self.subscriptions[vault["subscription"]],
            "resource_group": "rg-backup",
            "name": name,
            "location": "westeurope",
            "kind": vault.get("kind", "recovery_services"),
            "items": [self._item(item) for item in _items(vault)],
        }

    def _item(self, item: Mapping[str, Any]) -> dict[str, Any]:
        failure = self.failures.get(item.get("vm") or item["name"])
        retries = [_outcome(retry) for retry in failure.retries] if failure else []
        return {**item, "resource_group": _RESOURCE_GROUP, "next_outcomes": retries}

    def _backup(self, index: int, item: str) -> dict[str, Any]:
        failure = self.failures.get(item)
        outcome = _outcome(failure.error, failure.retryable) if failure else _outcome("ok")
        kind = failure.backup if failure else ""
        return {
            "item": item,
            "outcome": outcome | {"seconds": 0.3 + 0.03 * index},
            "scheduled": True,
            "kind": kind,
        }


def _items(vault: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*({"vm": machine} for machine in vault.get("machines", ())), *vault.get("items", ())]


def load(path: Path = FILE) -> Night:
    """The scenario of a file."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return Night(
        subscriptions=document["subscriptions"],
        vaults=document["vaults"],
        failures={name: _failure(name, fields) for name, fields in document["failures"].items()},
    )


def _failure(item: str, fields: Mapping[str, Any]) -> Failure:
    known = {**fields, "retries": tuple(fields.get("retries", ())), "expect": Expected(**fields["expect"])}
    return Failure(item=item, **known)


def _outcome(end: str, retryable: bool | None = None) -> dict[str, Any]:
    if end == "ok":
        return {"status": "Completed"}
    if end == "cancelled":
        return {"status": "Cancelled"}
    return {"status": "Failed", "error": {"title": end, "retryable": retryable}}


def _faults(failure: Failure) -> list[dict[str, Any]]:
    # a backup instance is named by its source twice and a GUID
    named = f"[;/]{failure.item}(-{failure.item}-[0-9a-f-]+)?"
    alert, post = f"{named} ", f"POST .*{named}/backup"
    faults: list[dict[str, Any]] = []
    if failure.alert == "lost":
        faults.append({"name": "lose_alert", "match": alert, "count": 1})
    if failure.alert == "twice":
        faults.append({"name": "duplicate_alert", "match": alert, "count": 1})
    delay = _ALERT_DELAYS.get("colleague" if failure.colleague else failure.alert)
    if delay is not None:
        faults.append({"name": "delay_alert", "match": alert, "count": 1, "seconds": delay})
    if failure.trigger == "throttled":
        faults.append({"name": "throttle", "match": post, "count": 1, "retry_after": 2})
    if failure.trigger == "answer lost":
        faults.append(
            {"name": "drop_answer", "match": post, "count": 1, "skip": max(0, len(failure.retries) - 1)}
        )
    return faults
