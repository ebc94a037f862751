"""A case: everything that a decision about an incident looks at."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from backup_retry.domain.error_catalog import ErrorEntry, Verdict, look_up
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Facts, JobError, Pause
from backup_retry.domain.workloads import Workload, workload
from backup_retry.policy.rules import Rules

_CAN_BE_TRIED = frozenset({Verdict.RETRY, Verdict.ONCE, Verdict.FULL})


@dataclass(frozen=True, kw_only=True)
class DecisionContext:
    """An incident, what is known of its item, and what the administrator has set."""

    incident: Incident
    facts: Facts
    rules: Rules
    now: datetime
    pause: Pause | None = None
    #: the resource whose tag opts the item out; "": none
    opted_out_by: str = ""

    @property
    def workload(self) -> Workload:
        """What kind of thing the item is."""
        return workload(self.incident.failure.workload)

    @property
    def source_id(self) -> str:
        """The ARM id of the protected resource: as the item's names tell it, else as its vault does, else ""."""
        item = self.facts.item
        return self.incident.item.machine_id or (item.source_id if item else "")

    @cached_property
    def error(self) -> ErrorEntry:
        """What the catalogue, and the service itself, know of the newest failure."""
        failure = self.incident.failure
        item = self.facts.item
        entry = look_up(
            title=failure.error.title,
            numeric=failure.error.code,
            kpi_title=item.kpi_title if item else None,
            workload=self.workload.name,
        )
        return _with_the_services_word(entry, failure.error, self.workload)


def _with_the_services_word(entry: ErrorEntry, error: JobError, of: Workload) -> ErrorEntry:
    """Whether a retry can help, in a backup vault, is the service's to say; not where the catalogue knows better.

    It knows better where it has the code for this very workload: some codes say "please retry" and isRetryable false.
    """
    if entry.known and entry.workload.lower() == of.name.lower():
        return entry
    if not entry.known and error.advice:
        entry = replace(entry, remedy=f"Azure says: {error.advice} {entry.remedy}")
    if error.retryable is False and entry.verdict in _CAN_BE_TRIED:
        cause = error.message or entry.cause
        return replace(entry, verdict=Verdict.PERSON, cause=cause, remedy=error.advice or entry.remedy)
    if error.retryable and not entry.known:
        return replace(entry, verdict=Verdict.RETRY)
    return entry
