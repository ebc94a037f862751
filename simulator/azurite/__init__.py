"""Azure Table Storage and Blob Storage: Azurite's services over TLS, with Entra tokens and in memory.

Imports `machine`.
Start with `Azurite`, here; `install` brings it from npm.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.azurite.install import is_installed, node, service
from simulator.machine.ports import free_port
from simulator.machine.processes import ChildProcess, ProcessDiedError
from simulator.machine.tls import Certificates

__all__ = ["DEFAULT_DIRECTORY", "Azurite"]

#: Where the Makefile installs it.
DEFAULT_DIRECTORY = Path(__file__).parents[2] / ".venv" / "azurite"

_READY = {"table": r"Table service successfully started", "blob": r"Blob service successfully listens"}
_START_SECONDS = 60.0


class Azurite:
    """`async with Azurite(...) as azurite`: a running, empty table or blob service at `azurite.endpoint`."""

    def __init__(
        self,
        directory: Path,
        certificates: Certificates,
        *,
        log_file: Path,
        kind: str = "table",
        port: int = 0,
        node_executable: Path | None = None,
        megabytes: int = 2048,
    ) -> None:
        """`directory`: where `simulator.azurite install` put Azurite; port 0: any free one.

        `megabytes` bounds what it holds: a million of the ledger's rows take about 2,500.
        """
        self.log_file = log_file
        self._kind = kind
        self.port = port
        self._any_port = port == 0
        self._directory = directory
        self._certificates = certificates
        self._node = node_executable or node()
        self._megabytes = megabytes
        self._process: ChildProcess | None = None

    @property
    def endpoint(self) -> str:
        """The account's URL."""
        return f"https://127.0.0.1:{self.port}/devstoreaccount1"

    @property
    def process(self) -> ChildProcess:
        """The running child."""
        if self._process is None:
            raise RuntimeError("Azurite is not started")
        return self._process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            ProcessDiedError: it is not installed, or did not start.
        """
        if not is_installed(self._directory):
            raise ProcessDiedError(
                f"Azurite is not installed: python -m simulator.azurite install {self._directory}"
            )
        if self._any_port:
            self.port = free_port()
        await self._start_once()

    async def stop(self) -> None:
        """End it; what it held is gone."""
        if self._process is not None:
            await self._process.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_once(self) -> None:
        self._process = await ChildProcess.start(
            "Azurite", self._command(), log_file=self.log_file, environment=_environment()
        )
        try:
            await self._process.logged(_READY[self._kind], within=_START_SECONDS)
        except BaseException:
            await self._process.stop()
            raise

    def _command(self) -> list[str | Path]:
        return [
            self._node,
            f"--max-old-space-size={self._megabytes}",
            service(self._directory, self._kind),
            *(f"--{self._kind}Host", "127.0.0.1", f"--{self._kind}Port", str(self.port)),
            *("--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"),
            *("--oauth", "basic"),
            *("--cert", self._certificates.cert_file, "--key", self._certificates.key_file),
        ]


def _environment() -> dict[str, str]:
    """As little as Node starts with; on Windows it asks SystemRoot's libraries for random numbers."""
    root = {name: value for name, value in os.environ.items() if name.upper() == "SYSTEMROOT"}
    return {"PATH": os.defpath, **root}
