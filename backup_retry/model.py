"""The words of the domain: vaults, protected items, jobs, what the vault says of them, decisions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backup_retry.schedule import BackupPolicy

# ASCII: without it, [a-z] would take the Kelvin sign for a k.
_FLAGS = re.IGNORECASE | re.ASCII
# Dots alone would climb out of the path once a URL is normalised.
_LETTER = r"[^/?#\s\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_SEGMENT = rf"(?!\.+(?:/|$)){_LETTER}+(?: {_LETTER}+)*"
_VAULT_ID = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    rf"/resourcegroups/(?P<resource_group>{_SEGMENT})"
    r"/providers/microsoft\.recoveryservices/vaults/(?P<name>[a-z][a-z0-9-]{1,49})",
    _FLAGS,
)
_ITEM_TAIL = re.compile(
    rf"/backupfabrics/azure/protectioncontainers/(?P<container>{_SEGMENT})"
    rf"/protecteditems/(?P<name>{_SEGMENT})",
    _FLAGS,
)
_JOB_TAIL = re.compile(r"/backupjobs/(?P<job>[0-9a-z-]{1,64})", _FLAGS)
_MACHINES = {
    "iaasvmcontainer": "microsoft.compute/virtualmachines",
    "vmappcontainer": "microsoft.compute/virtualmachines",
    "storagecontainer": "microsoft.storage/storageaccounts",
}
_MACHINE_PARTS = 3
JOB_ID = re.compile(r"[0-9a-z-]{1,64}", _FLAGS)


class Source(StrEnum):
    """Who told us of a failure."""

    ALERT = "alert"
    EVENT = "event"
    SWEEP = "sweep"
    #: a person, by the command line
    OPERATOR = "operator"


class JobStatus(StrEnum):
    """A job's state as Recovery Services writes it; an unknown one counts as running until it is known."""

    IN_PROGRESS = "InProgress"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    COMPLETED = "Completed"
    COMPLETED_WITH_WARNINGS = "CompletedWithWarnings"
    FAILED = "Failed"

    @property
    def succeeded(self) -> bool:
        """True when the job made a recovery point."""
        return self in {JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_WARNINGS}

    @property
    def running(self) -> bool:
        """True while the job has not ended."""
        return self in {JobStatus.IN_PROGRESS, JobStatus.CANCELLING}


@dataclass(frozen=True, kw_only=True)
class Vault:
    """A Recovery Services vault; ids keep the casing they came with, keys compare."""

    subscription: str
    resource_group: str
    name: str

    @property
    def id(self) -> str:
        """The vault's ARM id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.RecoveryServices/vaults/{self.name}"
        )

    @property
    def key(self) -> str:
        """The ARM id, lower-cased: ARM compares ids without case."""
        return self.id.lower()

    @classmethod
    def parse(cls, arm_id: str) -> "Vault | None":
        """The vault that an ARM id names, or None; anything below the vault is ignored."""
        match = _VAULT_ID.match(arm_id)
        if match is None or arm_id[match.end() : match.end() + 1] not in {"", "/"}:
            return None
        return cls(
            subscription=match["subscription"].lower(),
            resource_group=match["resource_group"],
            name=match["name"],
        )


@dataclass(frozen=True, kw_only=True)
class ProtectedItem:
    """What is backed up, as the vault names it."""

    vault: Vault
    container: str
    name: str

    @property
    def id(self) -> str:
        """The protected item's ARM id."""
        container = f"{self.vault.id}/backupFabrics/Azure/protectionContainers/{self.container}"
        return f"{container}/protectedItems/{self.name}"

    @property
    def key(self) -> str:
        """The ARM id, lower-cased: the identity of an item everywhere in this project."""
        return self.id.lower()

    @property
    def machine_group(self) -> str:
        """The resource group of the protected machine or account, or "" where the item's names do not tell it."""
        return self._machine[0]

    @property
    def machine_id(self) -> str:
        """The ARM id of the protected machine or account, lower-cased, or "" where the names do not tell it."""
        group, name, kind = self._machine
        return (
            f"/subscriptions/{self.vault.subscription}/resourcegroups/{group}/providers/{kind}/{name}".lower()
            if kind
            else ""
        )

    @property
    def _machine(self) -> tuple[str, str, str]:
        """Group, name and type: a container is named like VMAppContainer;Compute;group;machine."""
        kind, *rest = self.container.lower().split(";")
        known = _MACHINES.get(kind, "")
        return (rest[1], rest[2], known) if known and len(rest) == _MACHINE_PARTS else ("", "", "")

    @property
    def friendly_name(self) -> str:
        """What a person calls it: the last part of the item's name."""
        return self.name.rsplit(";", 1)[-1]

    @classmethod
    def parse(cls, arm_id: str) -> "ProtectedItem | None":
        """The item that an ARM id names, or None where it names none."""
        vault = Vault.parse(arm_id)
        tail = _ITEM_TAIL.fullmatch(arm_id[_vault_length(arm_id) :]) if vault else None
        if vault is None or tail is None:
            return None
        return cls(vault=vault, container=tail["container"], name=tail["name"])


def _vault_length(arm_id: str) -> int:
    match = _VAULT_ID.match(arm_id)
    return match.end() if match else 0


def parse_job_id(arm_id: str) -> tuple[Vault, str] | None:
    """The vault and the bare job id that a job's ARM id names, or None where it names none."""
    vault = Vault.parse(arm_id)
    tail = _JOB_TAIL.fullmatch(arm_id[_vault_length(arm_id) :]) if vault else None
    return (vault, tail["job"]) if vault and tail else None


@dataclass(frozen=True, kw_only=True)
class JobError:
    """Why a job failed, as the service says it."""

    #: the code's name, such as UserErrorVmProvisioningStateFailed; empty where the service gave none
    title: str = ""
    #: the code's number, such as 400160
    code: int | None = None
    message: str = ""

    @property
    def label(self) -> str:
        """The shortest name a person can search for."""
        return self.title or (str(self.code) if self.code is not None else "no error code")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of a vault, as the vault reports it."""

    id: str
    vault: Vault
    #: AzureIaasVM, AzureWorkload, AzureStorage, MAB, DPM …
    management_type: str
    #: Backup, Restore, ConfigureBackup, DeleteBackupData, "Backup (Log)" …
    operation: str
    status: JobStatus
    started_at: datetime
    ended_at: datetime | None = None
    #: the x-ms-client-request-id of whoever started it
    activity_id: str = ""
    entity_name: str = ""
    #: the item, where the job itself names it
    item: ProtectedItem | None = None
    error: JobError | None = None

    @property
    def is_backup(self) -> bool:
        """True for a backup of any kind, false for restores, configuration and the rest."""
        return self.operation.lower().split(" ")[0] == "backup"

    @property
    def failed(self) -> bool:
        """True when the job ended without a recovery point."""
        return self.status in {JobStatus.FAILED, JobStatus.CANCELLED}

    @property
    def protects_anew(self) -> bool:
        """True for a job that sets protection up or deletes its data: older failures no longer matter."""
        return self.operation.lower() in {"configurebackup", "deletebackupdata", "disablebackup"}

    def is_of(self, item: ProtectedItem) -> bool:
        """True when this job belongs to the item; one that does not name it is matched by friendly name."""
        if self.vault.key != item.vault.key:
            return False
        if self.item is not None:
            return self.item.key == item.key
        return self.entity_name.split(" [")[0].lower() == item.friendly_name.lower()


@dataclass(frozen=True, kw_only=True)
class FailedJob:
    """A backup job that the vault itself reports as failed or cancelled."""

    id: str
    item: ProtectedItem
    management_type: str
    operation: str
    status: JobStatus
    started_at: datetime
    ended_at: datetime
    activity_id: str = ""
    error: JobError = JobError()

    @classmethod
    def of(cls, job: Job, item: ProtectedItem) -> "FailedJob":
        """A vault's job that ended badly, as a failure of the item."""
        return cls(
            id=job.id,
            item=item,
            management_type=job.management_type,
            operation=job.operation,
            status=job.status,
            started_at=job.started_at,
            ended_at=job.ended_at or job.started_at,
            activity_id=job.activity_id,
            error=job.error or JobError(),
        )


@dataclass(frozen=True, kw_only=True)
class JobList:
    """A vault's jobs, newest first, as they were when the vault was asked."""

    read_at: datetime
    jobs: Sequence[Job]


@dataclass(frozen=True, kw_only=True)
class ItemState:
    """What the vault says about a protected item now."""

    protection_state: str
    #: soft-deleted: kept for a while, backed up no more
    deleted: bool = False
    #: title of the item's backup KPI, where the string code (UserError…) stands
    kpi_title: str = ""
    last_recovery_point: datetime | None = None
    policy_id: str = ""
    #: when and for how long the item is backed up; None: not known
    policy: BackupPolicy | None = None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What the vault says about an accepted trigger: Succeeded means no more than that a job was made."""

    #: InProgress, Succeeded, Failed …
    status: str
    job_id: str = ""
    error: JobError | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about an incident's item at the time of a decision."""

    #: the item's jobs that ended since the incident's first failure began, newest first
    jobs: Sequence[Job] = ()
    #: when the vault was asked for them; None: not yet
    read_at: datetime | None = None
    #: None: the vault does not know the item (any more)
    item: ItemState | None = None
    #: how many items of the vault, this one among them, fail alike at the same time
    failing_alike: int = 1
    #: the error that they share, as `JobError.label` has it
    storm_code: str = ""
    #: the operation of the attempt in flight, asked for only where its job has not appeared
    operation: Operation | None = None


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Retries are switched off: by whom, why, until when (None: until somebody resumes)."""

    by: str
    why: str
    until: datetime | None = None
    #: a subscription id or a vault's ARM id; "": everything
    scope: str = ""

    def holds(self, vault: Vault, now: datetime) -> bool:
        """True when the pause is in force for the vault."""
        scope = self.scope.lower()
        return (self.until is None or now < self.until) and scope in {
            "",
            vault.subscription.lower(),
            vault.key,
        }


class Outcome(StrEnum):
    """How an incident ended."""

    RECOVERED = "recovered"
    RECOVERED_ELSEWHERE = "recovered_elsewhere"
    NEEDS_ACTION = "needs_action"
    EXHAUSTED = "exhausted"
    LEFT_ALONE = "left_alone"

    @property
    def recovered(self) -> bool:
        """True for the two outcomes after which the item has a good recovery point again."""
        return self in {Outcome.RECOVERED, Outcome.RECOVERED_ELSEWHERE}

    @property
    def needs_a_person(self) -> bool:
        """True for the two outcomes that somebody has to look at."""
        return self in {Outcome.NEEDS_ACTION, Outcome.EXHAUSTED}


class Reason(StrEnum):
    """Why something was decided; every one is explained in docs/operations.md."""

    RETRY = "retry"
    PAUSED = "paused"
    OPTED_OUT = "opted_out"
    UNSUPPORTED = "unsupported"
    NOT_PROTECTED = "not_protected"
    ALREADY_RECOVERED = "already_recovered"
    IN_PROGRESS = "in_progress"
    CANCELLED = "cancelled"
    NEEDS_ACTION = "needs_action"
    NO_PERMISSION = "no_permission"
    EXHAUSTED = "exhausted"
    DAILY_CAP = "daily_cap"
    SCHEDULE_NEAR = "schedule_near"
    OUTSIDE_HOURS = "outside_hours"
    STORM = "storm"
    DRY_RUN = "dry_run"
    BACKOFF = "backoff"
    THROTTLED = "throttled"
    AZURE_UNAVAILABLE = "azure_unavailable"
    AZURE_REFUSED = "azure_refused"
    ATTEMPT_RUNNING = "attempt_running"
    ANSWER_UNCLEAR = "answer_unclear"
    RETRY_SUCCEEDED = "retry_succeeded"
    ALREADY_HANDLED = "already_handled"
    NOTED = "noted"


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Decision: start a backup now."""

    reason: Reason = Reason.RETRY
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Decision: look again at `until`."""

    until: datetime
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Close:
    """Decision: nothing more to do here; `detail` says what a person should do or know."""

    outcome: Outcome
    reason: Reason
    detail: str = ""


Decision = Trigger | Wait | Close
