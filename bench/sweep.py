"""The sweep: what it asks for each retry, and how much of the rate that Azure allows it makes use of."""

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import mean
from typing import Any

from backup_retry.azure import pacing
from backup_retry.azure.tables import CONTROL, JOURNAL, OPEN
from bench.estates import EstatePlan
from bench.figures import Figure
from bench.ground import App, Ground, ground
from bench.wire import ARM, GRAPH, LEDGER, Sent

_ACCEPTED, _TOO_MANY_REQUESTS = 202, 429
#: failures of a vault; twenty with the same error would be a storm, of which one goes first
_OF_A_VAULT = 11


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many failures are swept."""

    unlimited: int = 220
    one: int = 150
    of_each: int = 9
    subscriptions: int = 50


TINY = Size(unlimited=4, one=5, of_each=3, subscriptions=2)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """One sweep, as Azure and the wire saw it; times are seconds."""

    plan: EstatePlan
    took: float
    retries: int
    #: from the first to the last retry that Azure accepted, on average over the subscriptions
    until_last: float
    throttled: int
    sent: list[Sent]


@dataclass(frozen=True, kw_only=True)
class WriteBucket:
    """ARM's write bucket of each subscription, scaled down so that seconds suffice to empty it."""

    capacity: int
    refill: float

    def seconds_for(self, writes: float) -> float:
        """How long so many writes to one subscription take at best."""
        return max(0.0, writes - self.capacity) / self.refill


async def measure(size: Size) -> list[Figure]:
    """A sweep without a limit, then one and many subscriptions with scaled buckets; ARM answers after 150 ms."""
    free = _plan(size.unlimited, subscriptions=10, series=1)
    async with ground(free) as place:
        app = App()
        nothing = await _empty(place, app)
        unlimited = await _swept(place, app)
        one = await _limited(place, app, _plan(size.one, series=2), WriteBucket(capacity=3, refill=10))
        many_plan = EstatePlan(subscriptions=size.subscriptions, machines=size.of_each, series=3)
        many = await _limited(place, app, many_plan, WriteBucket(capacity=2, refill=0.3))
        await app.close()
    return [*nothing, *_calls(unlimited), _own_rate(unlimited), *_rates(one, many)]


def _plan(failures: int, *, series: int, subscriptions: int = 1) -> EstatePlan:
    vaults = math.ceil(failures / subscriptions / _OF_A_VAULT)
    machines = math.ceil(failures / subscriptions / vaults)
    return EstatePlan(subscriptions=subscriptions, vaults=vaults, machines=machines, series=series)


async def _empty(place: Ground, app: App) -> list[Figure]:
    """A sweep that finds nothing; the first sweep of the process also makes the tables, so that the second counts."""
    await app.sweep()
    place.wire.clear()
    await app.sweep()
    writes = [each for each in place.wire.to(LEDGER) if each.method != "GET"]
    return [
        Figure(
            key="sweep_empty_arm_calls",
            value=len(place.wire.to(ARM)),
            note="besides one list of each vault's policies, at most once an hour",
        ),
        Figure(
            key="sweep_empty_pages",
            value=len(place.wire.to(GRAPH)),
            note="two for the subscriptions' names, one each for the failures, the vaults that there are and the items",
        ),
        Figure(
            key="sweep_empty_writes",
            value=len(writes),
            note="its heartbeat, its lease twice, the count of protected items, and their days (fifty vaults each)",
        ),
    ]


async def _swept(place: Ground, app: App) -> Swept:
    await place.fail(range(place.plan.size))
    await place.slow()
    place.wire.clear()
    began = time.perf_counter()
    await app.sweep()
    took = time.perf_counter() - began
    posts = await place.requests("/backup$", "POST")
    accepted = [each for each in posts if each["status"] == _ACCEPTED]
    return Swept(
        plan=place.plan,
        took=took,
        retries=len(accepted),
        until_last=_span(accepted),
        throttled=sum(each["status"] == _TOO_MANY_REQUESTS for each in posts),
        sent=list(place.wire.sent),
    )


def _span(posts: Sequence[Mapping[str, Any]]) -> float:
    times: dict[str, list[datetime]] = defaultdict(list)
    for each in posts:
        times[each["subscription"]].append(datetime.fromisoformat(each["time"]))
    return mean((max(own) - min(own)).total_seconds() for own in times.values())


async def _limited(
    place: Ground, app: App, plan: EstatePlan, bucket: WriteBucket
) -> tuple[Swept, WriteBucket]:
    """A sweep with this bucket at Azure's end, and with the app told that Azure's buckets are of this size."""
    buckets = {"writes": bucket.capacity, "write_refill": bucket.refill}
    limited = await place.reset(replace(plan, settings={"arm_buckets": buckets}))
    with _told(bucket):
        return await _swept(limited, app), bucket


@contextmanager
def _told(bucket: WriteBucket) -> Iterator[None]:
    """Whose calls wait for their turn as long as the scaled bucket makes them wait."""
    known, patience = pacing.WRITES, pacing.PATIENCE
    pacing.WRITES = replace(known, capacity=bucket.capacity, refill=bucket.refill)
    pacing.PATIENCE = pacing.SWEEPS_PATIENCE
    try:
        yield
    finally:
        pacing.WRITES, pacing.PATIENCE = known, patience


def _calls(swept: Swept) -> list[Figure]:
    arm = [each for each in swept.sent if each.to == ARM]
    lists = [each for each in arm if each.path.lower().endswith("/backupjobs")]
    policies = [each for each in arm if "/backuppolicies" in each.path.lower()]
    ledger = [each for each in swept.sent if each.to == LEDGER and not _is_its_own(each)]
    vaults = swept.plan.subscriptions * swept.plan.vaults
    own = len(arm) - len(lists) - len(policies)
    how = f"{swept.retries} retries in {vaults} vaults, counted on the wire"
    return [
        Figure(
            key="sweep_arm_calls",
            value=round(own / swept.retries, 2),
            note=f"{how}; besides, a vault's policy once an hour",
        ),
        Figure(key="sweep_lists", value=round(len(lists) / vaults, 2), note=how),
        Figure(key="sweep_ledger_calls", value=round(len(ledger) / swept.retries, 2), note=how),
    ]


def _is_its_own(sent: Sent) -> bool:
    """Heartbeats, pauses and the look at protection are a sweep's own, however much it finds."""
    table = sent.path.partition("/devstoreaccount1/")[2]
    return table.startswith(CONTROL) or (sent.method == "GET" and table.startswith((JOURNAL, OPEN)))


def _own_rate(swept: Swept) -> Figure:
    note = (
        f"{swept.retries} retries in {swept.took:.1f} s; Azurite and the simulated Azure share the processors"
    )
    return Figure(key="rate_own", value=swept.retries / swept.took, note=note)


def _rates(one: tuple[Swept, WriteBucket], many: tuple[Swept, WriteBucket]) -> list[Figure]:
    both = [one[0], many[0]]
    answers = sum(each.retries + each.throttled for each in both)
    return [
        _rate("rate_1", *one),
        _rate("rate_50", *many),
        Figure(
            key="rate_throttled",
            value=100 * sum(each.throttled for each in both) / answers,
            note=f"of {answers} triggers",
        ),
    ]


def _rate(key: str, swept: Swept, bucket: WriteBucket) -> Figure:
    fastest = bucket.seconds_for(swept.retries / swept.plan.subscriptions)
    note = (
        f"{swept.retries} of {swept.plan.size} failures in {swept.until_last:.1f} s, at best {fastest:.1f} s; "
        f"scaled bucket: {bucket.capacity} + {bucket.refill:g}/s each"
    )
    return Figure(key=key, value=100 * min(1.0, fastest / max(swept.until_last, 1e-3)), note=note)
