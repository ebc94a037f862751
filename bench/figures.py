"""What is measured, how much it may be, and how that is shown."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a figure may be at most, or has to be at least."""

    limit: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Whether the figure is within it."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table."""

    label: str
    #: what would have to be better for the figure to be
    bound: str
    unit: str = ""
    budget: Budget | None = None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One result; `key` names its row in `rows.ROWS`."""

    key: str
    value: float
    #: what has to be known to read it: how large, how scaled
    note: str = ""
    #: the day, and whether other work was on the machine
    when: str = ""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def shown(value: float) -> str:
    """Three digits, and whole numbers as they are."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 (three digits)


def table(rows: Mapping[str, Row], figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, in the order of `rows`."""
    by_key = {figure.key: figure for figure in figures}
    lines = ["| what | measured | budget | bounded by | when | how |", "|---|---|---|---|---|---|"]
    lines += [_line(row, by_key[key]) for key, row in rows.items() if key in by_key]
    return "\n".join(lines) + "\n"


def _line(row: Row, figure: Figure) -> str:
    measured = f"{shown(figure.value)} {row.unit}".strip()
    budget = ""
    if row.budget:
        budget = f"{row.budget} {row.unit}".strip()
        measured = measured if row.budget.met_by(figure.value) else f"**{measured}**, missed"
    return f"| {row.label} | {measured} | {budget} | {row.bound} | {figure.when} | {figure.note} |"


def missed(rows: Mapping[str, Row], figures: Sequence[Figure]) -> list[Figure]:
    """The figures that are not within their budgets."""
    budgets = ((figure, rows[figure.key].budget) for figure in figures)
    return [figure for figure, budget in budgets if budget and not budget.met_by(figure.value)]
