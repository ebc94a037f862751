"""What `python -m simulator.stack` makes of its environment."""

import socket
from collections.abc import Iterator

import pytest

from simulator.stack import Ports
from simulator.stack.__main__ import UsageError, _app_settings, _ports, _sample_alert
from simulator.stack.stack import _base_environment


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


def test_the_sample_alert_names_an_item_of_the_default_estate() -> None:
    """It names no job: the app has to look into the vault."""
    context = _sample_alert()["data"]["alertContext"]
    assert context["protectedItemId"].endswith("/protectedItems/VM;iaasvmcontainerv2;rg-app;vm-01")
    assert "jobId" not in context["extendedInfo"]
