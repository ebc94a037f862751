"""`python -m tools.parity [--recordings DIR] [--write]`: how near the simulator's answers are to recorded ones.

Prints a table, and writes build/parity.json; `--write` renews the table in docs/simulator.md. Exit code 1 where an
answer differs without a reason, 2 where the recordings are not there.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.parity.comparison import compare, routes
from tools.parity.document import DOCUMENT, rewritten
from tools.parity.recordings import read
from tools.parity.report import Row, Verdict, as_json, rows

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT.parent / "shared" / "azure" / "recordings"
RESULT = ROOT / "build" / "parity.json"
_COLOURS = {
    Verdict.FULL: "green",
    Verdict.PARTIAL: "red",
    Verdict.NOT_SERVED: "dim",
    Verdict.NO_RECORDING: "dim",
}


async def report(folder: Path) -> list[Row]:
    """What the recordings of a folder show."""
    return rows(await compare(read(folder)), await routes())


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print and write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.parity", description=__doc__)
    parser.add_argument("--recordings", type=Path, default=RECORDINGS, help="the folder of recorded calls")
    parser.add_argument("--write", action="store_true", help="renew the table in docs/simulator.md")
    chosen = parser.parse_args(arguments)
    if not any(chosen.recordings.glob("*.json")):
        sys.stderr.write(
            f"There are no recordings in {chosen.recordings}: name their folder by --recordings.\n"
        )
        return 2
    found = asyncio.run(report(chosen.recordings))
    _print(found)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(as_json(found), indent=2) + "\n", encoding="utf-8")
    if chosen.write:
        DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8"), found), encoding="utf-8")
    return int(any(row.verdict is Verdict.PARTIAL for row in found))


def _print(found: Sequence[Row]) -> None:
    table = Table("endpoint", "recordings", "verdict", "differs without a reason")
    for row in found:
        faults = [f"{each.recording}: {one}" for each in row.findings for one in each.differences]
        verdict = f"[{_COLOURS[row.verdict]}]{row.verdict}[/]"
        table.add_row(row.endpoint, str(len(row.findings)), verdict, "\n".join(faults))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
