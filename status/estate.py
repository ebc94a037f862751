"""What Resource Graph says of the estate: its items, and the days on which their backups ended well or badly."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from backup_retry.domain.arm_ids import ProtectedItem


class Graph(Protocol):
    """Where a query's rows come from."""

    def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Every row of the query; raises BackupRetryError when Resource Graph cannot answer for all of them."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Backups:
    """An item's backups, as Resource Graph sums them up."""

    item: ProtectedItem
    #: Azure's name of what it is; "" where Resource Graph does not tell it
    workload: str = ""
    #: days (UTC) on which a backup completed, and on which one failed or was cancelled
    good: frozenset[date] = frozenset()
    bad: frozenset[date] = frozenset()
    last_good_at: datetime | None = None
    #: somebody has stopped its protection: no backup is expected
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class Estate:
    """Every protected item that the app may look at, and the subscriptions' names by their ids."""

    items: Sequence[Backups] = ()
    subscriptions: Mapping[str, str] = field(default_factory=dict)


async def read_estate(graph: Graph, since: datetime) -> Estate:
    """Ask Resource Graph; raises BackupRetryError when it does not answer for all subscriptions."""
    return estate([row async for row in graph.rows(query(since))])


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
            items.append(_backups(item, row))
        elif row.get("name"):
            subscriptions[identity.lower().removeprefix("/subscriptions/")] = str(row["name"])
    return Estate(items=items, subscriptions=subscriptions)


def _backups(item: ProtectedItem, row: Mapping[str, Any]) -> Backups:
    days = [str(each).split(" ") for each in row.get("days") or [] if each]
    return Backups(
        item=item,
        workload=str(row.get("workload") or ""),
        good=frozenset(date.fromisoformat(day) for day, outcome in days if outcome == "good"),
        bad=frozenset(date.fromisoformat(day) for day, outcome in days if outcome == "bad"),
        last_good_at=_time(row.get("lastGood")),
        stopped=bool(row.get("stopped")),
    )


def _time(value: object) -> datetime | None:
    if not value:
        return None
    at = datetime.fromisoformat(str(value))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@cache
def _query_text() -> str:
    return files("status").joinpath("backups_by_day.kql").read_text(encoding="utf-8")
