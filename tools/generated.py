"""Files that code makes, and that are committed: whether they are up to date, and how to update them."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def check_or_write(module: str, wanted: Mapping[Path, str], arguments: Sequence[str] | None) -> int:
    """The command line `python -m MODULE --check|--write` for these files, each with its text; the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true", help="exit code 1 if a file is out of date")
    choice.add_argument("--write", action="store_true", help="update the files")
    if parser.parse_args(arguments).write:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8", newline="\n")
        return 0
    old = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in old:
        sys.stderr.write(f"{path.name} is out of date: python -m {module} --write\n")
    return 1 if old else 0
