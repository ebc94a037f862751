"""Azurite and the simulated Azure as processes of their own, and the function app in this one."""

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from bench.estates import EstatePlan, failures
from bench.wire import Wire, watched
from simulator.azurite import DEFAULT_DIRECTORY, Azurite
from simulator.machine.processes import ChildProcess
from simulator.machine.tls import Certificates, ensure_ca

REPOSITORY = Path(__file__).parents[1]
DIRECTORY = REPOSITORY / "build" / "bench"
#: seconds from a call to its answer, as Azure takes them
LATENCIES: Sequence[Mapping[str, Any]] = (
    {"name": "latency", "match": "^POST /providers/Microsoft.ResourceGraph", "seconds": 0.3},
    {"name": "latency", "match": "^[A-Z]+ /subscriptions/", "seconds": 0.15},
)
_START_SECONDS = 60.0
#: two million rows take five thousand
_AZURITE_MEGABYTES = 8192
_AT_ONCE = 5000
#: no timer fires by itself, and no simulated policy runs at this hour
_SETTINGS: Mapping[str, str] = {"SCHEDULE_MARGIN": "0s"}


def certificates() -> Certificates:
    """What the simulated Azure and Azurite serve with; SSL_CERT_FILE has to name it before Python starts."""
    return ensure_ca(DIRECTORY / "tls")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a measurement stands."""

    plan: EstatePlan
    admin: aiohttp.ClientSession
    addresses: Mapping[str, Any]
    wire: Wire
    #: the processes' ids, by what they are
    processes: Mapping[str, int]

    async def sim(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        """Call the simulator's admin API."""
        async with self.admin.request(method, f"/_sim/{path}", json=body) as response:
            return await response.json() if response.content_type == "application/json" else None

    async def reset(self, plan: EstatePlan) -> "Ground":
        """The same ground with another estate; the ledger keeps what it has."""
        await self.sim("POST", "reset", plan.document())
        self.wire.clear()
        return replace(self, plan=plan)

    async def fail(self, numbers: Sequence[int]) -> list[str]:
        """Let backups of these machines fail; the jobs' ids in the same order."""
        jobs: list[str] = []
        for begin in range(0, len(numbers), _AT_ONCE):
            started = await self.sim("POST", "backups", failures(numbers[begin : begin + _AT_ONCE]))
            jobs += [each["job"] for each in started]
        return jobs

    async def slow(self) -> None:
        """Let Azure take its time from now on."""
        await self.sim("PUT", "faults", list(LATENCIES))

    async def requests(self, path: str, method: str = "") -> list[dict[str, Any]]:
        """The calls that Azure saw, by a regular expression."""
        query = {"path": path, "method": method}
        async with self.admin.get("/_sim/requests", params=query) as response:
            found: list[dict[str, Any]] = await response.json()
            return found


@asynccontextmanager
async def ground(plan: EstatePlan, settings: Mapping[str, str] | None = None) -> AsyncIterator[Ground]:
    """Start everything; the environment is then that of the function app."""
    issued = certificates()
    log = DIRECTORY / "azurite.log"
    azurite = Azurite(DEFAULT_DIRECTORY, issued, log_file=log, megabytes=_AZURITE_MEGABYTES)
    async with azurite, _simulator(plan) as (addresses, pid):
        os.environ.update(_environment(addresses, azurite.endpoint, settings or {}))
        limits = aiohttp.ClientTimeout(total=600)
        async with aiohttp.ClientSession(addresses["admin"], raise_for_status=True, timeout=limits) as admin:
            with watched(azurite.endpoint) as wire:
                processes = {"the app": os.getpid(), "Azurite": azurite.pid, "the simulated Azure": pid}
                yield Ground(plan=plan, admin=admin, addresses=addresses, wire=wire, processes=processes)


@asynccontextmanager
async def _simulator(plan: EstatePlan) -> AsyncIterator[tuple[Mapping[str, Any], int]]:
    estate = DIRECTORY / "estate.json"
    estate.write_text(json.dumps(plan.document()))
    command = [sys.executable, "-m", "simulator", "--ca-dir", str(DIRECTORY / "tls")]
    command += ["--arm-port", "0", "--http-port", "0", "--estate", str(estate)]
    log = DIRECTORY / "simulator.log"
    process = await ChildProcess.start("the simulator", command, log_file=log, environment=dict(os.environ))
    try:
        line = await process.logged(r"(?m)^\{.*\}$", within=_START_SECONDS)
        yield json.loads(line.group()), process.pid
    finally:
        await process.stop()


def _environment(addresses: Mapping[str, Any], ledger: str, settings: Mapping[str, str]) -> dict[str, str]:
    """The app settings, as the platform puts them into the environment."""
    return {
        "IDENTITY_ENDPOINT": addresses["identity_endpoint"],
        "IDENTITY_HEADER": addresses["identity_header"],
        "ARM_ENDPOINT": addresses["arm"],
        "LEDGER_ENDPOINT": ledger,
        **_SETTINGS,
        **settings,
    }


class App:
    """The function app's own functions, called as the worker calls them; once in a process."""

    def __init__(self) -> None:
        from function_app import app  # noqa: PLC0415 (it reads the environment)

        self._functions: dict[str, Callable[..., Awaitable[Any]]] = {
            str(each.get_function_name()): each.get_user_function() for each in app.get_functions()
        }

    async def alert(self, body: bytes) -> int:
        """Call the webhook; its status."""
        from azure.functions import HttpRequest  # noqa: PLC0415

        request = HttpRequest(method="POST", url="/api/alerts", headers={}, body=body)
        return int((await self._functions["alerts"](request)).status_code)

    async def event(self, event: Mapping[str, Any]) -> None:
        """Have it handle an event of the CloudEvents schema."""
        from azure.functions import EventGridEvent  # noqa: PLC0415

        await self._functions["events"](
            EventGridEvent(
                id=event["id"],
                data=event["data"],
                topic=event["source"],
                subject=event.get("subject", ""),
                event_type=event["type"],
                event_time=None,
                data_version="",
            )
        )

    async def sweep(self) -> None:
        """Fire the sweep, and wait for its end."""
        await self._functions["sweep"](None)

    async def follow_up(self) -> None:
        """Fire the follow-up, and wait for its end."""
        await self._functions["follow_up"](None)

    async def page(self) -> str:
        """Look at the status page; its HTML."""
        return await self._get("status")

    async def document(self) -> dict[str, Any]:
        """The same for programs."""
        found: dict[str, Any] = json.loads(await self._get("status_json"))
        return found

    async def _get(self, function: str) -> str:
        from azure.functions import HttpRequest  # noqa: PLC0415

        answer = await self._functions[function](HttpRequest("GET", f"/api/{function}", body=b""))
        return str(answer.get_body().decode())

    async def close(self) -> None:
        """Close the connections."""
        from backup_retry import wiring  # noqa: PLC0415

        await (await wiring.parts()).clients.close()
