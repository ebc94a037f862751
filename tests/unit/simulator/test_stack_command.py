"""What `python -m simulator.stack` makes of its environment."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.estate.estate_file import DEFAULT_ESTATE
from simulator.stack import Ports
from simulator.stack.__main__ import UsageError, _app_settings, _ports
from simulator.stack.run_info import RunInfo
from simulator.stack.stack import _base_environment
from simulator.stack.to_try import announcement, examples, write_files
from tests.hooks.shells import needs_pwsh, pwsh


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_ports_are_chosen_by_variables() -> None:
    """0 is any free port."""
    chosen = {"PORT_HOST": "0", "PORT_ARM": "0", "PORT_ADMIN": "0", "PORT_TABLES": "0"}
    assert _ports(chosen) == Ports()


def test_all_taken_ports_are_named_at_once(taken_port: int) -> None:
    """With what they are for and which variable chooses another."""
    environment = {
        "PORT_HOST": str(taken_port),
        "PORT_ARM": "0",
        "PORT_ADMIN": "0",
        "PORT_TABLES": str(taken_port),
    }
    with pytest.raises(UsageError) as error:
        _ports(environment)
    message = str(error.value)
    assert f"{taken_port}  Functions host; choose another with PORT_HOST" in message
    assert f"{taken_port}  Table Storage; choose another with PORT_TABLES" in message
    assert "PORT_HOST=0 PORT_TABLES=0 make run" in message
    assert "PORT_ARM" not in message


@pytest.mark.parametrize("value", ["http", "-1", "65536"])
def test_what_is_no_port_is_refused(value: str) -> None:
    """The variable is named."""
    with pytest.raises(UsageError, match=f"PORT_HOST={value} is no port number"):
        _ports({"PORT_HOST": value})


def test_the_caller_s_identity_does_not_become_an_app_setting() -> None:
    """Settings pass, credentials and proxies do not."""
    environment = {
        "SWEEP_SCHEDULE": "0 0 * * * *",
        "AZURE_CLIENT_SECRET": "x",
        "MSI_SECRET": "x",
        "IDENTITY_ENDPOINT": "x",
        "SSL_CERT_FILE": "x",
        "https_proxy": "x",
    }
    assert _app_settings(environment) == {"SWEEP_SCHEDULE": "0 0 * * * *"}


def test_the_children_inherit_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller is logged in with stays with the caller."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "x")
    monkeypatch.setenv("MSI_ENDPOINT", "x")
    monkeypatch.setenv("TZ", "UTC")
    inherited = _base_environment()
    assert inherited.keys().isdisjoint({"AZURE_CLIENT_SECRET", "MSI_ENDPOINT"})
    assert inherited["TZ"] == "UTC"


RUN = RunInfo(
    **dict.fromkeys(RunInfo.__dataclass_fields__, "x")
    | {"host": "http://127.0.0.1:1", "ca_file": "/a b/ca.pem"}
)


def test_the_sample_alert_names_an_item_of_the_estate(tmp_path: Path) -> None:
    """It names no job: the app has to look into the vault."""
    write_files(tmp_path, RUN, {}, DEFAULT_ESTATE)
    context = json.loads((tmp_path / "alert.json").read_text())["data"]["alertContext"]
    assert context["protectedItemId"].endswith("/protectedItems/VM;iaasvmcontainerv2;rg-app;vm-01")
    assert "jobId" not in context["extendedInfo"]


def test_the_command_line_has_its_settings_from_a_file(tmp_path: Path) -> None:
    """In any shell, whatever a value holds."""
    write_files(tmp_path, RUN, {"SWEEP_SCHEDULE": "0 0 5 * * *"}, DEFAULT_ESTATE)
    [(_, load), *_] = examples(tmp_path, RUN, windows=False)
    command = f'{load}; printf "%s|%s" "$SSL_CERT_FILE" "$SWEEP_SCHEDULE"; env | grep -c ^SSL_CERT_FILE'
    read = subprocess.run(["/bin/sh", "-euc", command], capture_output=True, text=True, check=True)
    assert read.stdout == "/a b/ca.pem|0 0 5 * * *1\n"


@needs_pwsh
def test_the_examples_for_windows_are_powershell(tmp_path: Path) -> None:
    """The settings arrive, and every other line is read without an error."""
    write_files(tmp_path, RUN, {"SWEEP_SCHEDULE": "0 0 5 * * *"}, DEFAULT_ESTATE)
    (_, load), *others = examples(tmp_path, RUN, windows=True)
    parsed = "\n".join(f"[scriptblock]::Create(@'\n{command}\n'@) | Out-Null" for _, command in others)
    script = f"$ErrorActionPreference = 'Stop'\n{load}\n{parsed}\n\"$env:SSL_CERT_FILE|$env:SWEEP_SCHEDULE\""
    read = subprocess.run(
        [str(pwsh()), "-NoProfile", "-Command", script], capture_output=True, text=True, check=True
    )
    assert read.stdout == "/a b/ca.pem|0 0 5 * * *\n"


def test_the_announcement_has_the_page_s_address_and_every_example(tmp_path: Path) -> None:
    """The address opens the page as it is."""
    printed = announcement(tmp_path, RUN)
    assert "http://127.0.0.1:1/api/status?code=x\n" in printed
    lines = printed.splitlines()
    assert [line for line in lines if line in {command for _, command in examples(tmp_path, RUN)}] == [
        command for _, command in examples(tmp_path, RUN)
    ]
