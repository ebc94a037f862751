"""What people use today, the other way: a shell loop over `az backup protection backup-now`."""

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from bench.estates import EstatePlan, machine
from bench.ground import DIRECTORY
from simulator.arm.identity import CLIENT_ID, CLIENT_SECRET, TENANT

_CLOUD = "Bench"


def command() -> str | None:
    """The az CLI: on the path, or in the directory that AZ_DIRECTORY names."""
    return shutil.which("az", path=os.pathsep.join([os.environ.get("AZ_DIRECTORY", ""), os.environ["PATH"]]))


async def seconds_per_item(az: str, plan: EstatePlan, numbers: Sequence[int]) -> float:
    """Start the backups of these machines, one after the other; signing in is not counted."""
    environment = _environment()
    arm = os.environ["ARM_ENDPOINT"]
    endpoints = (
        "resource-manager",
        "management",
        "active-directory-resource-id",
        "microsoft-graph-resource-id",
    )
    urls = [part for name in endpoints for part in (f"--endpoint-{name}", f"{arm}/")]
    urls += ["--endpoint-active-directory", arm]
    await _run(az, environment, "cloud", "register", "-n", _CLOUD, "--skip-endpoint-discovery", *urls)
    await _run(az, environment, "cloud", "set", "-n", _CLOUD)
    principal = ("-u", CLIENT_ID, "-p", CLIENT_SECRET, "--tenant", TENANT)
    await _run(az, environment, "login", "--service-principal", *principal)
    began = time.perf_counter()
    for number in numbers:
        await _run(az, environment, "backup", "protection", "backup-now", *_place(plan, number))
    return (time.perf_counter() - began) / len(numbers)


def _place(plan: EstatePlan, number: int) -> Sequence[str]:
    _, _, subscription, _, group, *_, vault = plan.vault_of(number).split("/")
    name = machine(number)
    where = ("--subscription", subscription, "-g", group, "-v", vault)
    return (*where, "-c", name, "-i", name, "--backup-management-type", "AzureIaasVM")


def _environment() -> dict[str, str]:
    config = DIRECTORY / "az"
    shutil.rmtree(config, ignore_errors=True)
    config.mkdir(parents=True)
    return os.environ | {
        "AZURE_CONFIG_DIR": str(config),
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "REQUESTS_CA_BUNDLE": str(Path(os.environ["SSL_CERT_FILE"]).absolute()),
    }


async def _run(az: str, environment: dict[str, str], *arguments: str) -> None:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        az, *arguments, "--only-show-errors", env=environment, stdout=pipe, stderr=pipe
    )
    _, problems = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"az {arguments[0]} {arguments[1]}: {problems.decode()[-500:]}")
