"""A case: everything that a decision about an incident looks at."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from backup_retry.domain.error_catalog import RESTORE, ErrorEntry, Verdict, look_up
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import JobError
from backup_retry.domain.pauses import Pause
from backup_retry.domain.tags import Tags
from backup_retry.domain.workloads import Workload, workload
from backup_retry.policy.rules import Rules

_REFUSED_BY_AN_UNKNOWN_CODE = (
    "Fix what the message names, then start the backup in the vault. This error code is not in the app's error "
    "catalogue: please report it with its message as an issue of azure-backup-retry."
)


@dataclass(frozen=True, kw_only=True)
class DecisionContext:
    """An incident, what is known of its item, and what the administrator has set."""

    incident: Incident
    facts: Facts
    rules: Rules
    now: datetime
    pause: Pause | None = None
    tags: Tags = field(default_factory=Tags)

    @property
    def workload(self) -> Workload:
        """What kind of thing the item is."""
        return workload(self.incident.failure.workload)

    @property
    def source_id(self) -> str:
        """The ARM id of the protected resource: as the item's names tell it, else as its vault does, else ""."""
        item = self.facts.item
        return self.incident.item.machine_id or (item.source_id if item else "")

    @property
    def is_insisted_on(self) -> bool:
        """True where a person had it retried after its incident was closed, until that retry has been made.

        That person knows why it was closed. Nobody had been asked: an approval follows a question.
        """
        incident = self.incident
        return bool(incident.approved_by) and incident.asked_at is None and not incident.attempts_spent

    @property
    def by_profile(self) -> str:
        """Which profile the rules are of, to be added to what they decide; "": the settings'."""
        tag = self.tags.profile
        return f", profile {tag.value}" if tag and tag.value in self.rules.profiles else ""

    @property
    def was_refused(self) -> bool:
        """True where Azure turned the last attempt down, and nothing has failed since then."""
        last = self.incident.attempts[-1] if self.incident.attempts else None
        return last is not None and last.refused and last.failed_at in {None, self.incident.failure.ended_at}

    @cached_property
    def error(self) -> ErrorEntry:
        """What the catalogue, and the service itself, know of the newest failure."""
        failure = self.incident.failure
        item = self.facts.item
        entry = look_up(
            title=failure.error.title,
            numeric=failure.error.code,
            kpi_title=item.kpi_title if item else None,
            workload=self.workload.name + (RESTORE if failure.item.restore_job else ""),
        )
        if not entry.known:
            entry = _with_the_services_word(entry, failure.error)
        return _of_a_refusal(entry, failure.error) if self.was_refused else entry


def _with_the_services_word(entry: ErrorEntry, error: JobError) -> ErrorEntry:
    """What the service says about an unknown code; of one that is known it need not be right.

    Backup vaults have said "please retry" and isRetryable false of one failure, and false of a server's passing 500.
    """
    verdicts = {True: Verdict.RETRY, False: Verdict.PERSON, None: entry.verdict}
    return replace(
        entry,
        verdict=verdicts[error.retryable],
        cause=error.message or entry.cause,
        remedy=_advice(error) + entry.remedy,
    )


def _of_a_refusal(entry: ErrorEntry, error: JobError) -> ErrorEntry:
    """A trigger that was refused left no job to read: what Azure said of it stands here."""
    words = f"{error.label}: {error.message}".removesuffix(": ").removesuffix(".")
    said = f"Azure rejected the backup, {words}."
    if entry.known:
        advice = f" {error.advice}" if error.advice else ""
        return replace(entry, cause=f"{said}{advice} {entry.cause}")
    return replace(entry, cause=said, remedy=f"{_advice(error)}{_REFUSED_BY_AN_UNKNOWN_CODE}")


def _advice(error: JobError) -> str:
    return f"Azure says: {error.advice} " if error.advice else ""
