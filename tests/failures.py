"""Failures of VMs and their incidents, for tests that run against real parts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, JobError, JobStatus, Source
from backup_retry.domain.journal import Step, StepKind
from backup_retry.ports.ledger import Ledger

VAULT = Vault(subscription="aaaaaaaa-0000-0000-0000-000000000001", resource_group="rg-backup", name="vault-1")
_LEASE = timedelta(minutes=5)
_RECOVERED = Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED, detail="done")
_numbers = count(1)


def vm_item(vm: str = "", vault: Vault = VAULT) -> ProtectedItem:
    """The item of a VM in `rg-app`; without a name one that no test has had before."""
    name = f"iaasvmcontainerv2;rg-app;{vm or f'vm-{next(_numbers)}-{uuid4().hex[:8]}'}"
    return ProtectedItem(vault=vault, container=f"IaasVMContainer;{name}", name=f"VM;{name}")


def failed_job(item: ProtectedItem | None = None, at: datetime | None = None, **changes: object) -> FailedJob:
    """A scheduled backup of the item that failed after ten minutes."""
    started_at = at or datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    failed = FailedJob(
        id=str(uuid4()),
        item=item or vm_item(),
        workload="VM",
        operation="Backup",
        status=JobStatus.FAILED,
        started_at=started_at,
        ended_at=started_at + timedelta(minutes=10),
        activity_id=str(uuid4()),
        error=JobError(title="CloudInternalError", code=400199, message="Something broke."),
    )
    return replace(failed, **changes)  # type: ignore[arg-type]


def opened(failed: FailedJob | None = None) -> Incident:
    """A new incident."""
    failed = failed or failed_job()
    return Incident.open(failed, Source.ALERT, failed.ended_at)


def claimed(incident: Incident) -> Incident:
    """The incident with one more attempt in flight, ten minutes later."""
    return incident.claimed(incident.due + timedelta(minutes=10), _LEASE)


def closed(incident: Incident) -> Incident:
    """The incident, over."""
    return incident.closed(_RECOVERED, incident.due + timedelta(hours=1))


def step(incident: Incident, kind: StepKind, **fields: str) -> Step:
    """A line of the incident's journal."""
    return Step(at=incident.due, kind=kind, incident_id=incident.id, **fields)


async def noted(ledger: Ledger, incident: Incident) -> Incident:
    """The incident as stored together with its first failed job."""
    saved = await ledger.save(incident, [step(incident, StepKind.NOTED)], incident.first_job_id)
    assert saved is not None
    return saved


async def saved(ledger: Ledger, incident: Incident) -> Incident:
    """The incident after a save that nobody interferes with."""
    stored = await ledger.save(incident)
    assert stored is not None
    return stored


async def open_of(ledger: Ledger, item: ProtectedItem) -> list[Incident]:
    """The item's open incidents, among those of other tests."""
    return [incident for incident in await ledger.open_incidents() if incident.item.key == item.key]
