"""The zip that is deployed holds all that the app needs."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import aiohttp
import pytest

from infra.package import REPOSITORY, build
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from simulator.stack import Stack
from status.package import package_hash
from tests.running_app import SETTINGS
from tests.vm_estate import estate

#: Imports every module below the directory, as the app's own packages.
_IMPORT_ALL = """
import importlib, pkgutil, sys
names = [each.name for each in pkgutil.walk_packages([sys.argv[1]])]
for name in names:
    module = importlib.import_module(name)
    assert module.__spec__.origin.startswith(sys.argv[1]), module.__spec__.origin
print(len(names))
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built once for all."""
    target = tmp_path_factory.mktemp("package") / "app.zip"
    build(target)
    return target


@pytest.fixture(scope="module")
def unpacked(packed: Path) -> Path:
    """The package, unpacked."""
    with ZipFile(packed) as package:
        package.extractall(packed.parent / "app")
    return packed.parent / "app"


def test_the_package_imports_by_itself(unpacked: Path) -> None:
    """Every module of it, without the repository beside it."""
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(unpacked),
        "LEDGER_ENDPOINT": "https://ledger.invalid",
    }
    result = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, str(unpacked)],
        cwd=unpacked,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 0


def test_the_same_files_make_the_same_package(packed: Path, tmp_path: Path) -> None:
    """Byte for byte, so that a package can be compared with what is deployed."""
    build(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


@pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make")
async def test_the_app_runs_from_the_package(unpacked: Path, tmp_path: Path) -> None:
    """Under the local Functions host: it answers as this package, and a sweep with its query file completes."""
    stack = Stack(SETTINGS, estate(vms=1), app_directory=unpacked, directory=tmp_path / "stack")
    async with stack, aiohttp.ClientSession(stack.run.host, raise_for_status=True) as host:
        master_key = {"x-functions-key": stack.run.master_key}
        async with host.post("/admin/functions/sweep", json={}, headers=master_key):
            pass
        async with asyncio.timeout(60):
            while True:
                health = await health_answer(host)
                if health["last_sweep"]:
                    break
                await asyncio.sleep(0.05)
    assert health["package"] == package_hash(REPOSITORY)


async def health_answer(host: aiohttp.ClientSession) -> dict[str, Any]:
    async with host.get("/api/health") as response:
        found: dict[str, Any] = await response.json()
    return found
