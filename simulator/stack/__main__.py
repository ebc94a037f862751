"""`python -m simulator.stack`: keep the stack up until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.estate.estate_file import DEFAULT_ESTATE, EstateFile
from simulator.estate.inventory import Job
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.machine.processes import ProcessDiedError
from simulator.monitor.alert_schema import job_failure
from simulator.stack.run_info import RunInfo
from simulator.stack.stack import REPOSITORY, Ports, Stack

BUILD = Path("build")
STANDARD_PORTS = Ports(host=7071, arm=8443, admin=8080, tables=10002)
_PURPOSES = {
    "host": "Functions host",
    "arm": "Resource Manager and Entra",
    "admin": "identity endpoint and admin API",
    "tables": "Table Storage",
}
#: Variables of the caller that must not become app settings: they would lead the app out of the simulation.
_FOREIGN = ("AZURE_", "MSI_", "IDENTITY_", "ARM_", "LEDGER_", "SSL_CERT_", "REQUESTS_CA_", "PYTHON")
_EXIT_DIED = 1
_EXIT_USAGE = 2


class UsageError(Exception):
    """The stack cannot start as asked; the message says what to change."""


def main() -> int:
    """Run the stack; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator.stack", description=__doc__)
    parser.add_argument("app", type=Path, nargs="?", default=REPOSITORY, help="where function_app.py is")
    arguments = parser.parse_args()
    try:
        return asyncio.run(_run(_ports(os.environ), arguments.app.resolve()))
    except UsageError as error:
        print(error, file=sys.stderr)
        return _EXIT_USAGE
    except ProcessDiedError as error:
        print(error, file=sys.stderr)
        return _EXIT_DIED


async def _run(ports: Ports, app: Path) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stack = Stack(_app_settings(os.environ), ports=ports, app_directory=app, directory=BUILD / "stack")
    starting = asyncio.create_task(stack.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return 0
    starting.result()
    try:
        _announce(stack.run)
        return await _watch(stack, stopping)
    finally:
        await stack.stop()


async def _watch(stack: Stack, stopping: "asyncio.Task[bool]") -> int:
    """Wait for the signal to stop, or for a process that ends by itself."""
    dying = asyncio.create_task(stack.until_one_dies())
    await asyncio.wait({dying, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.done():
        dying.cancel()
        return 0
    print(dying.result(), file=sys.stderr)
    return _EXIT_DIED


def _ports(environment: Mapping[str, str]) -> Ports:
    """The standard ports, or those that PORT_HOST and so on choose.

    Raises:
        UsageError: one is no port, or is taken.
    """
    chosen = {name: _port(environment, name) for name in _PURPOSES}
    ports = Ports(**chosen)
    if taken := ports.taken():
        lines = [
            f"  {chosen[name]}  {_PURPOSES[name]}; choose another with {_variable(name)}" for name in taken
        ]
        example = " ".join(f"{_variable(name)}=0" for name in taken)
        raise UsageError(
            "\n".join(["These ports are in use:", *lines, f"For any free ones: {example} make run"])
        )
    return ports


def _port(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(_variable(name), "") or str(getattr(STANDARD_PORTS, name))
    if not (value.isdecimal() and int(value) < 2**16):
        raise UsageError(f"{_variable(name)}={value} is no port number")
    return int(value)


def _variable(name: str) -> str:
    return f"PORT_{name.upper()}"


def _app_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment as app settings, so that `SWEEP_SCHEDULE=… make run` works."""
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(_FOREIGN) and not name.upper().endswith("_PROXY")
    }


def _announce(run: RunInfo) -> None:
    run.write(BUILD / "run.json")
    sample = BUILD / "alert.json"
    sample.write_text(json.dumps(_sample_alert(), indent=2) + "\n")
    vm = DEFAULT_ESTATE["vaults"][0]["items"][0]["vm"]
    failure = json.dumps({"item": vm, "outcome": {"status": "Failed", "seconds": 0}})
    print(
        f"""
Azure is up: {BUILD / "run.json"} says where, {BUILD / "stack"}/*.log says what happens. Ctrl-C ends it.

A backup of {vm} fails (its alert reaches the app by itself):
  curl -X POST {run.admin}/_sim/backups -H 'Content-Type: application/json' -d '{failure}'
Post an alert of {vm} yourself:
  curl -X POST '{run.alerts_url}' -H 'Content-Type: application/json' -d @{sample}
Run the sweep now:
  curl -X POST {run.host}/admin/functions/sweep -H 'x-functions-key: {run.master_key}' \\
    -H 'Content-Type: application/json' -d '{{}}'
See all that happened:
  curl {run.admin}/_sim/state
""",
        flush=True,
    )


def _sample_alert() -> dict[str, Any]:
    """The alert of a failed backup of the default estate's first VM, which names no job."""
    now = datetime.now(UTC)
    item = EstateFile.read(DEFAULT_ESTATE).build(now).vaults[0].items[0]
    job = Job(
        item=item,
        name=str(uuid.uuid4()),
        operation="Backup",
        start_time=now,
        activity_id=str(uuid.uuid4()),
        user_triggered=False,
        outcome=Outcome(status=JobStatus.FAILED, error=error_titled("VMCreationTimeOutStorageErrorV2")),
        due=now,
        history=[(now, JobStatus.FAILED)],
    )
    alert = job_failure(job, alert_guid=str(uuid.uuid4()), fired=now)
    del alert["data"]["alertContext"]["extendedInfo"]["jobId"]
    return alert


if __name__ == "__main__":
    sys.exit(main())
