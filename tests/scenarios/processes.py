"""Real processes on a real Azurite: thousands of alerts, several times each, while workers are killed throughout.

    python -m tests.scenarios.processes --workers 8 --jobs 2000 --deliveries 4

The workers run the real engine with the Table Storage ledger and the Recovery Services adapter, against Azurite and the
simulator. Afterwards the simulator's own log is held against the ledger.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backup_retry.azure.table_ledger import TableLedger
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.incident import Incident
from simulator.azurite import DEFAULT_DIRECTORY, Azurite
from simulator.estate.outcomes import ALREADY_RUNNING, error_titled
from simulator.estate.state import Item, Job, JobStatus, Outcome
from simulator.server import RunningServer, ServerConfig, serve
from tests.model.courier import alert_body
from tests.model.faults import dice
from tests.scenarios.crew import Crew
from tests.scenarios.worker_process import FAILED
from tests.table_storage import table_service

_SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000001"
_VMS_PER_VAULT = 25
_TRIES = 6
_LOOK_EVERY = 0.25
_FAILURE = Outcome(status=JobStatus.FAILED, seconds=0.3, error=error_titled("CloudInternalError"))
#: what goes wrong on the way to Azure, beside the killing
FAULTS: Sequence[Mapping[str, Any]] = (
    {"name": "drop_answer", "match": "^POST .*/backup", "probability": 0.04},
    {"name": "drop_request", "match": "^POST .*/backup", "probability": 0.03},
    {"name": "server_error", "match": "^POST .*/backup", "probability": 0.03, "status": 500},
    {"name": "throttle", "match": "^POST .*/backup", "probability": 0.02, "retry_after": 1},
    {"name": "latency", "match": "/backup", "probability": 0.02, "seconds": 0.5},
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large a race is."""

    workers: int = 4
    jobs: int = 120
    deliveries: int = 4
    #: seconds from one killed process to the next
    kill_every: float = 1.0
    #: share of failures that no alert tells of: only the sweep finds them
    lost: float = 0.05
    seed: int = 1
    #: how long to wait at most for the last incident to be closed
    patience: float = 40.0
    settle_after: str = "5s"
    claim_lease: str = "4s"
    #: seconds from one follow-up to the next
    follow_up_every: float = 1.0
    alerts_at_once: int = 16


@dataclass(kw_only=True)
class Verdict:
    """What Azure's log and the ledger say of each other afterwards."""

    failures: int
    triggers: int
    kills: int
    seconds: float
    deliveries: Counter[str]
    outcomes: Counter[str]
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = [
            f"{self.failures} failed jobs, {self.triggers} triggers in Azure's log",
            f"{self.kills} processes killed, {self.seconds:.0f} s",
            *(f"  {number:>7}  deliveries: {what}" for what, number in self.deliveries.most_common()),
            *(f"  {number:>7}  {what}" for what, number in self.outcomes.most_common()),
            f"problems: {len(self.problems)}",
            *(f"  {problem}" for problem in self.problems[:50]),
        ]
        return "\n".join(rows)


class Race:
    """One race from its estate to its verdict."""

    def __init__(self, plan: Plan, server: RunningServer, crew: Crew) -> None:
        self._plan = plan
        self._server = server
        self._crew = crew
        self._random = dice(plan.seed)
        self._deliveries: Counter[str] = Counter()
        self._began = time.monotonic()
        self.failed = [self._fail(item) for item in server.azure.items]

    async def run(self) -> None:
        """Deliver, kill, follow up; then sweep, and follow up until nothing is open."""
        harassment = [asyncio.create_task(self._kill()), asyncio.create_task(self._follow_up())]
        await self._deliver_all()
        for task in harassment:
            task.cancel()
        await asyncio.wait(harassment)
        self._server.faults.arm([])
        await self._until_peace()

    async def judge(self, ledger: TableLedger) -> Verdict:
        """Hold Azure's log against the ledger."""
        await asyncio.sleep(0)
        heads: dict[str, Incident | None] = {}
        for job in self.failed:
            heads[job.name] = (await ledger.load(_item(job.item))).incident
        posts = [
            entry["client_request_id"] for entry in self._server.simulator.requests.find("/backup$", "POST")
        ]
        return Verdict(
            failures=len(self.failed),
            triggers=len(posts),
            kills=self._crew.kills,
            seconds=time.monotonic() - self._began,
            deliveries=self._deliveries,
            outcomes=Counter(
                f"{head.outcome}: {head.reason}" if head else "missed" for head in heads.values()
            ),
            problems=[
                *_sent_twice(posts),
                *_sent_without_claim(posts, heads.values()),
                *(problem for job in self.failed for problem in _of_item(job, heads[job.name])),
            ],
        )

    def _fail(self, item: Item) -> Job:
        failures = self._random.choices((0, 1, 3), (80, 17, 3))[0]
        item.next_outcomes.extend([_FAILURE] * failures)
        now = datetime.now(UTC)
        return self._server.azure.run_job(item, _FAILURE, now=now, age=timedelta(seconds=60))

    async def _deliver_all(self) -> None:
        told = [job for job in self.failed if self._random.random() >= self._plan.lost]
        alerts = told * self._plan.deliveries
        self._random.shuffle(alerts)
        at_once = asyncio.Semaphore(self._plan.alerts_at_once)

        async def deliver(job: Job) -> None:
            async with at_once:
                await self._deliver(job)

        await asyncio.gather(*(deliver(job) for job in alerts))

    async def _deliver(self, job: Job) -> None:
        body = alert_body(_item(job.item), job.name)
        for _ in range(_TRIES):
            status = await self._crew.ask("alert", body)
            self._deliveries["worker died" if status is None else str(status)] += 1
            if status in {200, 202}:
                return
            await asyncio.sleep(self._random.random() / 2)

    async def _kill(self) -> None:
        while True:
            await asyncio.sleep(self._plan.kill_every * self._random.uniform(0.5, 1.5))
            self._crew.kill_one()

    async def _follow_up(self) -> None:
        while True:
            await asyncio.sleep(self._plan.follow_up_every)
            await self._crew.ask("follow_up")

    async def _until_peace(self) -> None:
        async with asyncio.timeout(self._plan.patience):
            await self._until("sweep", lambda answer: answer not in {None, FAILED})
            await self._until("follow_up", lambda still_open: still_open == 0)

    async def _until(self, task: str, done: Callable[[int | None], bool]) -> None:
        while not done(await self._crew.ask(task)):  # noqa: ASYNC110  # the answer comes from another process
            await asyncio.sleep(_LOOK_EVERY)


def _sent_twice(posts: Sequence[str]) -> list[str]:
    return [
        f"attempt {each} reached Azure {times} times" for each, times in Counter(posts).items() if times > 1
    ]


def _sent_without_claim(posts: Sequence[str], heads: "Sequence[Incident | None] | Any") -> list[str]:
    claimed = {attempt.id for head in heads if head for attempt in head.attempts}
    return [
        f"attempt {each} stands in Azure's log and not in the ledger" for each in posts if each not in claimed
    ]


def _of_item(failed: Job, head: Incident | None) -> list[str]:
    """What is wrong with one item's story."""
    where = f"{failed.item.friendly_name}: "
    if head is None:
        return [f"{where}missed"]
    retries = [job for job in failed.item.jobs if job.user_triggered]
    ours = {attempt.id for attempt in head.attempts}
    completed = any(job.status.made_recovery_point for job in retries)
    wrong = {
        "still open": head.is_open,
        f"opened for job {head.first_job_id}": head.first_job_id != failed.name,
        "a job that no attempt started": any(job.activity_id not in ours for job in retries),
        "triggered while a backup was running": any(job.outcome.error == ALREADY_RUNNING for job in retries),
        f"{head.outcome}, against what the vault says": completed != (head.outcome == "recovered"),
        "backed up again after a success": any(job.status.made_recovery_point for job in retries[:-1]),
    }
    return [where + problem for problem, is_so in wrong.items() if is_so]


def _item(item: Item) -> ProtectedItem:
    parsed = ProtectedItem.parse(item.id)
    if parsed is None:
        raise ValueError(item.id)
    return parsed


def _estate(plan: Plan) -> dict[str, Any]:
    vms = [{"vm": f"vm-{number:04}", "resource_group": "rg-app"} for number in range(plan.jobs)]
    vaults = [
        {
            "subscription": _SUBSCRIPTION,
            "resource_group": "rg-backup",
            "name": f"vault-{start // _VMS_PER_VAULT}",
            "items": vms[start : start + _VMS_PER_VAULT],
        }
        for start in range(0, plan.jobs, _VMS_PER_VAULT)
    ]
    plenty = {"writes": 10**6, "write_refill": 10**6, "reads": 10**6, "read_refill": 10**6}
    return {
        "subscriptions": [{"id": _SUBSCRIPTION, "name": "Race"}],
        "vaults": vaults,
        "action_groups": [],
        "settings": {
            "backup_seconds": 0.5,
            "operation_seconds": 0.1,
            "arm_buckets": plenty,
            "hourly_reads": 10**6,
        },
    }


async def race(plan: Plan, directory: Path) -> Verdict:
    """Run one race."""
    # a killed worker's connections break in the middle of a call, which aiohttp reports as errors
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    async with await serve(ServerConfig(ca_directory=directory / "tls", estate=_estate(plan))) as server:
        log_file = directory / "azurite.log"
        async with Azurite(DEFAULT_DIRECTORY, server.certificates, log_file=log_file) as azurite:
            trust = server.certificates.client_context()
            async with table_service(azurite.endpoint, trust) as (service, _):
                ledger = TableLedger(service, lambda: datetime.now(UTC))
                await ledger.create_tables()
                ca_file = str(server.certificates.ca_file)
                settings = _settings(plan, server, azurite)
                async with Crew(plan.workers, settings, ca_file, dice(plan.seed)) as crew:
                    server.faults.arm(FAULTS, plan.seed)
                    contest = Race(plan, server, crew)
                    await contest.run()
                    return await contest.judge(ledger)


def _settings(plan: Plan, server: RunningServer, azurite: Azurite) -> dict[str, str]:
    return {
        "LEDGER_ENDPOINT": azurite.endpoint,
        "ARM_ENDPOINT": server.arm_url,
        "IDENTITY_ENDPOINT": server.identity_endpoint,
        "IDENTITY_HEADER": server.identity_header,
        "RETRY_BACKOFF": "0s,1s,1s",
        "SETTLE_AFTER": plan.settle_after,
        "CLOCK_DIFFERENCE": "0s",
        "CLAIM_LEASE": plan.claim_lease,
        "SCHEDULE_MARGIN": "0s",
        "STORM_SIZE": "100000",  # they all fail alike
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.scenarios.processes", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--deliveries", type=int, default=4)
    parser.add_argument("--kill-every", type=float, default=3.0, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    plan = Plan(
        **vars(parser.parse_args(arguments)),
        patience=300.0,
        settle_after="30s",
        claim_lease="20s",
        follow_up_every=5.0,
    )
    with TemporaryDirectory() as directory:
        verdict = asyncio.run(race(plan, Path(directory)))
    sys.stdout.write(f"{plan}\n{verdict}\n")
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
