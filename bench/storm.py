"""A storm of alerts: a region was down, and its action groups call one instance of the app all at once.

The whole stack runs: Microsoft's worker library with the real function app, the simulated Azure, Azurite; and, on the
same processors, whoever calls.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import DefaultAzureCredential

from backup_retry.azure.incident_rows import job_key
from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import INCIDENTS
from backup_retry.wiring import clock
from bench.estates import EstatePlan, alert, failures
from bench.figures import Figure, percentile
from bench.ground import DIRECTORY, LATENCIES
from simulator.stack import Stack

_SUCCESS = range(200, 300)
#: Azure waits ten seconds for a webhook's answer
PATIENCE = aiohttp.ClientTimeout(total=10)
#: no timer fires by itself
NO_TIMERS = {"SWEEP_SCHEDULE": "0 0 0 1 1 *", "FOLLOW_UP_SCHEDULE": "0 0 0 1 1 *"}
_LONGEST_LOOK, _LOOK_SECONDS = 240.0, 0.5
_NOBODY: dict[str, Any] = {"action_groups": [], "event_subscriptions": []}


@dataclass(frozen=True, kw_only=True)
class Size:
    """So many alerts in so many seconds, about the vaults of an estate."""

    plan: EstatePlan
    seconds: float
    #: first, machines of a vault whose alerts come at a pace that the machine can follow
    steady: int
    steady_seconds: float


def _plan(subscriptions: int, vaults: int, machines: int) -> EstatePlan:
    as_azure_grants = {"hourly_reads": None}
    return EstatePlan(subscriptions=subscriptions, vaults=vaults, machines=machines, settings=as_azure_grants)


TINY = Size(plan=_plan(1, 1, 4), seconds=0.2, steady=1, steady_seconds=0.1)
#: five thousand in a minute
WHOLE = Size(plan=_plan(25, 4, 52), seconds=60.0, steady=2, steady_seconds=16.0)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a call got, and after how many seconds; 0: nothing."""

    status: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What Azure and the ledger have seen of it."""

    noted: int
    doubled: int
    arm_calls: int


async def measure(size: Size) -> list[Figure]:
    """Call the webhook at a steady pace; then hold Azure's log and the ledger against what was sent."""
    stack = Stack(NO_TIMERS, size.plan.document() | _NOBODY, directory=DIRECTORY / "storm")
    async with stack, aiohttp.ClientSession(timeout=PATIENCE) as http:
        jobs = await fail(http, stack, size.plan, LATENCIES)
        await warm_up(http, stack, size.plan)
        calm, all_at_once = _turns(size)
        url = stack.run.alerts_url
        steady = await calls(
            http, url, size, [(number, jobs[number]) for number in calm], size.steady_seconds
        )
        answers = await calls(
            http, url, size, [(number, jobs[number]) for number in all_at_once], size.seconds
        )
        later = await _process_deferred(http, stack)
        aftermath = await _aftermath(http, stack, jobs)
    return [_steady(size, steady), *_figures(size, answers, aftermath, later)]


def _turns(size: Size) -> tuple[Sequence[int], Sequence[int]]:
    """The machines of the steady part and of the storm, neighbours of different vaults."""
    plan = size.plan
    turns = sorted(range(plan.size), key=lambda number: number % plan.machines)
    calm = size.steady * plan.subscriptions * plan.vaults
    return turns[:calm], turns[calm:]


async def sim(http: aiohttp.ClientSession, stack: Stack, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
    """Call the simulator's admin API."""
    async with http.request(method, f"{stack.run.admin}/_sim/{path}", json=body) as response:
        response.raise_for_status()
        return await response.json()


async def fail(
    http: aiohttp.ClientSession, stack: Stack, plan: EstatePlan, latencies: Sequence[Mapping[str, Any]]
) -> list[str]:
    """A failed backup of every machine, in an Azure that takes its time; the jobs' ids."""
    started = await sim(http, stack, "POST", "backups", failures(range(plan.size)))
    await sim(http, stack, "PUT", "faults", list(latencies))
    return [each["job"] for each in started]


async def warm_up(http: aiohttp.ClientSession, stack: Stack, plan: EstatePlan) -> None:
    """One alert about a job that does not exist: the instance is up when the storm begins."""
    body = alert(plan, 0, "00000000-0000-0000-0000-000000000000")
    async with http.post(stack.run.alerts_url, json=body) as response:
        await response.read()


async def calls(
    http: aiohttp.ClientSession, url: str, size: Size, jobs: Sequence[tuple[int, str]], seconds: float
) -> list[Answer]:
    """Spread over so many seconds, whether the earlier calls have been answered or not."""
    pause = seconds / len(jobs)
    began = time.perf_counter()

    async def one(place: int, number: int, job: str) -> Answer:
        await asyncio.sleep(max(0.0, began + place * pause - time.perf_counter()))
        return await _call(http, url, alert(size.plan, number, job))

    return await asyncio.gather(*(one(place, *named) for place, named in enumerate(jobs)))


async def _call(http: aiohttp.ClientSession, url: str, body: object) -> Answer:
    began = time.perf_counter()
    try:
        async with http.post(url, json=body) as response:
            await response.read()
            status = response.status
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    return Answer(status=status, seconds=time.perf_counter() - began)


async def _process_deferred(http: aiohttp.ClientSession, stack: Stack) -> float:
    """Fire the follow-up, which processes deferred alerts first; the seconds until none is left."""
    run, began = stack.run, time.perf_counter()
    headers = {"x-functions-key": run.master_key}
    async with http.post(f"{run.host}/admin/functions/follow_up", json={}, headers=headers) as response:
        response.raise_for_status()
    async with _tables(stack) as service:
        inbox = TableInbox(service, clock)
        while await inbox.due(1) and time.perf_counter() - began < _LONGEST_LOOK:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(_LOOK_SECONDS)
    return time.perf_counter() - began


async def _aftermath(http: aiohttp.ClientSession, stack: Stack, jobs: Sequence[str]) -> Aftermath:
    calls = await sim(http, stack, "GET", "requests?path=^/subscriptions/")
    triggered = [each["path"].lower() for each in calls if each["method"] == "POST" and each["status"] == 202]  # noqa: PLR2004
    return Aftermath(
        noted=len({job_key(job) for job in jobs} & await _noted(stack)),
        doubled=len(triggered) - len(set(triggered)),
        arm_calls=len(calls),
    )


async def _noted(stack: Stack) -> set[str]:
    """The row keys of the failed jobs that the ledger knows."""
    async with _tables(stack) as service:
        query = "RowKey ge 'job-' and RowKey lt 'job.'"
        found = service.get_table_client(INCIDENTS).query_entities(query, select=["RowKey"])
        return {str(row["RowKey"]) async for row in found}


@asynccontextmanager
async def _tables(stack: Stack) -> AsyncIterator[TableServiceClient]:
    run = stack.run
    os.environ.update(IDENTITY_ENDPOINT=run.identity_endpoint, IDENTITY_HEADER=run.identity_header)
    options = {"connection_verify": run.ca_file}
    async with (
        DefaultAzureCredential() as credential,
        TableServiceClient(run.table_endpoint, credential=credential, **options) as service,
    ):
        yield service


def _steady(size: Size, answers: Sequence[Answer]) -> Figure:
    refused = sum(each.status not in _SUCCESS for each in answers)
    note = f"{len(answers)} calls in {size.steady_seconds:g} s, {refused} not answered 2xx"
    return Figure(key="steady_p99", value=percentile([each.seconds for each in answers], 99), note=note)


def _figures(size: Size, answers: Sequence[Answer], aftermath: Aftermath, later: float) -> list[Figure]:
    refused = [each for each in answers if each.status not in _SUCCESS]
    vaults = size.plan.subscriptions * size.plan.vaults
    how = f"{len(answers):,} calls in {size.seconds:g} s, {vaults} vaults; caller, Azure and app on the same processors"
    slowest = max(each.seconds for each in answers)
    return [
        Figure(
            key="storm_p99",
            value=percentile([each.seconds for each in answers], 99),
            note=f"{how}; slowest {slowest:.1f} s",
        ),
        Figure(key="storm_refused", value=len(refused), note="Azure repeats a call that was answered 503"),
        Figure(
            key="storm_lost",
            value=size.plan.size - aftermath.noted,
            note=f"by the ledger's rows, after the deferred ones were processed ({later:.0f} s)",
        ),
        Figure(key="storm_doubled", value=aftermath.doubled, note="by Azure's own log"),
        Figure(
            key="storm_vault_calls",
            value=aftermath.arm_calls / size.plan.size,
            note=f"{aftermath.arm_calls:,} in all",
        ),
    ]
