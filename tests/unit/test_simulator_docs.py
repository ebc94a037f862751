"""docs/simulator.md says all that there is to say: it is what a user has."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from simulator.admin import Admin
from simulator.estate_file import BackupFile, EstateFile, ItemFile, PolicyFile, SettingsFile, VaultFile
from simulator.faults import FAULTS, Fault
from simulator.server import Simulator

TEXT = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
PARTS = (EstateFile, VaultFile, ItemFile, PolicyFile, SettingsFile, BackupFile)


def test_the_example_is_an_estate() -> None:
    """It can be copied."""
    example = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    estate = EstateFile.read(json.loads(example[1])).build(datetime.now(UTC))
    assert [item.friendly_name for vault in estate.vaults for item in vault.items] == ["vm-01"]


@pytest.mark.parametrize("name", sorted({name for part in PARTS for name in part.model_fields}))
def test_every_key_of_the_estate_is_named(name: str) -> None:
    """In the example or in a table."""
    assert f'"{name}"' in TEXT or f"`{name}`" in TEXT


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_stands_in_the_table_with_its_parameters(name: str) -> None:
    """With the defaults."""
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
    common = {field.name for field in fields(Fault)}
    own = [field for field in fields(FAULTS[name]) if field.name not in common]
    assert all(
        f"`{field.name}` {'none' if field.default is None else f'{field.default:g}'}" in row for field in own
    )


async def test_every_admin_call_stands_in_the_table() -> None:
    """By method and path."""
    simulator = Simulator()
    try:
        routes = Admin(simulator).routes()
    finally:
        await simulator.close()
    missing = [route for route in routes if not _is_documented(route)]
    assert missing == []


def _is_documented(route: web.RouteDef) -> bool:
    return re.search(rf"\| `{route.method} {re.escape(route.path)}[?`]", TEXT) is not None
