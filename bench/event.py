"""An alert's way: how long our own part of it takes, and what it asks of Azure and of the ledger."""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from backup_retry.azure.tables import CONTROL
from bench.estates import EstatePlan, alert
from bench.figures import Figure, percentile
from bench.ground import App, Ground, ground
from bench.wire import ARM, GRAPH, LEDGER, Wire, waited

_ACCEPTED = 202


@dataclass(frozen=True, kw_only=True)
class Size:
    """So many alerts, and so many of them with Azure's latency."""

    alerts: int = 150
    slow: int = 20
    warm_up: int = 5


TINY = Size(alerts=3, slow=2, warm_up=1)


@dataclass(frozen=True, kw_only=True)
class Handled:
    """One alert; times are seconds."""

    total: float
    processor: float
    waiting: float
    waiting_for_azure: float
    arm_calls: int
    policies: int
    ledger_calls: int


async def measure(size: Size) -> list[Figure]:
    """One alert after the other; Azure's and the ledger's answers are taken off, so that they may come at once.

    Ten alerts a vault, fifty a subscription: more would have to wait for ARM's read bucket.
    """
    wanted = size.warm_up + size.alerts + size.slow
    plan = EstatePlan(subscriptions=-(-wanted // 50), vaults=5, machines=10)
    async with ground(plan) as place:
        logged = _LogSize()
        app = App()
        jobs = iter(list(enumerate(await place.fail(range(wanted)))))
        await _handled(place, app, [next(jobs) for _ in range(size.warm_up)])
        with logged:
            quick = await _handled(place, app, [next(jobs) for _ in range(size.alerts)])
        await place.slow()
        slow = await _handled(place, app, list(jobs))
        await app.close()
    return _figures(quick, slow, logged.size / len(quick))


async def _handled(place: Ground, app: App, jobs: Sequence[tuple[int, str]]) -> list[Handled]:
    return [await _one(place.wire, app, alert(place.plan, number, job)) for number, job in jobs]


async def _one(wire: Wire, app: App, body: object) -> Handled:
    payload = json.dumps(body).encode()
    wire.clear()
    began, spent = time.perf_counter(), time.process_time()
    status = await app.alert(payload)
    total, spent = time.perf_counter() - began, time.process_time() - spent
    if status != _ACCEPTED:
        raise RuntimeError(f"the webhook answered {status}")
    return Handled(
        total=total,
        processor=spent,
        waiting=waited(wire.sent),
        waiting_for_azure=waited(wire.to(ARM, GRAPH)),
        arm_calls=len(wire.to(ARM)),
        policies=sum("/backuppolicies/" in each.path.lower() for each in wire.to(ARM)),
        ledger_calls=sum(f"/{CONTROL}" not in each.path for each in wire.to(LEDGER)),
    )


def _figures(quick: Sequence[Handled], slow: Sequence[Handled], log_bytes: float) -> list[Figure]:
    own = [1000 * (each.total - each.waiting) for each in quick]
    with_ledger = [1000 * (each.total - each.waiting_for_azure) for each in quick]
    many = f"{len(quick)} alerts, one after the other; the time in which no request was under way"
    calls = f"mean of {len(quick)}, counted on the wire"
    return [
        Figure(key="event_own_p50", value=percentile(own, 50), note=many),
        Figure(key="event_own_p99", value=percentile(own, 99), note=many),
        Figure(
            key="event_cpu_p50",
            value=1000 * percentile([each.processor for each in quick], 50),
            note="of the app's process, with what HTTP and TLS take; other work on the machine matters less to it",
        ),
        Figure(key="event_ledger_p50", value=percentile(with_ledger, 50), note="the ledger is Azurite"),
        Figure(
            key="event_total_p50",
            value=1000 * percentile([each.total for each in slow], 50),
            note=f"{len(slow)} alerts, ARM answers after 150 ms",
        ),
        Figure(
            key="event_arm_calls",
            value=_mean([each.arm_calls - each.policies for each in quick]),
            note=f"{calls}; ten alerts a vault share its lists; besides, its policy once an hour",
        ),
        Figure(
            key="event_ledger_calls",
            value=_mean([each.ledger_calls for each in quick]),
            note=f"{calls}; besides, that alerts of its vault arrive, once in five minutes",
        ),
        Figure(key="event_log_bytes", value=log_bytes / 1000, note="our own text of all its lines"),
    ]


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 2)


class _LogSize(logging.Handler):
    """Counts the bytes that the app logs."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one line."""
        self.size += len(record.getMessage().encode())

    def __enter__(self) -> None:
        logger = logging.getLogger("backup_retry")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("backup_retry").removeHandler(self)
