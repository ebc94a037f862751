"""`backup-retry report`: a month in numbers, for those who do not read incidents."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from importlib.resources import files
from typing import Annotated

import typer
from jinja2 import Environment, StrictUndefined

from backup_retry.domain.texts import as_cell
from backup_retry.policy.rules import JOB_RETENTION
from cli.exit_codes import UsageError, run
from cli.journal import closed_on, first_kept
from cli.monthly import Line, Month, Monthly, Numbers, monthly
from cli.output import Document, JsonOption, clean, say, show, table
from cli.protected import protected_as_far_as_known
from cli.session import sessions

MonthOption = Annotated[
    str, typer.Option("--month", metavar="YYYY-MM", help="The month (UTC); default: the last complete one.")
]
#: a column's name in CSV and JSON, and its heading elsewhere
_COLUMNS = {
    "failures": "failures",
    "recovered_without_a_person": "recovered automatically",
    "by_a_retry": "by a retry",
    "by_another_backup": "by another backup",
    "needed_a_person": "action required",
    "no_action_taken": "no action taken",
    "still_open": "still open",
    "hours_unprotected": "hours unprotected",
    "recovery_points_added": "recovery points added",
}


class Format(StrEnum):
    """What the report is written as."""

    TEXT = "text"
    CSV = "csv"
    HTML = "html"


FormatOption = Annotated[
    Format, typer.Option("--format", help="A table for the terminal, or the content of a file.")
]


def report(
    ctx: typer.Context, month: MonthOption = "", form: FormatOption = Format.TEXT, as_json: JsonOption = False
) -> None:
    """Summarize a month by vault and cause. Failures, recoveries, hours unprotected, recovery points added."""
    if as_json and form is not Format.TEXT:
        raise UsageError("--json and --format cannot be combined.")
    found, notes = run(_gather(ctx, month))
    written = {Format.CSV: lambda: as_csv(found), Format.HTML: lambda: as_html(found, notes)}
    if form in written:
        typer.echo(written[form](), nl=False)
    else:
        show(document(found, notes), as_json, lambda: render(found, notes))


async def _gather(ctx: typer.Context, text: str) -> tuple[Monthly, Sequence[str]]:
    async with sessions(ctx).open() as session:
        now = session.clock()
        month = Month.read(text, now)
        closed = await closed_on(session, month.days(now, JOB_RETENTION))
        opened = [each for each in await session.ledger.open_incidents() if each.is_open]
        protected = await protected_as_far_as_known(session)
        notes = []
        if (first := first_kept(session)) > month.begins.date():
            notes.append(f"Incidents closed before {first} have been deleted and are not counted.")
        if month.ends > now:
            notes.append(f"The month is not complete: as of {now:%Y-%m-%d %H:%M} UTC.")
        if protected.problem:
            notes.append(f"Hours are based on incidents alone: {protected.problem}")
        return monthly(month, closed, opened, protected.estate.items, now), notes


def _cells(numbers: Numbers) -> Sequence[int | float]:
    return (
        numbers.failures,
        numbers.without_a_person,
        numbers.by_retry,
        numbers.by_another,
        numbers.needed_a_person,
        numbers.no_action,
        numbers.still_open,
        numbers.hours_unprotected,
        numbers.points_added,
    )


def document(found: Monthly, notes: Sequence[str]) -> Document:
    """The JSON."""

    def numbers(each: Numbers) -> Document:
        return dict(zip(_COLUMNS, _cells(each), strict=True))

    return {
        "month": str(found.month),
        "notes": list(notes),
        "total": numbers(found.total),
        "lines": [
            {"vault": line.vault.id, "cause": line.cause, **numbers(line.numbers)} for line in found.lines
        ],
    }


def render(found: Monthly, notes: Sequence[str]) -> None:
    """For a person at a terminal."""
    say(sentence(found), style="bold")
    for note in notes:
        say(note)
    if found.lines:
        say()
        shown = ("failures", "recovered", "action", "open", "hours", "points")
        rows = [(*_names(found, line), *_short(line.numbers)) for line in found.lines]
        table(["vault", "cause", *shown], [*rows, ("all", "", *_short(found.total))])


def _short(numbers: Numbers) -> Sequence[int | float]:
    return (
        numbers.failures,
        numbers.without_a_person,
        numbers.needed_a_person,
        numbers.still_open,
        numbers.hours_unprotected,
        numbers.points_added,
    )


def sentence(found: Monthly) -> str:
    """The month in one sentence."""
    total = found.total
    if not total.failures:
        return f"{found.month}: no failed backups."
    return (
        f"{found.month}: {total.failures} failed, {total.without_a_person} recovered automatically, "
        f"{total.needed_a_person} required action; {total.hours_unprotected:g} h unprotected, "
        f"{total.points_added} recovery points added."
    )


def _names(found: Monthly, line: Line) -> tuple[str, str]:
    """The vault's name, or its id where several vaults of the report share it; and the cause."""
    bearers = Counter(name for name, _ in {(each.vault.name, each.vault.key) for each in found.lines})
    return (line.vault.name if bearers[line.vault.name] == 1 else line.vault.id), line.cause


def as_csv(found: Monthly) -> str:
    """The same for a spreadsheet; a cell that it would run as a formula is quoted."""
    written = io.StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(["month", "vault", "vault_id", "cause", *_COLUMNS])
    for line in found.lines:
        names = (line.vault.name, line.vault.id, line.cause)
        cells = (as_cell(clean(each)) for each in names)
        rows.writerow([str(found.month), *cells, *_cells(line.numbers)])
    return written.getvalue()


def as_html(found: Monthly, notes: Sequence[str]) -> str:
    """The same as a page that stands alone."""
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = page.from_string(files("cli").joinpath("report.html").read_text(encoding="utf-8"))
    return template.render(
        month=str(found.month),
        sentence=sentence(found),
        notes=notes,
        columns=list(_COLUMNS.values()),
        lines=[(tuple(map(clean, _names(found, line))), _cells(line.numbers)) for line in found.lines],
        total=_cells(found.total),
    )
