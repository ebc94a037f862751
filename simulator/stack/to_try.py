"""What a person can do with a running stack: the files that say where it is, and commands to try in their order."""

import json
import os
import shlex
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.estate.estate_file import DEFAULT_ESTATE, EstateFile
from simulator.estate.inventory import Job
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.monitor.alert_schema import job_failure
from simulator.stack.run_info import RunInfo

_JSON = "-H 'Content-Type: application/json'"
_IN_SH = "set -a; . {file}; set +a"
_IN_POWERSHELL = (
    "Get-Content {file} | ForEach-Object {{ $name, $value = $_ -split '=', 2; "
    'Set-Item "env:$name" $value.Trim("\'") }}'
)
_ERROR = "VMCreationTimeOutStorageErrorV2"


def write_files(
    build: Path,
    run: RunInfo,
    settings: Mapping[str, str],
    estate: Mapping[str, Any] = DEFAULT_ESTATE,
) -> None:
    """Write run.json, cli.env, and the bodies that the examples send, about the estate's first VM."""
    run.write(build / "run.json")
    (build / "cli.env").write_text(_cli_env(run, settings), encoding="utf-8")
    failure = {"item": first_vm(estate), "outcome": {"status": "Failed", "seconds": 0, "error": _ERROR}}
    for name, body in (("failure", failure), ("alert", _sample_alert(estate))):
        (build / f"{name}.json").write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def examples(
    build: Path, run: RunInfo, estate: Mapping[str, Any] = DEFAULT_ESTATE, *, windows: bool = os.name == "nt"
) -> list[tuple[str, str]]:
    """Commands to try, in this order, each with what it does; for sh, or for PowerShell on Windows."""
    curl = "curl.exe -sS" if windows else "curl -sS"
    cli = f"{_python()} -m cli"
    vm = first_vm(estate)
    return [
        (
            "Use the command line in this terminal",
            (_IN_POWERSHELL if windows else _IN_SH).format(file=_shown(build / "cli.env")),
        ),
        (
            f"Let a backup of {vm} fail; its alert reaches the app",
            f"{curl} -X POST {run.admin}/_sim/backups {_JSON} -d '@{_shown(build / 'failure.json')}'",
        ),
        (
            f"Send an alert about {vm} yourself",
            f"{curl} -X POST '{run.alerts_url}' {_JSON} -d '@{_shown(build / 'alert.json')}'",
        ),
        ("See what the app did about it", f"{cli} explain {vm}"),
        (
            "Run the daily sweep now",
            f"{curl} -X POST {run.host}/admin/functions/sweep -H 'x-functions-key: {run.master_key}' {_JSON} -d '{{}}'",
        ),
        ("See how things are", f"{cli} status"),
        ("List open and recently closed incidents", f"{cli} incidents"),
        (
            "Save everything that happened in the simulated Azure",
            f"{curl} -o {_shown(build / 'azure.json')} {run.admin}/_sim/state",
        ),
    ]


def announcement(build: Path, run: RunInfo, estate: Mapping[str, Any] = DEFAULT_ESTATE) -> str:
    """What is printed once the stack is up."""
    lines = [
        f"Status page:  {page_address(run)}",
        f"Command line: settings in {_shown(build / 'cli.env')}",
        f"Addresses:    {_shown(build / 'run.json')}",
        "",
        "To try, in this order, in another terminal:",
    ]
    for title, command in examples(build, run, estate):
        lines += [f"# {title}", command]
    return "\n".join([*lines, "", "Press Ctrl-C to stop."])


def page_address(run: RunInfo) -> str:
    """The address of the status page, with the key that opens it."""
    return f"{run.host}/api/status?code={run.function_key}"


def first_vm(estate: Mapping[str, Any]) -> str:
    """The name of the estate's first VM."""
    return next(str(item["vm"]) for vault in estate["vaults"] for item in vault["items"] if "vm" in item)


def _cli_env(run: RunInfo, settings: Mapping[str, str]) -> str:
    """The command line's environment, one variable a line; quoted where a shell would stumble."""
    variables = {
        "LEDGER_ENDPOINT": run.table_endpoint,
        "ARM_ENDPOINT": run.arm,
        "IDENTITY_ENDPOINT": run.identity_endpoint,
        "IDENTITY_HEADER": run.identity_header,
        "SSL_CERT_FILE": run.ca_file,
        **settings,
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _python() -> str:
    """This Python as somebody types it here."""
    return _shown(Path(sys.executable))


def _shown(path: Path) -> str:
    """A path below the working directory without that; with forward slashes, which every shell takes."""
    shown = path if not path.is_absolute() else _relative(path)
    return shown.as_posix()


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _sample_alert(estate: Mapping[str, Any]) -> dict[str, Any]:
    """The alert of a failed backup of the estate's first VM, which names no job."""
    now = datetime.now(UTC)
    vm = first_vm(estate)
    items = [item for vault in EstateFile.read(estate).build(now).vaults for item in vault.items]
    item = next(each for each in items if each.friendly_name == vm)
    job = Job(
        item=item,
        name=str(uuid.uuid4()),
        operation="Backup",
        start_time=now,
        activity_id=str(uuid.uuid4()),
        user_triggered=False,
        outcome=Outcome(status=JobStatus.FAILED, error=error_titled(_ERROR)),
        due=now,
        history=[(now, JobStatus.FAILED)],
    )
    alert = job_failure(job, alert_guid=str(uuid.uuid4()), fired=now)
    del alert["data"]["alertContext"]["extendedInfo"]["jobId"]
    return alert
