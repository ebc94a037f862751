"""What the analyzer has to say of queries."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.kusto.install import DIRECTORY, node

_SCRIPT = Path(__file__).with_name("analyze.cjs")


def diagnostics(queries: Sequence[Path], directory: Path = DIRECTORY) -> list[str]:
    """Errors and warnings, each with its file and the place in it."""
    result = subprocess.run(
        [node(), _SCRIPT, directory, *queries], capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(result.stdout)
    return found
