"""What a month costs, from what was counted and Azure's list prices."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bench.figures import Figure
from bench.ground import REPOSITORY
from bench.prices import PRICES

RESULTS = REPOSITORY / "build" / "bench.json"
_DAYS, _FOLLOW_UPS_A_DAY = 30, 288
_INSTANCE_GB = 2.0
#: seconds; what is shorter is billed as this on Flex Consumption
_SHORTEST_EXECUTION = 1.0
#: an incident is looked at by so many follow-ups until its retry's job has ended: two hours
_LOOKS = 24
#: ledger requests of a follow-up that finds nothing open, and of closing an incident
_IDLE_REQUESTS, _CLOSING_REQUESTS = 4, 3
#: Application Insights adds columns of its own to each line
_LOG_FACTOR = 4
#: kB of log of a follow-up
_FOLLOW_UP_LOG = 0.6
_GB = 1e6
#: what the counts were when this was written, for a run of this measurement alone
_KNOWN: Mapping[str, float] = {"event_total_p50": 660.0, "event_ledger_calls": 4.0, "event_log_bytes": 2.1}


@dataclass(frozen=True, kw_only=True)
class Work:
    """A stretch of time, as Azure bills it."""

    executions: float
    gb_seconds: float
    transactions: float
    log_gb: float

    def dollars(self, *, free: bool = True) -> float:
        """What it costs; optionally without the free grants."""
        parts = {
            "executions": self.executions,
            "execution": self.gb_seconds,
            "tables": self.transactions,
            "logs": self.log_gb,
        }
        return sum(
            PRICES[name].of(units) if free else units * PRICES[name].dollars for name, units in parts.items()
        )


async def measure(_: object) -> list[Figure]:
    """A small and a large estate with one percent of failures a day, and one night of an outage."""
    counted = {**_KNOWN, **_counted()}
    small, large = _month(counted, items=1_000), _month(counted, items=100_000)
    outage = _failures(counted, 50_000)
    return [_figure("cost_small", small), _figure("cost_large", large), _figure("cost_outage", outage)]


def _figure(key: str, work: Work) -> Figure:
    free = f"{work.dollars(free=False):.2f} without free grants"
    note = f"{free}; {work.gb_seconds:,.0f} GB-s, {work.transactions:,.0f} table requests, {work.log_gb:.2f} GB log"
    return Figure(key=key, value=round(work.dollars(), 2), note=note)


def _counted() -> dict[str, float]:
    """The last run's counts."""
    if not RESULTS.is_file():
        return {}
    measured = json.loads(RESULTS.read_text(encoding="utf-8"))["measured"].values()
    return {figure["key"]: figure["value"] for each in measured for figure in each["figures"]}


def _month(counted: Mapping[str, float], items: int) -> Work:
    failed = _failures(counted, items * _DAYS // 100)
    follow_ups = _DAYS * _FOLLOW_UPS_A_DAY
    return Work(
        executions=failed.executions + follow_ups + _DAYS,
        gb_seconds=failed.gb_seconds
        + (follow_ups + _DAYS * items / 1000) * _SHORTEST_EXECUTION * _INSTANCE_GB,
        transactions=failed.transactions + follow_ups * _IDLE_REQUESTS,
        log_gb=failed.log_gb + follow_ups * _FOLLOW_UP_LOG * _LOG_FACTOR / _GB,
    )


def _failures(counted: Mapping[str, float], failures: int) -> Work:
    """Each detected by an alert, retried once and followed for two hours; calls share no instance, at worst."""
    seconds = max(_SHORTEST_EXECUTION, counted["event_total_p50"] / 1000)
    requests = counted["event_ledger_calls"] + _LOOKS + _CLOSING_REQUESTS
    return Work(
        executions=failures,
        gb_seconds=failures * seconds * _INSTANCE_GB,
        transactions=failures * requests,
        log_gb=failures * counted["event_log_bytes"] * _LOG_FACTOR / _GB,
    )
