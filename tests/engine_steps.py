"""The steps that a generated life is made of."""

from dataclasses import dataclass

from hypothesis import strategies as st

from backup_retry.domain.errors import (
    AzureUnavailable,
)
from backup_retry.domain.jobs import FailedJob, JobStatus, Source
from tests.builders import ITEM_IS_BUSY, NEEDS_PERSON, PASSES, UNKNOWN_CODE, job, minutes
from tests.engine_lives import ITEMS, Answer, Life


@dataclass(frozen=True)
class Step:
    """One thing that happens."""

    async def happen(self, life: Life) -> None:
        """Let it happen."""


@dataclass(frozen=True)
class Fail(Step):
    """A scheduled backup fails and is heard of, perhaps several times at once, perhaps not at all.

    Azure answers the triggers from then on in its own way.
    """

    number: int
    error: str
    deliveries: int
    answer: Answer
    shown_after: int

    async def happen(self, life: Life) -> None:
        """See the class."""
        life.answer, life.shown_after = self.answer, minutes(self.shown_after)
        life.fail(self.number, self.error)
        failed = life.failures[ITEMS[self.number].key][-1]
        await life.at_work(
            *(life.engines[n % 2].handle(failed, Source.ALERT) for n in range(self.deliveries))
        )


@dataclass(frozen=True)
class HearAgain(Step):
    """Any failed job of an item is heard of again, one of our own attempts among them."""

    number: int
    which: int
    only_noted: bool

    async def happen(self, life: Life) -> None:
        """See the class."""
        each = ITEMS[self.number]
        own = [FailedJob.of(job, each) for job in life.started if job.is_of(each) and job.failed]
        known = [*life.failures[each.key], *own]
        if known:
            failed = known[self.which % len(known)]
            engine = life.engines[self.which % 2]
            await life.at_work(
                engine.note(failed, Source.EVENT) if self.only_noted else engine.handle(failed, Source.EVENT)
            )


@dataclass(frozen=True)
class FollowUp(Step):
    """Both engines follow up at the same time, so many minutes later."""

    later: int

    async def happen(self, life: Life) -> None:
        """See the class."""
        life.world.clock.move(minutes=self.later)
        life.show_what_is_due()
        opened = [
            incident
            for incident in await life.world.ledger.open_incidents()
            if incident.due <= life.world.clock()
        ]
        await life.at_work(*(engine.advance(incident) for engine in life.engines for incident in opened))


@dataclass(frozen=True)
class AttemptEnds(Step):
    """The job of an attempt ends."""

    number: int
    status: JobStatus
    error: str = PASSES

    async def happen(self, life: Life) -> None:
        """See the class."""
        life.end(self.number, self.status, self.error if self.status is JobStatus.FAILED else "")


@dataclass(frozen=True)
class SomebodySucceeds(Step):
    """Somebody else's backup of an item completes."""

    number: int

    async def happen(self, life: Life) -> None:
        """See the class."""
        life.world.clock.move(seconds=1)
        count = len(life.world.vaults.shown_jobs)
        life.world.vaults.shown_jobs.append(
            job(
                f"good-{count}",
                of=ITEMS[self.number],
                status=JobStatus.COMPLETED,
                started_at=life.world.clock(),
                ended_at=life.world.clock(),
                activity_id="somebody-else",
            )
        )


@dataclass(frozen=True)
class AzureWill(Step):
    """Azure's manners change."""

    answer: Answer
    shown_after: int

    async def happen(self, life: Life) -> None:
        """See the class."""
        life.answer, life.shown_after = self.answer, minutes(self.shown_after)


@dataclass(frozen=True)
class CrashAtSave(Step):
    """The process dies before or after one of the next writes."""

    nth: int

    async def happen(self, life: Life) -> None:
        """See the class."""
        life.crash_at_save = self.nth


@dataclass(frozen=True)
class AzureReads(Step):
    """The vaults stop answering reads, or answer them again."""

    down: bool

    async def happen(self, life: Life) -> None:
        """See the class."""
        life.world.vaults.read_error = AzureUnavailable("no answer") if self.down else None


NUMBER = st.integers(0, 1)
ANSWER = st.sampled_from([*Answer, Answer.STARTED_UNCLEAR, Answer.STARTED_CRASH, Answer.LOST])
SHOWN_AFTER = st.sampled_from([0, 3, 8])
ERROR = st.sampled_from([PASSES, PASSES, PASSES, PASSES, ITEM_IS_BUSY, UNKNOWN_CODE, NEEDS_PERSON])
STEP: st.SearchStrategy[Step] = st.one_of(
    st.builds(Fail, NUMBER, ERROR, st.integers(0, 4), ANSWER, SHOWN_AFTER),
    st.builds(HearAgain, NUMBER, st.integers(0, 9), st.booleans()),
    st.builds(FollowUp, st.sampled_from([0, 1, 2, 5, 5, 6, 10, 15, 60])),
    st.builds(
        AttemptEnds,
        NUMBER,
        st.sampled_from([JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED]),
        ERROR,
    ),
    st.builds(SomebodySucceeds, NUMBER),
    st.builds(AzureWill, ANSWER, SHOWN_AFTER),
    st.builds(CrashAtSave, st.integers(1, 6)),
    st.builds(AzureReads, st.booleans()),
)
