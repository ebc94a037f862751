"""A generated life of two items under two engines that share one ledger, and what must hold after every step."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.errors import (
    AnswerUnclear,
    AzureRefused,
    BackupRetryError,
    Forbidden,
    Throttled,
)
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import FailedJob, Job, JobStatus
from backup_retry.policy.rules import Rules
from tests.builders import UNKNOWN_CODE, item, minutes
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
