"""Rows for a terminal of any width: across, with the last column under its row, or one cell a line.

Nothing is ever cut: what has no room in its row goes below, in whole words. A word that is longer than a line, such
as an ARM id, is left to the terminal, which shows it over several lines and copies it as one.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from rich.cells import cell_len
from rich.text import Text

_GAP = "  "
_INDENT = "  "
#: the last column wraps in no less than this
_LEAST = 24
_COMMAND = re.compile(r"\baz \w+ \w+|: backup-retry ")


class Layout(StrEnum):
    """Where the cells of a row go."""

    ACROSS = "across"
    #: the last cell, which is a sentence, stands under the others
    BELOW = "below"
    #: the first cell stands above the others, each with its heading
    STACKED = "stacked"


class Rows:
    """Rows under headings; of headings that say nothing there is no line."""

    def __init__(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], below: Sequence[str] = ()
    ) -> None:
        """`below`: what stands under each row; "": nothing."""
        self._headings = headings
        self._rows = rows
        self._notes = below or [""] * len(rows)
        #: what each column takes
        self._widths = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
        self._before_last = sum(self._widths[:-1]) + len(_GAP) * (len(headings) - 1)

    def lines(self, room: int | None) -> Iterator[Text]:
        """In the layout that so many columns have room for; None: as many as there need be."""
        room = room or self._before_last + self._widths[-1]
        match self.layout(room):
            case Layout.ACROSS:
                return self._across(room)
            case Layout.BELOW:
                return self._below(room)
            case Layout.STACKED:
                return self._stacked(room)

    def layout(self, room: int) -> Layout:
        """The first that has room for every column but the last, which may wrap."""
        if self._before_last + min(self._widths[-1], _LEAST) <= room:
            return Layout.ACROSS
        has_several = len(self._headings) > 2  # noqa: PLR2004
        return Layout.BELOW if has_several and self._before_last - len(_GAP) <= room else Layout.STACKED

    def _across(self, room: int) -> Iterator[Text]:
        if any(self._headings):
            yield Text(self._beside(self._headings), style="bold")
        for row, note in zip(self._rows, self._notes, strict=True):
            yield from self._row_across(row, room)
            yield from _note(note, room)

    def _row_across(self, row: Sequence[str], room: int) -> Iterator[Text]:
        """A last cell with a word that has no room next to the others goes below them."""
        left = room - self._before_last
        if max(map(cell_len, row[-1].split(" "))) > left:
            yield Text(self._beside(row[:-1]))
            yield from _indented(row[-1], room)
            return
        first, *more = wrapped(row[-1], left)
        yield Text(self._beside([*row[:-1], first]))
        yield from (Text(" " * self._before_last + each) for each in more)

    def _below(self, room: int) -> Iterator[Text]:
        yield Text(self._beside(self._headings[:-1]), style="bold")
        for row, note in zip(self._rows, self._notes, strict=True):
            yield Text(self._beside(row[:-1]))
            yield from _indented(row[-1], room)
            yield from _note(note, room)

    def _stacked(self, room: int) -> Iterator[Text]:
        for row, note in zip(self._rows, self._notes, strict=True):
            yield from (Text(each, style="bold") for each in wrapped(row[0], room))
            for heading, cell in zip(self._headings[1:], row[1:], strict=True):
                if cell:
                    yield from _indented(f"{heading}: {cell}" if heading else cell, room)
            yield from _note(note, room)

    def _beside(self, cells: Sequence[str]) -> str:
        pairs = zip(cells, self._widths, strict=False)
        return "".join(_padded(each, width + len(_GAP)) for each, width in pairs).rstrip()


def wrapped(text: str, room: int) -> Sequence[str]:
    """The text in lines of whole words; one that is longer than a line has a line of its own."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and cell_len(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _note(text: str, room: int) -> Iterator[Text]:
    """In whole words; one that holds a command on one line, so that it can be copied."""
    if _COMMAND.search(text):
        return iter([Text(f"{_INDENT}{text}")])
    return _indented(text, room) if text else iter([])


def _indented(text: str, room: int) -> Iterator[Text]:
    """Indented, where a terminal is wide enough to have anything left then."""
    indent = _INDENT if room >= _LEAST else ""
    return (Text(indent + each) for each in wrapped(text, room - len(indent)))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
