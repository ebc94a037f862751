"""Invariant 9: a signal that was answered with success is handled or stored, and what was stored is looked into."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

from backup_retry.ports.inbox import DeferredSignal, Fields
from tests.model.agenda import Agenda
from tests.model.little_azure import APPEARS_WITHIN, LIST_LAG, LittleAzure
from tests.model.restraint import WhyNot
from tests.model.true_jobs import TrueItem, TrueJob

#: after that time a vault's list shows a job as it ended
SHOWN_WITHIN = LIST_LAG + APPEARS_WITHIN


@dataclass
class SignalPromises:
    """What the senders of signals were promised."""

    agenda: Agenda
    azure: LittleAzure
    #: the signals that wait, by their keys
    waiting: Mapping[str, DeferredSignal]
    #: whether the ledger has that failed job, or one that counts more
    stored: Callable[[TrueJob], bool]
    #: when each signal was last kept
    kept_at: dict[str, float] = field(default_factory=dict)
    #: failed jobs whose signals were answered with success, by their ids
    promised: dict[str, TrueJob] = field(default_factory=dict)
    times_deferred: int = 0

    def answered(self, job: TrueJob, *, named: bool) -> WhyNot | None:
        """A signal of a failed job was answered with success; `named`: by its id, not by its item or vault alone."""
        if not job.failed_at(self.agenda.now):
            return None
        if not (named or self._is_missing(job)):
            return None
        self.promised[job.id] = job
        if self.stored(job) or any(_tells_of(signal.fields, job) for signal in self.waiting.values()):
            return None
        return WhyNot(9, f"the signal of failed job {job.id} was answered with success and lost")

    def deferred(self, fields: Fields) -> None:
        """A signal was stored, perhaps once more."""
        self.times_deferred += 1
        for signal in self.waiting.values():
            if signal.fields == fields:
                self.kept_at[signal.key] = self.agenda.now

    def forgotten(self, signal: DeferredSignal) -> WhyNot | None:
        """A signal counts as looked into: whatever it told of has to be in the ledger."""
        lost = [job for job in self._told_by(signal) if not self.stored(job)]
        if not lost:
            return None
        return WhyNot(9, f"the kept signal of failed job {lost[0].id} was forgotten before it was handled")

    def at_peace(self) -> WhyNot | None:
        """Nothing waits any more, and every promise is kept."""
        if self.waiting:
            return WhyNot(9, f"{len(self.waiting)} kept signals were never looked into")
        broken = [job for job in self.promised.values() if not self.stored(job) and self._is_missing(job)]
        return WhyNot(9, f"the signal of failed job {broken[0].id} came to nothing") if broken else None

    def _told_by(self, signal: DeferredSignal) -> Iterator[TrueJob]:
        """The failed jobs that a kept signal tells of: the one that it names, or all that had ended when it came."""
        named = self.azure.jobs.get(signal.fields["job"])
        if named is not None:
            failed = named.is_backup and named.failed_at(self.agenda.now)
            tells = failed and _tells_of(signal.fields, named)
            yield from [named] if tells else []
            return
        came = self.kept_at.get(signal.key, -inf)
        for true_item in self.azure.items.values():
            for job in true_item.unmended(came - SHOWN_WITHIN):
                if _tells_of(signal.fields, job) and self._is_missing(job):
                    yield job

    def _is_missing(self, job: TrueJob) -> bool:
        return not self._item(job).mended(job, self.agenda.now)

    def _item(self, job: TrueJob) -> TrueItem:
        return self.azure.items[job.item.key]


def _tells_of(fields: Fields, job: TrueJob) -> bool:
    """Whether a signal means that job: by its id, by its item, or by its vault."""
    if fields["vault"].lower() != job.item.vault.key:
        return False
    if fields["job"]:
        return fields["job"] == job.id
    return fields["item"].lower() in {"", job.item.key}
