"""Compliance of subscriptions, vaults and items, as a sorted list on pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from backup_retry.domain.arm_ids import Vault
from backup_retry.policy.compliance import WINDOWS, Kept
from status.dashboard import Dashboard, Row
from status.filters import BY_COMPLIANCE, Filters
from status.place import Places

LINES = 100


@dataclass(frozen=True, kw_only=True)
class ComplianceLine:
    """A subscription, a vault with all its items, or an item."""

    #: subscription, vault or item
    level: str
    name: str
    subscription: str
    #: its ARM id
    id: str
    #: by the number of days
    kept: Mapping[int, Kept]
    #: what a subscription is not in, and a vault is not
    vault: Vault | None = None
    workload: str = ""
    place: str = ""
    #: where more about it stands; "": nowhere
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class ComplianceList:
    """A page of them."""

    lines: Sequence[ComplianceLine]
    #: since when it counts; None: no day has been kept yet
    since: date | None
    windows: Sequence[int]
    total: int
    page: int
    pages: int


def compliance_lines(
    dashboard: Dashboard, rows: Sequence[Row], filters: Filters, places: Places
) -> Sequence[ComplianceLine]:
    """Of the items that the filters leave, after their subscriptions and vaults; each worst first."""
    items = [row for row in rows if not row.item.is_vault]
    vaults = {row.item.vault.key: row.item.vault for row in items}
    subscriptions = {each.subscription.lower(): each.subscription for each in vaults.values()}
    levels = (
        [_of_subscription(each, dashboard, filters, places) for each in subscriptions.values()],
        [_of_vault(each, dashboard, filters, places) for each in vaults.values()],
        [_of_item(each, dashboard, filters, places) for each in items],
    )
    return [line for level in levels for line in _in_order(level, filters.sort)]


def compliance_list(
    dashboard: Dashboard, rows: Sequence[Row], filters: Filters, places: Places
) -> ComplianceList:
    """The page of them that the filters ask for."""
    found = compliance_lines(dashboard, rows, filters, places)
    pages = max(1, -(-len(found) // LINES))
    page = min(filters.page, pages)
    return ComplianceList(
        lines=found[(page - 1) * LINES : page * LINES],
        since=dashboard.compliance.since,
        windows=WINDOWS,
        total=len(found),
        page=page,
        pages=pages,
    )


def _in_order(lines: Sequence[ComplianceLine], sort: str) -> Sequence[ComplianceLine]:
    """By a column, after a minus sign the other way round, else worst first; of whom nothing was promised is last."""
    column, down = sort.removeprefix("-"), sort.startswith("-")
    by_name = sorted(lines, key=lambda each: each.name.casefold(), reverse=down and column == "item")
    if column == "item":
        return by_name
    window, sign = BY_COMPLIANCE.get(column, max(WINDOWS)), -1 if down and column in BY_COMPLIANCE else 1

    def place(line: ComplianceLine) -> tuple[bool, float]:
        percent = line.kept[window].percent
        return percent is None, sign * (percent or 0)

    return sorted(by_name, key=place)


def _of_subscription(
    subscription: str, dashboard: Dashboard, filters: Filters, places: Places
) -> ComplianceLine:
    return ComplianceLine(
        level="subscription",
        name=places.subscription(subscription),
        subscription=places.subscription(subscription),
        id=f"/subscriptions/{subscription}",
        kept=dashboard.compliance.of_subscription(subscription),
        url=filters.url(subscription=subscription),
    )


def _of_vault(vault: Vault, dashboard: Dashboard, filters: Filters, places: Places) -> ComplianceLine:
    return ComplianceLine(
        level="vault",
        name=places.vault(vault),
        subscription=places.subscription(vault.subscription),
        id=vault.id,
        kept=dashboard.compliance.of_vault(vault),
        vault=vault,
        place=f"{vault.resource_group} · {places.subscription(vault.subscription)}",
        url=filters.url(vault=vault.key),
    )


def _of_item(row: Row, dashboard: Dashboard, filters: Filters, places: Places) -> ComplianceLine:
    vault = row.item.vault
    return ComplianceLine(
        level="item",
        name=row.name,
        subscription=places.subscription(vault.subscription),
        id=row.item.id,
        kept=dashboard.compliance.of_item(row.item),
        vault=vault,
        workload=row.workload,
        place=places.row(row),
        url=filters.incident_url(row.incident_id) if row.incident_id else "",
    )
