"""A sweep that announces what it finds, and more and more instances of the app that Event Grid gives it to.

On one machine more processes bring no more processors, so Azure takes several times its usual time here: then waiting
is what an instance does, as in Azure, and the note says how busy the processors were all the same. What represents
the platform gives an instance two events at once, whose signals take all the places that it has.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from unittest.mock import patch

import aiohttp
from aiohttp import web

from backup_retry.domain import failure_batches
from bench.estates import EstatePlan
from bench.figures import Figure
from bench.ground import DIRECTORY, LATENCIES, App, Ground, ground
from bench.processors import busy_and_all
from reconciler import dispatch
from simulator.machine.ports import LOOPBACK, free_port
from simulator.machine.processes import ChildProcess

_ACCEPTED = 202
_START_SECONDS, _LONGEST, _LOOK_EVERY = 120.0, 180.0, 0.5
_EVENTS_AT_ONCE = 2
_CLOUD_EVENTS = "CloudEventSchemaV1_0"
_SETTINGS: Mapping[str, str] = {"SWEEP_DISPATCH": "eventgrid"}
#: about a job that no vault knows: the instance has imported everything, and made its parts
_WARM_UP = {
    "id": "warm-up",
    "type": failure_batches.FAILURE_FOUND,
    "source": "bench",
    "data": {"jobId": f"{EstatePlan().vault_of(0)}/backupJobs/00000000-0000-0000-0000-000000000000"},
}


@dataclass(frozen=True, kw_only=True)
class Size:
    """An estate all of whose machines failed, for each of these numbers of instances."""

    plan: EstatePlan
    instances: Sequence[int]
    #: so many times Azure's usual latency
    slower: float = 8.0
    #: failures in an event, of a hundred that the app puts into one: as many as it processes at once
    of_an_event: int = 8


TINY = Size(plan=EstatePlan(machines=4), instances=(2,), slower=0.2, of_an_event=2)
WHOLE = Size(plan=EstatePlan(subscriptions=16, vaults=2, machines=8), instances=(2, 4, 8))


@dataclass
class Platform:
    """Takes events, and gives each to an instance that has room for it."""

    http: aiohttp.ClientSession
    waiting: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    first: datetime | None = None

    async def take(self, request: web.Request) -> web.Response:
        """The endpoint of the event subscription."""
        if request.method == "OPTIONS":
            return web.Response(headers={"WebHook-Allowed-Origin": "*"})
        self.first = self.first or datetime.now(UTC)
        self.waiting.put_nowait(await request.read())
        return web.Response()

    async def keep_busy(self, port: int) -> None:
        """Give an instance one event after the other; one that it fails to handle comes again."""
        while True:
            event = await self.waiting.get()
            if not await self.give(port, event):
                self.waiting.put_nowait(event)

    async def give(self, port: int, event: bytes) -> bool:
        """Have an instance handle an event; whether it could."""
        async with self.http.post(f"http://{LOOPBACK}:{port}/", data=event) as response:
            return response.ok


@dataclass(frozen=True, kw_only=True)
class Swept:
    """One sweep by so many instances."""

    instances: int
    failures: int
    retries: int
    #: from the first event to the last retry
    seconds: float
    #: share of the processors' time in which something ran
    busy: float

    @property
    def rate(self) -> float:
        """Retries per second."""
        return self.retries / self.seconds


async def measure(size: Size) -> list[Figure]:
    """The same sweep for each number of instances, each time of another estate."""
    swept: list[Swept] = []
    async with ground(size.plan, _SETTINGS) as place, _platform() as (platform, url):
        os.environ["EVENTGRID_TOPIC_ENDPOINT"] = f"{place.addresses['arm']}/topics/own/api/events"
        app = App()
        for number, instances in enumerate(size.instances):
            plan = replace(size.plan, series=number)
            async with _started(instances, platform):
                failed = await _fail(place, plan, url, size.slower)
                with _small_events(size.of_an_event):
                    swept.append(await _one(failed, app, platform, instances))
        await app.close()
    return [*(_figure(size, each) for each in swept), _growth(swept)]


@asynccontextmanager
async def _platform() -> AsyncIterator[tuple[Platform, str]]:
    async with aiohttp.ClientSession() as http:
        platform, port = Platform(http), free_port()
        served = web.Application(client_max_size=2**20)
        served.router.add_route("*", "/events", platform.take)
        runner = web.AppRunner(served)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, port).start()
        try:
            yield platform, f"http://{LOOPBACK}:{port}/events"
        finally:
            await runner.cleanup()


@asynccontextmanager
async def _started(number: int, platform: Platform) -> AsyncIterator[None]:
    """So many instances, warm."""
    async with AsyncExitStack() as stack:
        ports = await asyncio.gather(*(_instance(each, stack) for each in range(number)))
        await asyncio.gather(*(platform.give(port, json.dumps(_WARM_UP).encode()) for port in ports))
        platform.first = None
        busy = [asyncio.create_task(platform.keep_busy(port)) for port in ports * _EVENTS_AT_ONCE]
        yield
        for task in busy:
            task.cancel()


async def _instance(number: int, stack: AsyncExitStack) -> int:
    process = await ChildProcess.start(
        f"instance {number}",
        [sys.executable, "-m", "bench.instance"],
        log_file=DIRECTORY / f"instance-{number}.log",
        environment=dict(os.environ),
    )
    stack.push_async_callback(process.stop)
    return int((await process.logged(r'\{"port": (\d+)\}', within=_START_SECONDS))[1])


async def _fail(place: Ground, plan: EstatePlan, url: str, slower: float) -> Ground:
    to_instances = {"topic": "own", "schema": _CLOUD_EVENTS, "endpoint": url}
    await place.sim("POST", "reset", plan.document() | {"event_subscriptions": [to_instances]})
    await place.fail(range(plan.size))
    await place.sim("PUT", "faults", [{**each, "seconds": each["seconds"] * slower} for each in LATENCIES])
    return replace(place, plan=plan)


@contextmanager
def _small_events(failures: int) -> Iterator[None]:
    with (
        patch.object(failure_batches, "MOST_FAILURES", failures),
        patch.object(dispatch, "MOST_FAILURES", failures),
    ):
        yield


async def _one(place: Ground, app: App, platform: Platform, instances: int) -> Swept:
    before = busy_and_all()
    await app.sweep()
    retries: list[datetime] = []
    for _ in range(int(_LONGEST / _LOOK_EVERY)):
        posts = await place.requests("/backup$", "POST")
        retries = [datetime.fromisoformat(each["time"]) for each in posts if each["status"] == _ACCEPTED]
        if len(retries) >= place.plan.size:
            break
        await asyncio.sleep(_LOOK_EVERY)
    after = busy_and_all()
    if platform.first is None or not retries:
        raise RuntimeError("no event came, or none led to a retry")
    return Swept(
        instances=instances,
        failures=place.plan.size,
        retries=len(retries),
        seconds=(max(retries) - platform.first).total_seconds(),
        busy=(after[0] - before[0]) / max(1.0, after[1] - before[1]),
    )


def _figure(size: Size, swept: Swept) -> Figure:
    note = (
        f"{swept.retries} retries of {swept.failures} failures in {swept.seconds:.1f} s from the first event; "
        f"{size.of_an_event} failures an event, Azure {size.slower:g} times as slow; "
        f"the processors were {100 * swept.busy:.0f} % busy"
    )
    return Figure(key=f"dispatch_{swept.instances}", value=swept.rate, note=note)


def _growth(swept: Sequence[Swept]) -> Figure:
    few, many = swept[0], swept[-1]
    note = (
        f"{many.instances} instances compared with {few.instances}; "
        f"{many.instances / few.instances:g} times at best"
    )
    return Figure(key="dispatch_growth", value=many.rate / few.rate, note=note)
