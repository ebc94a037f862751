"""Incidents and facts that the policy decides on, and the short names of its decisions."""

from dataclasses import dataclass
from datetime import datetime

from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.decisions import Reason
from backup_retry.domain.facts import Facts, ItemState
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, Job
from backup_retry.domain.pauses import Pause
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.rules import Rules
from tests.builders import (
    NOW,
    STARTED,
    attempt,
    incident,
    minutes,
    protected,
)

RULES = Rules()
PAUSE = Pause(by="anna", why="the storage is being moved")
LATER = STARTED + minutes(5)


def ended(number: int, at: datetime, result: AttemptResult = AttemptResult.FAILED) -> Attempt:
    return attempt(number, claimed_at=at - minutes(20), result=result, ended_at=at)


def facts(*jobs: Job, state: ItemState | None = None) -> Facts:
    return Facts(jobs=jobs, read_at=NOW, item=state or protected())


def context(
    of: Incident | None = None, seen: Facts | None = None, pause: Pause | None = None, now: datetime = NOW
) -> DecisionContext:
    return DecisionContext(
        incident=of or incident(), facts=seen or facts(), rules=RULES, now=now, pause=pause
    )


@dataclass(frozen=True, kw_only=True)
class Example:
    """A failure that ended ten minutes ago, after so many attempts."""

    attempts: tuple[Attempt, ...] = ()
    failure: FailedJob | None = None
    seen: Facts | None = None
    pause: Pause | None = None
    now: datetime = NOW
    reason: Reason = Reason.NOTED
    due: datetime = NOW

    @property
    def context(self) -> DecisionContext:
        """The case that the policy is shown."""
        opened = incident(*self.attempts, failure=self.failure, reason=self.reason, due=self.due)
        return context(opened, self.seen, self.pause, self.now)
