"""The simulator by itself, as docs/simulator.md begins."""

import asyncio
import json
import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
TEXT = (REPOSITORY / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_the_command_is_installed() -> None:
    """The package has the simulator, and its entry point is there."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, function = project["project"]["scripts"]["azure-backup-simulator"].partition(":")
    assert callable(getattr(import_module(module), function))
    assert "simulator*" in project["tool"]["setuptools"]["packages"]["find"]["include"]


@pytest.mark.asyncio
async def test_microsofts_sdk_lists_what_the_estate_protects(tmp_path: Path) -> None:
    """The document's own command line and its own lines of Python, but for the ports."""
    command = re.search(r"^azure-backup-simulator (--estate .*)$", TEXT, re.MULTILINE)
    lines = re.search(r"```python\n(from azure.identity .*?)```", TEXT, re.DOTALL)
    assert command is not None
    assert lines is not None
    options = [*command[1].split(), "--arm-port", "0", "--http-port", "0", "--ca-dir", str(tmp_path)]
    simulator = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", *options, stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY
    )
    try:
        assert simulator.stdout is not None
        said = json.loads(await simulator.stdout.readline())
        text = lines[1].replace("https://localhost:8443", said["arm"])
        text = text.replace("build/simulator/ca.pem", said["ca_file"])
        listed = await asyncio.create_subprocess_exec(
            sys.executable, "-c", text, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await listed.communicate()
    finally:
        simulator.terminate()
        await simulator.wait()
    assert sorted(output.decode().splitlines()) == [
        "finance Protected",
        "orders Protected",
        "vm-01 Protected",
    ]
