"""What a command shows: tables and sentences for people, one JSON document for programs.

Names and messages come from Azure and may hold anything: they are shown as text, without markup, and what a terminal
would obey is written out.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from backup_retry.domain.labels import duration
from backup_retry.domain.texts import visible

Document = dict[str, Any]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
#: a table in a file or a pipe is not cut to the width of a terminal that is not there
_PIPED_WIDTH = 140


def show(document: Mapping[str, Any] | Sequence[Any], as_json: bool, render: Callable[[], None]) -> None:
    """Print the document, or let it be rendered for a person."""
    if as_json:
        text = json.dumps(document, indent=2, ensure_ascii=False, default=_text)
        typer.echo(
            "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)
        )
    else:
        render()


def say(text: str = "", style: str = "") -> None:
    """Print a line."""
    console().print(Text(clean(text), style=style), soft_wrap=True)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Print rows under headings; the last column takes the room that is left."""
    shown = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in headings:
        last = heading == headings[-1]
        shown.add_column(heading, header_style="bold", no_wrap=not last, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(clean(_text(cell))) for cell in row))
    _print(shown)


def facts(pairs: Sequence[tuple[str, object]]) -> None:
    """Print names and values, one a line."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(style="bold", no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in pairs:
        shown.add_row(name, Text(clean(_text(value))))
    _print(shown)


def _print(shown: Table) -> None:
    """Print a table, without the blanks that fill its lines where nobody sees them."""
    target = console()
    if target.is_terminal:
        target.print(shown)
        return
    with target.capture() as captured:
        target.print(shown)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def console(*, err: bool = False) -> Console:
    """Colour, width and NO_COLOR are rich's business; a pipe has no width of its own."""
    found = Console(stderr=err, highlight=False)
    return found if found.is_terminal else Console(stderr=err, highlight=False, width=_PIPED_WIDTH)


def clean(text: str) -> str:
    """The text on one line; what a terminal would obey is written out."""
    return visible(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago something was."""
    return f"{duration((now - at).total_seconds())} ago" if at else "never"


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}Z"
    return "" if value is None else str(value)
