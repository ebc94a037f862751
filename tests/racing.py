"""Workers that compete for one failed job: claims by tasks and by processes of their own."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from backup_retry.azure.table_ledger import TableLedger
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.domain.journal import Step, StepKind
from backup_retry.ports.ledger import Ledger
from tests.table_storage import table_service

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Race:
    """What a process competes for, one failed job after the other."""

    endpoint: str
    ca_file: str
    failures: Sequence[FailedJob]


async def note_and_claim(ledger: Ledger, failed: FailedJob) -> str | None:
    """Note a failure and claim it with the same write, as the engine does; the attempt's id, or None when beaten."""
    now = datetime.now(UTC)
    record = await ledger.load(failed.item, failed.id)
    if record.job_known or record.incident is not None:
        return None
    claimed = Incident.open(failed, Source.ALERT, now).claimed(now, timedelta(minutes=5))
    step = Step(at=now, kind=StepKind.CLAIMED, incident_id=claimed.id, attempt_id=claimed.attempts[0].id)
    saved = await ledger.save(claimed, [step], failed.id)
    return saved.attempts[0].id if saved else None


def compete(race: Race, start: Barrier, claims: "Queue[list[str | None]]") -> None:
    """One process of a race: all of them start on each failure together."""
    claims.put(asyncio.run(_compete(race, start)))


async def _compete(race: Race, start: Barrier) -> list[str | None]:
    trust = ssl.create_default_context(cafile=race.ca_file)
    async with table_service(race.endpoint, trust) as (service, _):
        ledger = TableLedger(service, lambda: datetime.now(UTC))
        await ledger.open_incidents()  # the connection is open before the start
        claimed: list[str | None] = []
        for failed in race.failures:
            start.wait(_PATIENCE_SECONDS)
            claimed.append(await note_and_claim(ledger, failed))
        return claimed


def finish(processes: Sequence[BaseProcess]) -> list[int | None]:
    """Wait for all processes; their exit codes."""
    for process in processes:
        process.join(_PATIENCE_SECONDS)
    return [process.exitcode for process in processes]
