"""`python -m bench`: measure everything, or what is named; `make bench` does the same.

Each measurement runs in a process of its own, with an Azure, a table service and a function app of its own.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bench import document
from bench.cost import RESULTS
from bench.figures import missed, table
from bench.ground import REPOSITORY, certificates
from bench.measurements import MEASUREMENTS, SIZES
from bench.processors import busy_and_all
from bench.rows import ROWS

#: of the processors' time before a measurement, in that of one look
_BUSY, _LOOK_SECONDS = 0.1, 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a measurement failed, whatever the budgets say."""
    options = _parser().parse_args(arguments)
    if options.write:
        document.write(_load())
        return 0
    failed = [name for name in options.names or MEASUREMENTS if not _measure(name, options)]
    figures = document.figures(_load())
    print(table(ROWS, figures))
    for each in missed(ROWS, figures):
        print(f"over budget: {ROWS[each.key].label}")
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*MEASUREMENTS, []], metavar="NAME", help=", ".join(MEASUREMENTS)
    )
    parser.add_argument(
        "--size", choices=SIZES, default=SIZES[-1], help="tiny shows that it works, and proves nothing"
    )
    parser.add_argument("--write", action="store_true", help="put the last results into docs/performance.md")
    return parser


def _measure(name: str, options: argparse.Namespace) -> bool:
    """Run one measurement in a child and keep its figures; False where it failed."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    began, when = time.monotonic(), _when()
    environment = os.environ | {"SSL_CERT_FILE": str(certificates().ca_file)}
    command = [sys.executable, "-m", "bench.child", name, options.size]
    child = subprocess.run(command, stdout=subprocess.PIPE, env=environment, cwd=REPOSITORY, check=False)
    if child.returncode:
        return False
    measured = {"size": options.size, "when": when, "seconds": round(time.monotonic() - began, 1)}
    _keep(name, measured | {"figures": json.loads(child.stdout.splitlines()[-1])})
    return True


def _when() -> str:
    """The day; on a machine with other work to do, that too: times are then to be measured again."""
    busy, everything = busy_and_all()
    time.sleep(_LOOK_SECONDS)
    later, all_of_it = busy_and_all()
    is_busy = later - busy > _BUSY * (all_of_it - everything)
    return f"{datetime.now(UTC):%Y-%m-%d}{', with other work on the machine' if is_busy else ''}"


def _keep(name: str, measured: dict[str, Any]) -> None:
    results = _load()
    results["measured"][name] = measured
    RESULTS.write_text(json.dumps(results | {"machine": _machine()}, indent=2) + "\n", encoding="utf-8")


def _load() -> dict[str, Any]:
    known: dict[str, Any] = {"measured": {}}
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else known


def _machine() -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


if __name__ == "__main__":
    sys.exit(main())
