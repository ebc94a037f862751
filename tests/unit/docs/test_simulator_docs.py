"""docs/simulator.md says all that there is to say: it is what a user has."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from aiohttp import web

from simulator.admin import Admin
from simulator.arm.calls import Route
from simulator.estate.estate_file import BackupFile, EstateFile, ItemFile, PolicyFile, SettingsFile, VaultFile
from simulator.estate.faults import FAULTS, Fault, Faults
from simulator.estate.notice_names import NoticeName
from simulator.estate.state import Azure
from simulator.estate.workloads import WORKLOADS, Workload
from simulator.simulated_azure import Simulator
from tools.parity.comparison import routes
from tools.parity.report import endpoint

TEXT = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")
PARTS = (EstateFile, VaultFile, ItemFile, PolicyFile, SettingsFile, BackupFile)


def test_the_example_is_an_estate() -> None:
    """It can be copied."""
    example = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    estate = EstateFile.read(json.loads(example[1])).build(datetime.now(UTC))
    names = [item.friendly_name for vault in estate.vaults for item in vault.items]
    assert names == ["vm-01", "orders", "finance", "disk-1"]


@pytest.mark.parametrize("name", sorted({name for part in PARTS for name in part.model_fields}))
def test_every_key_of_the_estate_is_named(name: str) -> None:
    """In the example or in a table."""
    assert f'"{name}"' in TEXT or f"`{name}`" in TEXT


@pytest.mark.parametrize("name", get_args(NoticeName))
def test_every_notice_stands_in_the_table(name: str) -> None:
    """With what it tells of."""
    assert f"\n| `{name}` |" in TEXT


@pytest.mark.parametrize("workload", [pytest.param(each, id=name) for name, each in WORKLOADS.items()])
def test_every_workload_stands_in_the_table(workload: Workload) -> None:
    """With what an estate must say of it, its policy, its kinds of backup and its errors."""
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{workload.name}` |"))
    holders = [workload.parent, "instance" if "{instance}" in workload.item else ""]
    cells = [
        ", ".join(f"`{holder}`" for holder in holders if holder) or "none",
        f"`{workload.default_policy}`" if workload.default_policy else "its own",
        ", ".join(workload.kinds) or "none",
        f"`{workload.collision}`",
        f"`{workload.usual_error}`",
    ]
    assert row == f"| `{workload.name}` | {' | '.join(cells)} |"


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_stands_in_the_table_with_its_parameters(name: str) -> None:
    """With the defaults."""
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
    common = {field.name for field in fields(Fault)}
    own = [field for field in fields(FAULTS[name]) if field.name not in common]
    assert all(f"`{field.name}` {_written(field.default)}" in row for field in own)


def _written(default: object) -> str:
    """A default as the table has it."""
    return {None: "none", False: "false"}.get(default) or f"{default:g}"  # type: ignore[call-overload]


EXAMPLES = re.findall(
    r"^\| (.+) \| (item|policy|settings|subscription|estate|fault) \| `(\{.+\})` \|$", TEXT, re.MULTILINE
)


@pytest.mark.parametrize(("place", "example"), [pytest.param(*each[1:], id=each[0]) for each in EXAMPLES])
def test_every_example_can_be_copied(place: str, example: str) -> None:
    """To the place in the estate that it is for, or to the faults."""
    said = json.loads(example)
    if place == "fault":
        Faults().arm([said])
        return
    estate = EstateFile.read(_around(place, said)).build(datetime.now(UTC))
    azure = Azure(estate)
    azure.replay(estate.jobs, datetime.now(UTC))
    assert len(azure.jobs) == len(said.get("jobs", ())) or place == "policy"


def test_there_are_examples() -> None:
    """The table is found, whatever becomes of its form."""
    assert len(EXAMPLES) > 25


def _around(place: str, said: dict[str, Any]) -> dict[str, Any]:
    """An estate with the example where it belongs."""
    subscription = {"id": "22222222-2222-2222-2222-222222222222"}
    in_backup_vault = str(said.get("workload", "")).startswith("Microsoft.")
    vault: dict[str, Any] = {"subscription": subscription["id"], "resource_group": "rg", "name": "vault-9"}
    vault |= {"kind": "backup" if in_backup_vault else "recovery_services"}
    vault |= {{"item": "items", "policy": "policies"}[place]: [said]} if place in {"item", "policy"} else {}
    estate: dict[str, Any] = {"subscriptions": [subscription], "vaults": [vault]}
    match place:
        case "settings":
            return estate | {"settings": said}
        case "subscription":
            return estate | {"subscriptions": [subscription, said]}
        case "estate":
            return estate | said
    return estate


async def test_every_endpoint_stands_in_the_table_of_parity() -> None:
    """Also where no recording exists."""
    missing = [route.template for route in await routes() if f"\n| `{_shown(route)}` |" not in TEXT]
    assert missing == []


def _shown(route: Route) -> str:
    return endpoint(route.method, route.template)


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
