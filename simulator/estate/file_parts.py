"""What all parts of the estate's JSON share, and the smallest of them: outcomes and errors."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulator.estate.outcomes import JobError, JobStatus, Outcome, error_titled

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

    def build(self) -> JobError:
        """The error."""
        known = error_titled(self.title)
        return JobError(
            code=known.code if self.code is None else self.code,
            title=self.title,
            message=self.message or known.message,
            recommendations=tuple(self.recommendations) or known.recommendations,
            retryable=known.retryable if self.retryable is None else self.retryable,
        )


class OutcomeFile(Part):
    """How a job ends."""

    status: Literal["Completed", "CompletedWithWarnings", "Failed", "Cancelled"] = "Completed"
    seconds: Seconds | None = None
    #: Spelt out, or the title alone.
    error: ErrorFile | str | None = None

    @model_validator(mode="after")
    def _error_of_a_failure(self) -> Self:
        if self.error is not None and self.status != "Failed":
            raise ValueError(f"a job that ends {self.status} has no error")
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
        return Outcome(status=JobStatus(self.status), seconds=self.seconds, error=error)


def _explain(error: ValidationError, where: str) -> str:
    return "; ".join(f"{_path(where, detail['loc'])}: {detail['msg']}" for detail in error.errors())


def _path(where: str, location: tuple[int | str, ...]) -> str:
    """`vaults[0].items[2].vm`, as one would write it."""
    path = where
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".") or "the document"
