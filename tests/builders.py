"""Small builders of the domain's values for tests; every argument has a default that makes a retryable failure."""

from datetime import UTC, datetime, timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.decisions import Close, Decision, Reason, Trigger, Wait
from backup_retry.domain.facts import ItemState
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import FailedJob, Job, JobError, JobStatus, Source

SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000001"
OTHER_SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000002"
#: what `tests.clock.Clock` shows before it is moved
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
#: when the first failure started and ended, unless a test says otherwise
STARTED = NOW - timedelta(minutes=40)
ENDED = NOW - timedelta(minutes=10)
#: one error code of every kind that the catalogue knows
PASSES = "CloudInternalError"
NEEDS_PERSON = "UserErrorVmProvisioningStateFailed"
LEFT_ALONE = "UserErrorJobSuccessfullyCancelled"
ITEM_IS_BUSY = "UserErrorBackupOperationInProgress"
UNKNOWN_CODE = "UserErrorThatNobodyHasSeenBefore"


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


def vault(name: str = "vault-1", subscription: str = SUBSCRIPTION) -> Vault:
    """A Recovery Services vault."""
    return Vault(subscription=subscription, resource_group="rg-backup", name=name)


def item(number: int = 1, of: Vault | None = None) -> ProtectedItem:
    """A protected VM called vm-01, vm-02 …."""
    vm = f"iaasvmcontainerv2;rg-app;vm-{number:02}"
    return ProtectedItem(vault=of or vault(), container=f"IaasVMContainer;{vm}", name=f"VM;{vm}")


def job(
    job_id: str = "job-1",
    *,
    of: ProtectedItem | None = None,
    status: JobStatus = JobStatus.FAILED,
    started_at: datetime = STARTED,
    ended_at: datetime | None = None,
    operation: str = "Backup",
    workload: str = "VM",
    activity_id: str = "",
    error: str | None = None,
    names_item: bool = True,
) -> Job:
    """A vault's job; one that has ended took half an hour."""
    backed_up = of or item()
    if ended_at is None and not status.running:
        ended_at = started_at + minutes(30)
    title = error if error is not None else (PASSES if status is JobStatus.FAILED else "")
    return Job(
        id=job_id,
        vault=backed_up.vault,
        workload=workload,
        operation=operation,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        activity_id=activity_id,
        entity_name=backed_up.friendly_name,
        item=backed_up if names_item else None,
        candidates=() if names_item else (backed_up,),
        error=JobError(title=title) if title else None,
    )


def failed(
    job_id: str = "job-1",
    *,
    of: ProtectedItem | None = None,
    status: JobStatus = JobStatus.FAILED,
    started_at: datetime = STARTED,
    ended_at: datetime | None = None,
    operation: str = "Backup",
    workload: str = "VM",
    activity_id: str = "",
    error: str | None = None,
) -> FailedJob:
    """A failed backup job, as the vault reports it."""
    backed_up = of or item()
    shown = job(
        job_id,
        of=backed_up,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        operation=operation,
        workload=workload,
        activity_id=activity_id,
        error=error,
    )
    return FailedJob.of(shown, backed_up)


def attempt(
    number: int = 1,
    *,
    claimed_at: datetime = ENDED,
    failed_at: datetime | None = ENDED,
    result: AttemptResult = AttemptResult.RUNNING,
    ended_at: datetime | None = None,
    operation_id: str = "",
    job_id: str = "",
) -> Attempt:
    """Attempt 1, 2, 3 … with the id attempt-1, attempt-2, attempt-3 …."""
    return Attempt(
        id=f"attempt-{number}",
        number=number,
        claimed_at=claimed_at,
        failed_at=failed_at,
        operation_id=operation_id,
        job_id=job_id,
        result=result,
        ended_at=ended_at,
    )


def incident(
    *attempts: Attempt,
    failure: FailedJob | None = None,
    state: State = State.WAITING,
    due: datetime = NOW,
    reason: Reason = Reason.NOTED,
    first_failed_at: datetime | None = None,
) -> Incident:
    """An open incident whose newest failure is the one given."""
    newest = failure or failed()
    return Incident(
        id="incident-1",
        item=newest.item,
        state=state,
        failure=newest,
        first_job_id=newest.id,
        first_failed_at=first_failed_at or newest.ended_at,
        first_error=newest.error,
        found_by=Source.ALERT,
        opened_at=newest.ended_at,
        due=due,
        reason=reason,
        attempts=attempts,
    )


def protected(state: str = "Protected", *, deleted: bool = False, kpi_title: str = "") -> ItemState:
    """What the vault says of an item that it backs up."""
    return ItemState(protection_state=state, deleted=deleted, kpi_title=kpi_title)


def in_short(decision: Decision) -> tuple[object, ...]:
    """A decision without the sentence for a person."""
    match decision:
        case Trigger():
            return (Trigger, decision.reason)
        case Wait():
            return (Wait, decision.reason, decision.until)
        case Close():
            return (Close, decision.reason, decision.outcome)
