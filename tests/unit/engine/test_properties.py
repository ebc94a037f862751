"""The engine under whatever order of signals, follow-ups, answers and crashes: its invariants hold after every step.

A generated life is a list of steps on two items; two engines share one ledger. Azure is the world's: a trigger
may start a job or not, and may answer clearly, unclearly or not at all; a job that was started is shown at once
or a few minutes later, always well before `settle_after`.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hypothesis import example, given, settings
from hypothesis import strategies as st

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import (
    AnswerUnclear,
    AzureRefused,
    AzureUnavailable,
    BackupRetryError,
    Forbidden,
    Throttled,
)
from backup_retry.domain.incident import AttemptResult, Incident, State
from backup_retry.domain.jobs import FailedJob, Job, JobStatus, Outcome, Source
from backup_retry.policy.rules import Rules
from tests.builders import ITEM_IS_BUSY, NEEDS_PERSON, PASSES, UNKNOWN_CODE, item, job, minutes
from tests.world import Crash, World

ITEMS = (item(1), item(2))

#: no backoff and few attempts: a mistake shows sooner
IMPATIENT = Rules(backoff=(timedelta(0),), max_attempts=2)


class Answer(StrEnum):
    """What Azure does with the next trigger."""

    CLEAR = "starts a job and says so"
    STARTED_UNCLEAR = "starts a job and the answer is lost"
    LOST = "the request never arrives, and nobody can tell"
    THROTTLED = "refuses for now"
    REFUSED = "refuses for good, with a code"
    FORBIDDEN = "refuses this identity"
    STARTED_CRASH = "starts a job and the process dies"
    CRASH = "the process dies before the request arrives"


STARTS_A_JOB = {Answer.CLEAR, Answer.STARTED_UNCLEAR, Answer.STARTED_CRASH}
ERRORS: dict[Answer, BackupRetryError] = {
    Answer.STARTED_UNCLEAR: AnswerUnclear("the connection was closed"),
    Answer.LOST: AnswerUnclear("the connection was closed"),
    Answer.THROTTLED: Throttled("too many requests", retry_after=minutes(2)),
    Answer.REFUSED: AzureRefused("no", code=UNKNOWN_CODE, status=400),
    Answer.FORBIDDEN: Forbidden("no role", status=403),
}


class Life:
    """One generated life, and what must hold after every step of it."""

    def __init__(self) -> None:
        self.world = World(IMPATIENT)
        self.world.vaults.on_trigger = self._answer
        self.engines = [self.world.engine, self.world.another_engine()]
        self.answer = Answer.CLEAR
        self.shown_after = timedelta(0)
        self.crash_at_save = 0
        self.failures: dict[str, list[FailedJob]] = {each.key: [] for each in ITEMS}
        self.started: list[Job] = []
        self.hidden: list[tuple[datetime, Job]] = []
        for each in ITEMS:
            self.world.vaults.protect(each)
        self.world.ledger.before_save = self._maybe_crash
        self.world.ledger.after_save = self._maybe_crash

    def _maybe_crash(self, _: Incident) -> None:
        if self.crash_at_save:
            self.crash_at_save -= 1
            if not self.crash_at_save:
                raise Crash

    async def _answer(self, of: ProtectedItem, attempt_id: str) -> None:
        """Azure gets a trigger: it must have been claimed, and there must be no other backup of ours at work."""
        claimed = await self.world.incident(of)
        assert claimed.running_attempt is not None, "triggered without a stored claim"
        assert claimed.running_attempt.id == attempt_id, "triggered under another claim"
        assert claimed.state in {State.CLAIMED, State.UNKNOWN}
        assert not [job for job in self.started if job.is_of(of) and job.status.running], "two at once"
        answer = self.answer
        if answer in STARTS_A_JOB:
            self._start(of, attempt_id)
        if answer in {Answer.CRASH, Answer.STARTED_CRASH}:
            raise Crash
        if answer in ERRORS:
            raise ERRORS[answer]

    def _start(self, of: ProtectedItem, attempt_id: str) -> None:
        own = self.world.runs(attempt_id, of)
        self.started.append(own)
        if self.shown_after:
            self.world.vaults.shown_jobs.remove(own)
            self.hidden.append((self.world.clock() + self.shown_after, own))

    def show_what_is_due(self) -> None:
        """Jobs that Azure kept back for a while appear."""
        for shown_at, hidden in list(self.hidden):
            if shown_at <= self.world.clock():
                self.hidden.remove((shown_at, hidden))
                self.world.vaults.shown_jobs.append(hidden)

    def fail(self, number: int, error: str) -> None:
        """The schedule's own backup of an item fails."""
        self.world.clock.move(seconds=1)
        failed = self.world.fails(
            f"job-{number}-{len(self.failures[ITEMS[number].key])}",
            of=ITEMS[number],
            error=error,
            started_at=self.world.clock(),
            ended_at=self.world.clock(),
            activity_id="the-schedule",
        )
        self.failures[ITEMS[number].key].append(failed)

    def end(self, number: int, status: JobStatus, error: str = "") -> None:
        """The oldest visible attempt of an item that is still running ends."""
        for index, own in enumerate(self.started):
            if own.is_of(ITEMS[number]) and own.status.running and own in self.world.vaults.shown_jobs:
                self.started[index] = self.world.ends(own, status, error)
                return

    async def at_work(self, *work: object) -> None:
        """Run engines side by side; a crash or an error of theirs is theirs."""
        results = await asyncio.gather(*work, return_exceptions=True)  # type: ignore[call-overload]
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Crash | BackupRetryError):
                raise result

    async def check(self) -> None:
        """The invariants."""
        triggers = Counter(self.world.attempts)
        assert not [attempt for attempt, times in triggers.items() if times > 1], "one attempt, two triggers"
        for each in ITEMS:
            incident = (await self.world.ledger.load(each)).incident
            if incident is None:
                continue
            running = [one for one in incident.attempts if one.result is AttemptResult.RUNNING]
            assert len(running) <= 1
            assert incident.attempts_spent <= self.world.rules.max_attempts
            if incident.outcome is Outcome.RECOVERED:
                assert self.has_recovered(incident), "recovered, and no completed job of ours"
            if incident.outcome is Outcome.RECOVERED_ELSEWHERE:
                assert self.others_recovered(incident), "recovered elsewhere, and no other completed job"

    def has_recovered(self, incident: Incident) -> bool:
        """True when Azure has a completed job of one of the incident's attempts."""
        ids = {attempt.id for attempt in incident.attempts}
        return any(job.activity_id in ids and job.status.succeeded for job in self.started)

    def others_recovered(self, incident: Incident) -> bool:
        """True when somebody else's backup completed after the incident's newest failure."""
        return any(
            job.is_of(incident.item)
            and job.status.succeeded
            and job.started_at > incident.failure.started_at
            and job.activity_id == "somebody-else"
            for job in self.world.vaults.shown_jobs
        )


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


async def live(steps: list[Step]) -> Life:
    """A life, checked after every step."""
    life = Life()
    for step in steps:
        await step.happen(life)
        await life.check()
    return life


@settings(max_examples=400, deadline=None)
@given(st.lists(STEP, min_size=3, max_size=25))
def test_the_invariants_hold_in_every_life(steps: list[Step]) -> None:
    """Claim before trigger, one trigger an attempt, one attempt at a time, never more than allowed."""
    asyncio.run(live(steps))


@dataclass
class Calm:
    """Azure is well again: backups complete, and follow-ups come every five minutes, then every hour.

    For longer than the daily cap holds up an item: a day, and a quarter of an hour by which clocks may differ.
    """

    life: Life
    every: list[int] = field(default_factory=lambda: [5] * 8 + [60] * 26)

    async def settle(self) -> None:
        """Let it run until everything that can settle has."""
        life = self.life
        life.answer, life.shown_after, life.crash_at_save = Answer.CLEAR, timedelta(0), 0
        life.world.vaults.read_error = None
        for later in self.every:
            await FollowUp(later).happen(life)
            for number in range(len(ITEMS)):
                life.end(number, JobStatus.COMPLETED)
            await life.check()


RETRY_FAILS = [AttemptEnds(0, JobStatus.FAILED), FollowUp(5)]
FAILS = Fail(0, PASSES, deliveries=1, answer=Answer.CLEAR, shown_after=0)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, min_size=3, max_size=20))
@example(
    [FAILS, *RETRY_FAILS, *RETRY_FAILS, FAILS, *RETRY_FAILS]
)  # three retries in a day: the next one has to wait
def test_every_life_ends_closed_once_azure_is_well(steps: list[Step]) -> None:
    """No order of crashes and lost answers leaves an incident open for ever."""

    async def whole_life() -> int:
        life = await live(steps)
        await Calm(life).settle()
        return await life.world.ledger.open_count()

    assert asyncio.run(whole_life()) == 0
