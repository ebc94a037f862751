"""Play field cases through the product.

python -m tests.cases [--json] FILE...
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cases.case import NotACaseError
from tests.cases.player import play_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the files; 1 when one of them could not be played."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.cases", description="Play field cases through the product."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line for each file")
    chosen = parser.parse_args(arguments)
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    return asyncio.run(_play_all(chosen.files, as_json=chosen.json))


async def _play_all(files: Sequence[Path], *, as_json: bool) -> int:
    played = [await _play(path, as_json=as_json) for path in files]
    return 0 if all(played) else 1


async def _play(path: Path, *, as_json: bool) -> bool:
    """Play one file and print what became of it; one that cannot be played holds up no other."""
    try:
        account = await play_file(path)
    except NotACaseError as error:
        return _complain(path, str(error))
    except Exception as error:  # noqa: BLE001 (the other files are played all the same)
        return _complain(path, f"could not be played: {type(error).__name__}: {error}")
    for each in account.unknown:
        _complain(path, f"{each} is not understood and not played")
    said = json.dumps(account.document()) if as_json else str(account)
    sys.stdout.write(f"{said}\n".encode(errors="backslashreplace").decode())
    sys.stdout.flush()
    return True


def _complain(path: Path, why: str) -> bool:
    sys.stderr.write(f"{path}: {why}\n")
    return False


if __name__ == "__main__":
    sys.exit(main())
