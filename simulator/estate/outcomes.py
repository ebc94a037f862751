"""How a simulated backup job ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class JobStatus(StrEnum):
    """The statuses of a Recovery Services job."""

    IN_PROGRESS = "InProgress"
    CANCELLING = "Cancelling"
    COMPLETED = "Completed"
    COMPLETED_WITH_WARNINGS = "CompletedWithWarnings"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def running(self) -> bool:
        """Whether the job has not ended yet."""
        return self in {JobStatus.IN_PROGRESS, JobStatus.CANCELLING}

    @property
    def made_recovery_point(self) -> bool:
        """Whether a backup that ended so can be restored from."""
        return self in {JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_WARNINGS}


@dataclass(frozen=True, kw_only=True)
class JobError:
    """One entry of a job's `errorDetails`."""

    #: The number that Recovery Services gives the error, such as 400199; Backup vaults show the title in its place.
    code: int
    #: The error's name, such as VMCreationTimeOutStorageErrorV2.
    title: str
    message: str
    recommendations: tuple[str, ...] = ()
    #: Of Backup vaults: whether the service thinks that a retry can help; None: it does not say.
    retryable: bool | None = None
    #: Of Backup vaults: whether the service blames the user.
    user_error: bool = False
    #: Of Backup vaults: `target`, which names nothing; some layers have null there.
    target: str | None = ""
    #: Of Backup vaults: the errors within this one, as `details`, and what another service said, as `innerError`.
    details: tuple["JobError", ...] = ()
    inner: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job will end, and after how many seconds (None: the estate's `backup_seconds`); InProgress: never."""

    status: JobStatus = JobStatus.COMPLETED
    seconds: float | None = None
    #: Why a Failed job failed, which always has one, or what a job warns of that ended CompletedWithWarnings.
    error: JobError | None = None
    #: Whether a job that ended CompletedWithWarnings has moved data.
    data: bool = True


#: The number of errors whose own number is not known.
GENERIC_CODE = 499999
_RETRY_LATER = "Please retry the operation after some time."

_KNOWN_ERRORS = (
    JobError(
        code=400199,
        title="VMCreationTimeOutStorageErrorV2",
        message="Create VM took very long time and got timed out",
        recommendations=(f"{_RETRY_LATER} If problem persists, please contact Microsoft support.",),
    ),
    JobError(
        code=400249,
        title="UserErrorBackupOperationInProgress",
        message="Unable to initiate backup as another backup operation is currently in progress.",
        recommendations=("Please wait for the current backup to finish or cancel it, then retry.",),
    ),
    JobError(
        code=400158,
        title="UserErrorJobSuccessfullyCancelled",
        message="The job was cancelled by the user.",
        recommendations=("Please trigger the operation again if you need it.",),
    ),
    JobError(
        code=400160,
        title="UserErrorVmProvisioningStateFailed",
        message="VM is in Failed Provisioning State.",
        recommendations=(
            "Please restart the VM and make sure that the VM is in Running or Shut-down state for backup.",
        ),
    ),
    JobError(
        code=510008,
        title="OperationCancelledBecauseConflictingOperationRunningUserError",
        message="Operation cancelled as a conflicting operation was already running on the same database.",
        recommendations=("Please try again after sometime.",),
    ),
    JobError(
        code=GENERIC_CODE,
        title="InternalServerError",
        message="Internal Server Error",
        recommendations=("Refer https://aka.ms/AzureBackupTroubleshootFailures for more details.",),
        retryable=True,
    ),
    JobError(
        code=400001,
        title="CloudInternalError",
        message="The operation failed due to an internal error. Please retry.",
        recommendations=(_RETRY_LATER,),
        retryable=True,
    ),
)
_BY_TITLE = {error.title.lower(): error for error in _KNOWN_ERRORS}

ALREADY_RUNNING = _BY_TITLE["usererrorbackupoperationinprogress"]
CANCELLED_BY_USER = _BY_TITLE["usererrorjobsuccessfullycancelled"]


def error_titled(title: str) -> JobError:
    """The error of that name: as the service words it where known, generic otherwise."""
    known = _BY_TITLE.get(title.lower())
    return known or JobError(
        code=GENERIC_CODE,
        title=title,
        message=f"The backup failed with {title}.",
        recommendations=(_RETRY_LATER,),
    )
