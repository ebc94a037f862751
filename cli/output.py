"""What a command shows: tables and sentences for people, one JSON document for programs.

Names and messages come from Azure and may hold anything: they are shown as text, without markup, and what a terminal
would obey is written out.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from backup_retry.domain.labels import duration
from backup_retry.domain.texts import visible
from cli.tables import Rows, wrapped

Document = dict[str, Any]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


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
    """Print a sentence; a word that is longer than a line, such as an ARM id, stays whole and can be copied."""
    target, shown = console(), clean(text)
    lines = wrapped(shown, target.width) if target.is_terminal else [shown]
    target.print(Text("\n".join(lines), style=style), soft_wrap=True)


def command(text: str) -> None:
    """Print a command that is to be copied: on one line, however long."""
    console().print(Text(clean(text)), soft_wrap=True)


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    title: str = "",
    below: Sequence[str] = (),
) -> None:
    """Print rows under headings; the last column is the one that may wrap. `below`: what is to do, under each row."""
    if title:
        say(title, style="bold")
    _print(
        Rows(
            headings, [[clean(_text(cell)) for cell in row] for row in rows], [clean(each) for each in below]
        )
    )


def facts(pairs: Sequence[tuple[str, object]]) -> None:
    """Print names and values, one a line."""
    _print(Rows(["", ""], [(name, clean(_text(value))) for name, value in pairs]))


def _print(shown: Rows) -> None:
    """Print rows, on a pipe each on one line."""
    target = console()
    for line in shown.lines(target.width if target.is_terminal else None):
        target.print(line, soft_wrap=True)


def console(*, err: bool = False) -> Console:
    """Colour, width and NO_COLOR are rich's business; it takes every dumb terminal for 80 columns wide."""
    found = Console(stderr=err, highlight=False)
    if found.is_dumb_terminal:
        found.width = shutil.get_terminal_size().columns
    return found


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
