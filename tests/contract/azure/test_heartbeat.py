"""The call to a monitor outside Azure, over TLS: what it gets to see, and that nothing it does stops the app."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from backup_retry.azure import heartbeat
from backup_retry.azure.client import AzureClients
from backup_retry.azure.heartbeat import HttpsHeartbeat
from backup_retry.settings.loading import settings_of
from simulator.machine.tls import ensure_ca
from tests.outside_monitor import OutsideMonitor, outside_monitor

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "3d2c1b0a-secret"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def monitor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OutsideMonitor]:
    """One on this machine."""
    async with outside_monitor(ensure_ca(_tls(tmp_path_factory))) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AzureClients]:
    """The app's clients; they trust the monitor's certificate."""
    trust = ensure_ca(_tls(tmp_path_factory)).client_context()
    settings = settings_of({"LEDGER_ENDPOINT": "https://ledger.test"})
    async with AzureClients(settings, ssl_context=trust) as opened:
        yield opened


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "_SECONDS", 0.3)


def _tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "heartbeat-tls"


def problems(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """What the log says of calls that failed."""
    lines = [json.loads(each.getMessage()) for each in caplog.records if each.name == "backup_retry"]
    return [line["problem"] for line in lines if line["event"] == "heartbeat_failed"]


async def test_a_monitor_is_called_once_and_learns_nothing_of_us(
    monitor: OutsideMonitor, clients: AzureClients, caplog: pytest.LogCaptureFixture
) -> None:
    """A GET of the very address, with the function's name in it; neither token nor body nor request id."""
    url = f"{monitor.url}/{SECRET}/backup-{{function}}/?rid=7"
    with caplog.at_level(logging.DEBUG):
        await HttpsHeartbeat(clients, url).completed("sweep_look_back")
    assert monitor.paths[-1] == f"GET /{SECRET}/backup-sweep_look_back/?rid=7"
    assert set(monitor.headers[-1]) <= {"Host", "Accept", "Accept-Encoding", "User-Agent"}
    assert problems(caplog) == []
    assert SECRET not in "".join(
        each.getMessage() for each in caplog.records if each.name != "aiohttp.access"
    )


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("hang", "no answer within 0.3 seconds"),
        ("500", "answered 500"),
        ("404", "answered 404"),
        ("302", "answered 302"),
    ],
)
@pytest.mark.usefixtures("_impatient")
async def test_a_monitor_that_fails_is_a_line_in_the_log(
    monitor: OutsideMonitor,
    clients: AzureClients,
    caplog: pytest.LogCaptureFixture,
    path: str,
    problem: str,
) -> None:
    """It is asked once, and to no other address: a redirect is not followed. The line does not show the address."""
    before = len(monitor.paths)
    await HttpsHeartbeat(clients, f"{monitor.url}/{SECRET}/{path}").completed("follow_up")
    assert monitor.paths[before:] == [f"GET /{SECRET}/{path}"]
    assert problems(caplog) == [problem]
    assert SECRET not in caplog.text.replace(f"GET /{SECRET}/{path}", "")  # the server's own log


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"https://localhost:1/{SECRET}", "no answer: ClientConnectorError"),
        (f"https://{'x' * 70}.test/{SECRET}", "no answer: "),
        ("https://localhost:443:443/" + SECRET, "no answer: "),
    ],
)
async def test_a_monitor_that_is_not_there_is_a_line_in_the_log(
    clients: AzureClients, caplog: pytest.LogCaptureFixture, url: str, problem: str
) -> None:
    """Neither an address that nobody has nor one that is none is fatal, and neither is shown."""
    await HttpsHeartbeat(clients, url).completed("follow_up")
    [said] = problems(caplog)
    assert said.startswith(problem)
    assert SECRET not in caplog.text


async def test_what_a_monitor_answers_is_not_read(monitor: OutsideMonitor, clients: AzureClients) -> None:
    """A body without an end takes neither time nor memory."""
    async with asyncio.timeout(5):
        await HttpsHeartbeat(clients, f"{monitor.url}/endless").completed("sweep")
    assert monitor.paths[-1] == "GET /endless"
