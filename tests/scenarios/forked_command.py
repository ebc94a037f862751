"""The command line in a process of its own that has loaded it already: half of a command's time is its imports."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cli.app import app


def main(arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path) -> None:
    """Run one command, with files for its outputs; the process ends with the command's exit code."""
    os.environ.clear()
    os.environ.update(environment)
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["backup-retry", *arguments]
    app(prog_name="backup-retry")
