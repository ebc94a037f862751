"""Starting, watching and stopping the three processes."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from simulator.azurite import DEFAULT_DIRECTORY, Azurite
from simulator.functions_host.keys import Keys
from simulator.machine.locks import DirectoryLock
from simulator.machine.ports import free_port, is_free
from simulator.machine.processes import ChildProcess, ProcessDiedError
from simulator.machine.stopping import StoppedError, unless_stopped
from simulator.machine.tls import ensure_ca
from simulator.stack.containers import make_container
from simulator.stack.run_info import RunInfo

REPOSITORY = Path(__file__).parents[2]
_START_SECONDS = 60.0

Started = TypeVar("Started")

_WORKER_RUNTIME = "FUNCTIONS_WORKER_RUNTIME"
#: App settings that a function app gets unless told otherwise.
DEFAULT_SETTINGS: Mapping[str, str] = {
    _WORKER_RUNTIME: "python",
    "SWEEP_SCHEDULE": "0 0 5 * * *",
    "FOLLOW_UP_SCHEDULE": "0 */5 * * * *",
    # The simulated policies run at an hour of their own, which may be now.
    "SCHEDULE_MARGIN": "0s",
}
#: What the children take from the caller's environment; above all no credentials.
_INHERITED = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "USERPROFILE", "TEMP", "TMP"}
)


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where to listen; 0 is any free port."""

    host: int = 0
    arm: int = 0
    admin: int = 0
    tables: int = 0

    def taken(self) -> list[str]:
        """The names of those that another process listens on."""
        return [each.name for each in fields(self) if not is_free(getattr(self, each.name))]


class Stack:
    """`async with Stack(...) as stack`: everything is up, and `stack.run` says where."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        estate: Mapping[str, Any] | None = None,
        *,
        ports: Ports | None = None,
        app_directory: Path = REPOSITORY,
        directory: Path,
        azurite_directory: Path = DEFAULT_DIRECTORY,
        dead_letters: bool = False,
    ) -> None:
        """Say what is to run.

        Args:
            settings: app settings, over the stack's own.
            estate: what there is in Azure, as docs/simulator.md describes it; None: one small vault.
            ports: any free ones unless given.
            app_directory: where function_app.py is.
            directory: where certificates, logs and the estate are kept.
            azurite_directory: where `python -m simulator.azurite install` put Azurite.
            dead_letters: Event Grid writes what it gives up to a blob container, from where the app takes it.
        """
        self._settings = dict(settings or {})
        self._estate = estate
        self._ports = ports or Ports()
        self._app_directory = app_directory
        self._directory = directory.absolute()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._lock = DirectoryLock(self._directory)
        self._keys = Keys()
        self._certificates = ensure_ca(self._directory / "tls")
        self._azurite = self._storage(azurite_directory, "azurite.log", port=self._ports.tables)
        self._blobs = (
            self._storage(azurite_directory, "azurite-blobs.log", kind="blob") if dead_letters else None
        )
        self._host_options: list[str] = []
        # Known before the host is up and kept over its restarts, since the action group's URL holds it.
        self._host_port = self._ports.host or free_port()
        self._host_starts = 0
        self._host_storage = self._directory / "host-storage"
        self._simulator: ChildProcess | None = None
        self._host: ChildProcess | None = None
        self._run: RunInfo | None = None

    def _storage(self, azurite: Path, log: str, *, kind: str = "table", port: int = 0) -> Azurite:
        return Azurite(azurite, self._certificates, log_file=self._directory / log, kind=kind, port=port)

    @property
    def run(self) -> RunInfo:
        """Where everything is."""
        return _started(self._run)

    @property
    def host(self) -> ChildProcess:
        """The Functions host; its `log_file` has the app's log."""
        return _started(self._host)

    @property
    def settings(self) -> Mapping[str, str]:
        """The values of the stack's own app settings: the command line needs them to decide as the app does."""
        return {name: self._environment[name] for name in DEFAULT_SETTINGS if name != _WORKER_RUNTIME}

    @property
    def dead_letters(self) -> str | None:
        """The container that dead letters go to; None: there is none."""
        return f"{self._blobs.endpoint}/dead-letters" if self._blobs else None

    async def start(self) -> None:
        """Start everything and wait until it answers.

        Raises:
            ProcessDiedError: something did not start; what had been started is stopped.
            InUseError: another stack has the directory.
        """
        self._lock.take()
        shutil.rmtree(self._host_storage, ignore_errors=True)
        self._host_storage.mkdir(parents=True)
        try:
            addresses = await self._start_azure()
            self._environment = self._host_environment(addresses)
            url = await self._start_host()
            self._run = await self._describe(addresses, url)
            await self._set_targets(self._run)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything that runs."""
        for process in (self._host, self._simulator):
            if process is not None:
                await process.stop()
        await self._azurite.stop()
        if self._blobs is not None:
            await self._blobs.stop()
        self._lock.release()

    async def kill_host(self) -> None:
        """End the Functions host as a crash would."""
        await self.host.kill()

    async def restart_host(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        eventgrid_key_delay: float = 0.0,
        timers_fire: bool = True,
    ) -> None:
        """End the Functions host, if it runs, and start it at the same address, with `settings` changed.

        It refuses Event Grid for `eventgrid_key_delay` seconds, as after a cold start; its timers may be dead.
        """
        await self.host.stop()
        self._host_options = ["--eventgrid-key-delay", str(eventgrid_key_delay)]
        self._host_options += [] if timers_fire else ["--no-timers"]
        self._environment = {**self._environment, **(settings or {})}
        await self._start_host()

    async def until(self, stop: asyncio.Event) -> None:
        """Wait for `stop`.

        Raises:
            ProcessDiedError: a process ended by itself.
        """
        with suppress(StoppedError):
            raise await unless_stopped(stop, self.until_one_dies())

    async def until_one_dies(self) -> ProcessDiedError:
        """Wait until a process ends by itself; the error that says which and how."""
        processes = {
            asyncio.create_task(process.ended()): process
            for process in (self.host, _started(self._simulator), self._azurite.process)
        }
        try:
            ended, _ = await asyncio.wait(processes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in processes:
                task.cancel()
        return processes[ended.pop()].died()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_azure(self) -> dict[str, Any]:
        """Start Azurite and the simulator side by side; the simulator's addresses."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._azurite.start())
                if self._blobs is not None:
                    group.create_task(self._blobs.start())
                simulator = group.create_task(self._start_simulator())
        except* ProcessDiedError as died:
            raise died.exceptions[0] from None
        return simulator.result()

    async def _start_simulator(self) -> dict[str, Any]:
        """Start the simulated Azure; the addresses that it prints."""
        command = [sys.executable, "-m", "simulator", "--ca-dir", str(self._directory / "tls")]
        command += ["--arm-port", str(self._ports.arm), "--http-port", str(self._ports.admin)]
        if self._estate is not None:
            estate_file = self._directory / "estate.json"
            estate_file.write_text(json.dumps(self._estate))
            command += ["--estate", str(estate_file)]
        self._simulator = await ChildProcess.start(
            "the simulator",
            command,
            log_file=self._directory / "simulator.log",
            environment={**_base_environment(), "SSL_CERT_FILE": str(self._certificates.ca_file)},
        )
        line = await self._simulator.logged(r"(?m)^\{.*\}$", within=_START_SECONDS)
        addresses: dict[str, Any] = json.loads(line.group())
        return addresses

    async def _start_host(self) -> str:
        """Start the Functions host; its URL. Each start has a log of its own."""
        self._host_starts += 1
        name = "host.log" if self._host_starts == 1 else f"host.{self._host_starts}.log"
        keys = self._keys
        command = [sys.executable, "-m", "simulator.functions_host", str(self._app_directory)]
        command += ["--port", str(self._host_port), "--function-key", keys.function]
        command += ["--master-key", keys.master, "--eventgrid-key", keys.event_grid]
        command += ["--storage", str(self._host_storage)]
        command += self._host_options
        self._host = await ChildProcess.start(
            "the Functions host", command, log_file=self._directory / name, environment=self._environment
        )
        ready = await self._host.logged(r"(?m)^ready (http://\S+)$", within=_START_SECONDS)
        return ready[1]

    def _host_environment(self, addresses: Mapping[str, Any]) -> dict[str, str]:
        """The app settings, as App Service puts them into the environment."""
        return {
            **_base_environment(),
            **DEFAULT_SETTINGS,
            "IDENTITY_ENDPOINT": addresses["identity_endpoint"],
            "IDENTITY_HEADER": addresses["identity_header"],
            "SSL_CERT_FILE": str(self._certificates.ca_file),
            "ARM_ENDPOINT": addresses["arm"],
            "LEDGER_ENDPOINT": self._azurite.endpoint,
            "DEAD_LETTER_CONTAINER": self.dead_letters or "",
            **self._settings,
        }

    async def _describe(self, addresses: Mapping[str, Any], host: str) -> RunInfo:
        keys = self._keys
        function = await self._event_grid_function(host)
        webhook = f"{host}/runtime/webhooks/EventGrid?functionName={function}"
        return RunInfo(
            host=host,
            alerts_url=f"{host}/api/alerts?code={keys.function}",
            eventgrid_url=f"{webhook}&code={keys.event_grid}",
            function_key=keys.function,
            master_key=keys.master,
            eventgrid_key=keys.event_grid,
            arm=addresses["arm"],
            ca_file=str(self._certificates.ca_file),
            identity_endpoint=addresses["identity_endpoint"],
            identity_header=addresses["identity_header"],
            table_endpoint=self._azurite.endpoint,
            admin=addresses["admin"],
        )

    async def _event_grid_function(self, host: str) -> str:
        """The name of the app's first function with an Event Grid trigger; empty: it has none."""
        headers = {"x-functions-key": self._keys.master}
        async with (
            aiohttp.ClientSession(host, raise_for_status=True) as session,
            session.get("/admin/functions", headers=headers) as response,
        ):
            functions = await response.json()
        if not functions:
            raise ProcessDiedError(f"the Functions host has no functions to serve:\n{self.host.tail()}")
        return next((each["name"] for each in functions if _is_event_grid_triggered(each)), "")

    async def _set_targets(self, run: RunInfo) -> None:
        """Tell action groups and event subscriptions where the app is."""
        targets = {
            "alerts_url": run.alerts_url,
            "eventgrid_url": run.eventgrid_url,
            "dead_letters_url": self.dead_letters,
        }
        if self.dead_letters is not None:
            await make_container(self.dead_letters, run)
        async with (
            aiohttp.ClientSession(run.admin, raise_for_status=True) as session,
            session.put("/_sim/targets", json=targets),
        ):
            pass


def _started(value: Started | None) -> Started:
    if value is None:
        raise RuntimeError("the stack is not started")
    return value


def _base_environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name in _INHERITED}
    return {**inherited, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def _is_event_grid_triggered(function: Mapping[str, Any]) -> bool:
    return any(binding["type"] == "eventGridTrigger" for binding in function["config"]["bindings"])
