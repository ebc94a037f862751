"""The port `estate.EstateReader` on Azure: Resource Graph's items and backups, and each vault's list of policies."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Protocol

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import AnsweredInPart, BackupRetryError, in_words
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.schedule import BackupPolicy
from backup_retry.policy.scope import Scope
from backup_retry.ports.estate import Policies

_VAULTS_AT_ONCE = 8
#: what is not between them cannot be the time of a backup; something can be added to what is
_NEVER, _TOO_LATE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Graph(Protocol):
    """Where a query's rows come from."""

    def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Every row of the query; raises BackupRetryError when Resource Graph cannot answer for all of them."""
        ...


class AzureEstate:
    """One query for all items, and one list for each vault's policies, which the vaults' adapter keeps for an hour."""

    def __init__(self, graph: Graph, policies: Policies, scope: Scope) -> None:
        self._graph = graph
        self._policies = policies
        self._scope = scope

    async def read(self, since: datetime) -> Estate:
        """See EstateReader."""
        rows: list[Mapping[str, Any]] = []
        problems: Sequence[str] = ()
        try:
            async for row in self._graph.rows(query(since)):
                rows.append(row)  # noqa: PERF401 (what was answered for counts)
        except AnsweredInPart as error:
            problems = error.problems
        found = replace(estate(rows), problems=problems)
        items = [each for each in found.items if not self._why_not(each)]
        return await self._with_policies(replace(found, items=items))

    def _why_not(self, backups: Backups) -> str:
        return self._scope.why_not(
            backups.item, backups.workload, backups.source_id or backups.item.machine_id
        )

    async def _with_policies(self, found: Estate) -> Estate:
        vaults = {each.item.vault.key: each.item.vault for each in found.items if each.policy_id}
        at_once = asyncio.Semaphore(_VAULTS_AT_ONCE)
        policies: dict[str, BackupPolicy] = {}
        unread: dict[str, str] = {}

        async def read(vault: Vault) -> None:
            async with at_once:
                try:
                    named = await self._policies.policies(vault)
                except BackupRetryError as error:
                    unread[vault.key] = in_words(error)
                else:
                    policies.update(
                        {f"{vault.key}/backuppolicies/{name}": each for name, each in named.items()}
                    )

        await asyncio.gather(*(read(vault) for vault in vaults.values()))
        return replace(found, policies=policies, policies_unread=unread)


def query(since: datetime) -> str:
    """The query with its horizon bound."""
    return _query_text().replace("datetime({since})", f"datetime({since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})")


def estate(rows: Iterable[Mapping[str, Any]]) -> Estate:
    """The estate that the query's rows describe; a row that names neither item nor subscription is left out."""
    items: list[Backups] = []
    subscriptions: dict[str, str] = {}
    for row in rows:
        identity = str(row.get("id") or "")
        item = ProtectedItem.parse(identity)
        if item is not None:
            found = _backups(item, row)
            items += [found] if found.listed or found.good or found.bad else []
        elif row.get("name"):
            subscriptions[identity.lower().removeprefix("/subscriptions/")] = str(row["name"])
    return Estate(items=items, subscriptions=subscriptions)


def _backups(item: ProtectedItem, row: Mapping[str, Any]) -> Backups:
    good, bad = _hours(row, "good"), _hours(row, "bad")
    texts = {name: str(row.get(name) or "") for name in ("name", "holder", "workload", "state")}
    return Backups(
        **texts,
        item=item,
        listed=bool(row.get("listed", 1)),
        stopped=bool(row.get("stopped")),
        policy_id=str(row.get("policy") or ""),
        source_id=str(row.get("source") or ""),
        good=_days(good),
        bad=_days(bad),
        good_hours=good,
        last_bad_at=max(bad, default=None),
        point_at=_time(row.get("point")),
        last_good_at=_time(row.get("lastGood")),
        last_full_at=_time(row.get("lastFull")),
        last_part_at=_time(row.get("lastPart")),
        running_since=_time(row.get("running")),
        configured_at=_time(row.get("configured")),
    )


def _hours(row: Mapping[str, Any], outcome: str) -> tuple[datetime, ...]:
    """The hours that end so, oldest first; an entry that is no hour is left out."""
    said = (str(each).split(" ") for each in row.get("hours") or [] if each)
    hours = (_hour(each[0]) for each in said if each[-1] == outcome)
    return tuple(sorted(each for each in hours if each is not None))


@lru_cache(maxsize=2000)
def _hour(text: str) -> datetime | None:
    """An hour such as 2026-11-21T22; the same few hundred are in every row."""
    try:
        return datetime.fromisoformat(f"{text}:00:00+00:00")
    except ValueError:
        return None


def _days(hours: Iterable[datetime]) -> frozenset[date]:
    return frozenset(each.date() for each in hours)


def _time(value: object) -> datetime | None:
    """A time; None where there is none, or one that the services write for "never", or that nobody can mean."""
    try:
        at = datetime.fromisoformat(str(value)) if value else _NEVER
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if _NEVER < at < _TOO_LATE else None


@cache
def _query_text() -> str:
    return files("backup_retry.azure").joinpath("backups_by_day.kql").read_text(encoding="utf-8")
