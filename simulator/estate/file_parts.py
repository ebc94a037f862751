"""What all parts of the estate's JSON share, and the smallest of them: outcomes and errors."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulator.estate.outcomes import JobError, JobStatus, Outcome, error_titled
from simulator.estate.workloads import Workload

Name = Annotated[str, Field(min_length=1, pattern=r"^[^/;]+$")]
Seconds = Annotated[float, Field(ge=0)]


class EstateError(ValueError):
    """A JSON document is not what it should be; the text says where and what."""


class Part(BaseModel):
    """A part of the document: nothing in it is converted, and nothing unknown is let pass."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def read(cls, value: object, where: str = "") -> Self:
        """The part that `value` describes.

        Raises:
            EstateError: it describes none.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise EstateError(_explain(error, where)) from error


class ErrorFile(Part):
    """An error, spelt out."""

    code: int | None = None
    title: str
    message: str = ""
    recommendations: list[str] = []
    #: Of Backup vaults: what the service thinks of a retry.
    retryable: bool | None = None
    user_error: bool = False
    #: Of Backup vaults: the errors within this one, and what another service said.
    details: list["ErrorFile"] = []
    inner: dict[str, Any] | None = None

    def build(self) -> JobError:
        """The error."""
        known = error_titled(self.title)
        return JobError(
            code=known.code if self.code is None else self.code,
            title=self.title,
            message=self.message or known.message,
            recommendations=tuple(self.recommendations) or known.recommendations,
            retryable=known.retryable if self.retryable is None else self.retryable,
            user_error=self.user_error,
            details=tuple(each.build() for each in self.details),
            inner=self.inner,
        )


class OutcomeFile(Part):
    """How a job ends."""

    status: Literal["Completed", "CompletedWithWarnings", "Failed", "Cancelled", "InProgress"] = "Completed"
    seconds: Seconds | None = None
    #: Spelt out, or the title alone.
    error: ErrorFile | str | None = None
    #: Of CompletedWithWarnings: whether data were moved.
    data: bool = True

    @model_validator(mode="after")
    def _error_of_a_failure(self) -> Self:
        if self.error is not None and self.status not in {"Failed", "CompletedWithWarnings"}:
            raise ValueError(f"a job that ends {self.status} has no error")
        if not self.data and self.status != "CompletedWithWarnings":
            raise ValueError(f"a job that ends {self.status} does not say whether it has moved data")
        return self

    def build(self) -> Outcome:
        """The outcome."""
        match self.error:
            case None:
                error = None
            case str(title):
                error = error_titled(title)
            case spelt_out:
                error = spelt_out.build()
        return Outcome(status=JobStatus(self.status), seconds=self.seconds, error=error, data=self.data)


class JobFile(Part):
    """A job of an item."""

    outcome: OutcomeFile = OutcomeFile()
    #: Whether the schedule started it, or a person did.
    scheduled: bool = True
    #: How long ago it began.
    age_seconds: Seconds = 0
    #: Of a backup or restore: Full, Log and so on; "": a backup of the usual kind of the item's workload.
    kind: str = ""
    operation: Literal[
        "Backup",
        "Restore",
        "RestoreWithRehydrate",
        "CrossRegionRestore",
        "MoveRecoveryPoint",
        "ConfigureBackup",
        "DisableBackup",
        "DeleteBackupData",
        "Undelete",
        "Register",
    ] = "Backup"

    def check_kind(self, workload: Workload) -> None:
        """Refuse a kind of backup that the workload has not.

        Raises:
            ValueError: it has none of that name.
        """
        known = workload.kinds if self.operation in {"Backup", "Restore"} else ()
        if self.kind not in {"", *known}:
            kinds = ", ".join(known) or "none"
            raise ValueError(f"the kinds of a {self.operation} of {workload.name}: {kinds}")


def _explain(error: ValidationError, where: str) -> str:
    return "; ".join(f"{_path(where, detail['loc'])}: {detail['msg']}" for detail in error.errors())


def _path(where: str, location: tuple[int | str, ...]) -> str:
    """`vaults[0].items[2].vm`, as one would write it."""
    path = where
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".") or "the document"
