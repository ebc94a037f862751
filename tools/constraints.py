"""`python -m tools.constraints`: what is deployed, to the last dependency, in the newest versions that are allowed.

It writes constraints.txt, which requirements.txt begins with, and requirements-hashes.txt, the same with hashes: two
files, since pip takes no hashes from constraints. `--check` writes nothing: it resolves again from what is pinned, and
downloads each package that this Python would install, by its hash.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).parents[1]
CONSTRAINTS, HASHES = REPOSITORY / "constraints.txt", REPOSITORY / "requirements-hashes.txt"
_LOWEST_PYTHON = "3.11"
_HEAD = "# Made by `make constraints`: {what}.\n"
_PINS = "what is deployed, with all that it needs"
_HASHED = "constraints.txt with the hashes of the files that may be installed"
#: a name of a host would bind the file to one index
_RESOLVE = (
    "--universal",
    "--generate-hashes",
    "--no-annotate",
    "--no-header",
    "--no-emit-index-url",
    "--quiet",
)


def pins_of(hashed: str) -> list[str]:
    """The lines of constraints: each package with its version, and where it counts."""
    return [line.removesuffix(" \\") for line in hashed.splitlines() if line and line[0] not in " #"]


def resolve(requirements: str, known: str, *, upgrade: bool) -> str:
    """Every package that these requirements need, with hashes; those that are known stay unless upgraded."""
    with TemporaryDirectory() as directory:
        wanted, found = Path(directory, "requirements.in"), Path(directory, "found.txt")
        wanted.write_text(requirements, encoding="utf-8")
        found.write_text(known, encoding="utf-8")
        options = [*_RESOLVE, "--python-version", _LOWEST_PYTHON, *(["--upgrade"] if upgrade else [])]
        command = [sys.executable, "-m", "uv", "pip", "compile", *options, "-o", str(found), str(wanted)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (our own words)
        return _HEAD.format(what=_HASHED) + found.read_text(encoding="utf-8")


def download() -> None:
    """Get each package that this Python would install, by its hash; raises CalledProcessError where one differs."""
    with TemporaryDirectory() as directory:
        options = ["--require-hashes", "--no-deps", "--quiet", "--dest", directory]
        command = [sys.executable, "-m", "pip", "download", *options, "--requirement", str(HASHES)]
        subprocess.run(command, check=True)  # noqa: S603 (our own words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 where the files are not what the requirements resolve to."""
    parser = argparse.ArgumentParser(prog="python -m tools.constraints")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, and download each package by its hash"
    )
    check = parser.parse_args(arguments).check
    known = HASHES.read_text(encoding="utf-8") if HASHES.exists() else ""
    found = resolve(_requirements(), known, upgrade=not check)
    pinned = "\n".join([_HEAD.format(what=_PINS).rstrip(), *pins_of(found)]) + "\n"
    if not check:
        HASHES.write_text(found, encoding="utf-8")
        CONSTRAINTS.write_text(pinned, encoding="utf-8")
        return 0
    if (found, pinned) != (known, CONSTRAINTS.read_text(encoding="utf-8")):
        sys.stderr.write("constraints.txt is not what requirements.txt needs: make constraints\n")
        return 1
    download()
    return 0


def _requirements() -> str:
    """What is asked for, without the constraints that are being made."""
    lines = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("-c "))


if __name__ == "__main__":
    sys.exit(main())
