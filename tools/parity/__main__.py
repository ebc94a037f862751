"""`python -m tools.parity [--recordings DIR]… [--write]`: how near the simulator's answers are to recorded ones.

Prints a line for each recording and their sum, and writes build/parity.json; `--write` renews the table in
docs/simulator.md and the list of the recordings that were looked at. Exit code 1 where an answer differs without a
reason, 2 where there are no recordings.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.parity.comparison import compare, routes
from tools.parity.document import DOCUMENT, rewritten
from tools.parity.report import Verdict, as_json, rows, summary

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "build" / "parity.json"
#: The recordings that somebody has looked at: tests hold the simulator to these.
LOOKED_AT = Path(__file__).parent / "looked_at.txt"


def folders() -> list[Path]:
    """Where recordings are looked for unless the command says so."""
    return sorted(each for each in (ROOT.parent / "shared" / "azure").glob("recordings*") if each.is_dir())


def files(chosen: Sequence[Path]) -> list[Path]:
    """The files in the folders, by folder and name."""
    return [file for folder in chosen for file in sorted(folder.glob("*.json"))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print and write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.parity", description=__doc__)
    parser.add_argument(
        "--recordings", type=Path, action="append", metavar="DIR", help="a folder of recorded calls"
    )
    parser.add_argument("--write", action="store_true", help="renew the table in docs/simulator.md")
    chosen = parser.parse_args(arguments)
    wanted = chosen.recordings or folders()
    recorded = files(wanted)
    if not recorded:
        where = ", ".join(map(str, wanted)) or f"{ROOT.parent / 'shared' / 'azure'}/recordings*"
        sys.stderr.write(f"There are no recordings in {where}: name their folder by --recordings.\n")
        return 2
    found = asyncio.run(compare(recorded))
    sys.stdout.writelines(f"{line}\n" for line in [*found, summary(found)])
    table = rows(found, asyncio.run(routes()))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(as_json(table), indent=2) + "\n", encoding="utf-8")
    if chosen.write:
        DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8"), table), encoding="utf-8")
        LOOKED_AT.write_text("".join(f"{each.recording}\n" for each in found), encoding="utf-8")
    return int(any(each.verdict is Verdict.DIFFERS for each in found))


if __name__ == "__main__":
    sys.exit(main())
