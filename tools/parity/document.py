"""The table of endpoints in docs/simulator.md, made from the findings."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.parity.report import Row, Verdict

DOCUMENT = Path(__file__).parents[2] / "docs" / "simulator.md"
BEGIN = "<!-- parity: python -m tools.parity --write -->"
END = "<!-- end of parity -->"
_HEAD = ("| endpoint | recordings | verdict | remarks |", "|---|---|---|---|")


def table(found: Sequence[Row]) -> str:
    """One row per endpoint, then the reasons that it refers to by number."""
    numbers = {why: number for number, why in enumerate(_reasons(found), start=1)}
    lines = [*_HEAD, *(_line(row, [numbers[why] for why in row.reasons]) for row in found if row.endpoint)]
    notes = [f"{number}. {why}" for why, number in numbers.items()]
    return "\n".join([*lines, "", *notes])


def rewritten(text: str, found: Sequence[Row]) -> str:
    """The document with the table as it should be.

    Raises:
        ValueError: the comments around the table are not there, once each and in order.
    """
    parts = re.split(f"({re.escape(BEGIN)}|{re.escape(END)})", text)
    if parts[1::2] != [BEGIN, END]:
        raise ValueError(f"docs/simulator.md has to have the lines {BEGIN!r} and {END!r}, once each")
    before, _, _, _, after = parts
    return f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{after}"


def _reasons(found: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(why for row in found for why in row.reasons))


def _line(row: Row, numbers: Sequence[int]) -> str:
    said = [str(one) for each in row.findings for one in each.differences]
    if row.verdict is Verdict.NOT_SERVED:
        said = ["the app never calls it"]
    elif notes := sorted(numbers):
        said.append(f"note{'s' * (len(notes) > 1)} {', '.join(map(str, notes))}")
    return f"| `{row.endpoint}` | {len(row.findings) or ''} | {row.verdict} | {'; '.join(said)} |"
