"""The calendar: items, or vaults where the items are many, by the last fourteen days."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from status.dashboard import Mark, Row, Trouble
from status.filters import Filters
from status.place import Places

LINES = 100
_GLYPHS = {Mark.NOTHING: "·", Mark.GOOD: "✓", Mark.RECOVERED: "↻", Mark.OPEN: "…", Mark.FAILED: "✕"}
LABELS = {
    Mark.NOTHING: "no backup",
    Mark.GOOD: "completed",
    Mark.RECOVERED: "failed, then recovered",
    Mark.OPEN: "failed, in progress",
    Mark.FAILED: "failed",
}
_UNKNOWN = "unknown"
_NEVER = datetime.min.replace(tzinfo=UTC)
#: by what the list can be sorted
_KEYS: dict[str, Callable[[Row], Any]] = {
    "item": lambda row: row.name.casefold(),
    "vault": lambda row: (row.item.vault.name.casefold(), row.item.vault.key),
    "last_good": lambda row: row.last_good_at or _NEVER,
    "error": lambda row: row.error.casefold(),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One day of one line."""

    mark: Mark
    #: what is seen: a sign, or how many items of a vault
    text: str
    #: what is read out
    label: str
    day: date
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """An item or a vault."""

    name: str
    place: str
    #: where more about it stands
    url: str
    cells: Sequence[Cell]
    trouble: Trouble
    last_good_at: datetime | None = None
    items: int = 1


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """A page of the calendar."""

    days: Sequence[date]
    lines: Sequence[Line]
    of_vaults: bool
    #: how many items it is about
    items: int
    #: how many lines there are on all pages
    total: int
    page: int
    pages: int


def in_order(rows: Sequence[Row], sort: str) -> Sequence[Row]:
    """The rows by a column, after a minus sign the other way round; worst first where there is no such column."""
    key = _KEYS.get(sort.removeprefix("-"))
    return sorted(rows, key=key, reverse=sort.startswith("-")) if key else rows


def calendar(
    days: Sequence[date], rows: Sequence[Row], filters: Filters, places: Places, *, estate_known: bool
) -> Calendar:
    """The page of the calendar that the filters ask for; vaults where there are many items in more than one."""
    rows = in_order(rows, filters.sort)
    vaults: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        vaults[row.item.vault.key].append(row)
    of_vaults = len(rows) > LINES and len(vaults) > 1 and filters.view != "items"
    total = len(vaults) if of_vaults else len(rows)
    pages = max(1, -(-total // LINES))
    page = min(filters.page, pages)
    part = slice((page - 1) * LINES, page * LINES)
    # The rows come worst first, and so do the vaults: by their worst item.
    lines = (
        [_vault_line(days, each, filters, places) for each in list(vaults.values())[part]]
        if of_vaults
        else [_item_line(days, each, filters, places, estate_known=estate_known) for each in rows[part]]
    )
    return Calendar(
        days=days,
        lines=lines,
        of_vaults=of_vaults,
        items=len(rows),
        total=total,
        page=page,
        pages=pages,
    )


def _item_line(
    days: Sequence[date], row: Row, filters: Filters, places: Places, *, estate_known: bool
) -> Line:
    return Line(
        name=row.name,
        place=places.row(row),
        url=filters.incident_url(row.incident_id) if row.incident_id else "",
        cells=[
            _item_cell(day, mark, row, filters, estate_known=estate_known)
            for day, mark in zip(days, row.marks, strict=True)
        ],
        trouble=row.trouble,
        last_good_at=row.last_good_at,
    )


def _item_cell(day: date, mark: Mark, row: Row, filters: Filters, *, estate_known: bool) -> Cell:
    incident = row.incidents.get(day)
    is_known = estate_known or mark is not Mark.NOTHING
    return Cell(
        mark=mark,
        text=_GLYPHS[mark] if is_known else "?",
        label=LABELS[mark] if is_known else _UNKNOWN,
        day=day,
        url=filters.incident_url(incident) if incident else "",
    )


def _vault_line(days: Sequence[date], rows: Sequence[Row], filters: Filters, places: Places) -> Line:
    vault = rows[0].item.vault
    by_day = zip(*(row.marks for row in rows), strict=True)
    return Line(
        name=places.vault(vault),
        place=f"{vault.resource_group} · {places.subscription(vault.subscription)} · {len(rows):,} items",
        url=filters.url(vault=vault.key),
        cells=[_vault_cell(day, marks) for day, marks in zip(days, by_day, strict=True)],
        trouble=rows[0].trouble,
        items=len(rows),
    )


def _vault_cell(day: date, marks: Sequence[Mark]) -> Cell:
    """A vault is as bad as its worst item; the number says how many are as bad."""
    mark = next(each for each in reversed(Mark) if each in marks)
    number = marks.count(mark)
    counted = mark in {Mark.RECOVERED, Mark.OPEN, Mark.FAILED}
    text = str(number) if counted else _GLYPHS[mark]
    label = f"{number} {LABELS[mark]}" if counted else LABELS[mark]
    return Cell(mark=mark, text=text, label=label, day=day)
