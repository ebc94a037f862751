"""A worker process of the race: the real reactor, sweep and follow-up on the real ledger and vaults, fed by a pipe.

It does one thing per message and answers a number: an HTTP status for an alert, the open incidents for a follow-up.
Nothing here tidies up: the process is made to be killed.
"""

import asyncio
import logging
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection

from backup_retry import wiring
from backup_retry.azure.client import AzureClients
from backup_retry.domain.errors import BackupRetryError
from backup_retry.settings.loading import load_settings
from backup_retry.wiring import Parts
from reactor import webhook
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reconciler.follow_up import FollowUp
from reconciler.sweep import Sweep

#: forked into every worker, so that a new one is there in no time
PRELOAD = (
    "azure.data.tables.aio",
    "azure.identity.aio",
    "azure.mgmt.recoveryservicesbackup.aio",
    "azure.mgmt.resourcegraph.aio",
    "backup_retry.azure.recovery_services",
    "backup_retry.azure.resource_graph",
    "backup_retry.azure.table_ledger",
    __name__,
)
#: what a worker answers to a task that it could not do
FAILED = -1


@dataclass(frozen=True)
class Task:
    """What a worker is asked to do."""

    number: int
    #: alert, follow_up or sweep
    kind: str
    body: bytes = b""


def work(tasks: Connection, environment: Mapping[str, str], ca_file: str) -> None:
    """The process: settings by the environment, then tasks until it is killed."""
    logging.getLogger("backup_retry").setLevel(logging.CRITICAL)
    os.environ.update(environment)
    asyncio.run(_work(tasks, ca_file))


async def _work(tasks: Connection, ca_file: str) -> None:
    settings = load_settings()
    trust = ssl.create_default_context(cafile=ca_file)
    async with AzureClients(settings, ssl_context=trust) as clients:
        worker = _Worker(await wiring.build(settings, clients), tasks)
        asyncio.get_running_loop().add_reader(tasks.fileno(), worker.take)
        await worker.over.wait()


class _Worker:
    """The parts of one process, at work."""

    def __init__(self, parts: Parts, tasks: Connection) -> None:
        self.over = asyncio.Event()
        self._parts = parts
        self._connection = tasks
        self._running: set[asyncio.Task[None]] = set()
        resolver = Resolver(
            vaults=parts.vaults,
            item_lookup=parts.item_lookup,
            clock=parts.clock,
            lookback=parts.settings.sweep_lookback,
            scope=parts.settings.scope,
        )
        self._reactor = SignalHandler(resolver=resolver, engine=parts.engine)

    def take(self) -> None:
        """Begin the task that has come in."""
        try:
            task = self._connection.recv()
        except EOFError:
            self.over.set()
            return
        running = asyncio.create_task(self._do(task))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _do(self, task: Task) -> None:
        try:
            answer = await self._answer(task)
        except BackupRetryError:
            answer = FAILED
        self._connection.send((task.number, answer))

    async def _answer(self, task: Task) -> int:
        if task.kind == "alert":
            return (await webhook.answer(task.body, self._give_reactor)).status
        if task.kind == "follow_up":
            return await self._follow_up()
        return await self._sweep()

    async def _give_reactor(self) -> SignalHandler:
        return self._reactor

    async def _follow_up(self) -> int:
        parts = self._parts
        follow_up = FollowUp(
            ledger=parts.ledger, engine=parts.engine, controls=parts.controls, clock=parts.clock
        )
        return (await follow_up.run()).open

    async def _sweep(self) -> int:
        """Incomplete counts as failed: the caller sweeps again."""
        parts = self._parts
        sweep = Sweep(
            graph=parts.estate(),
            vaults=parts.vaults,
            engine=parts.engine,
            controls=parts.controls,
            clock=parts.clock,
            profile=parts.settings.daily_sweep,
            scope=parts.settings.scope,
        )
        report = await sweep.run()
        return report.found if report.complete else FAILED
