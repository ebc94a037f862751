"""Deliberate faults in the product, each of which the model has to find: proof that it bites.

A mutation patches one function of the product for as long as it is entered.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

from backup_retry.azure import client
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import Job
from backup_retry.domain.journal import Step
from backup_retry.engine import storm_watch
from backup_retry.engine.committer import Committer
from backup_retry.engine.retry import Retrier
from backup_retry.engine.unit_of_work import UnitOfWork
from backup_retry.policy import protection, settle, storm
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.storm import Move, Storm
from backup_retry.ports.ledger import MemoryLedger
from reconciler.follow_up import FollowUp
from tests.model.mutation import Mutation, without_row
from tests.model.mutations_of_kinds import mutations_of_kinds
from tests.model.mutations_of_names import mutations_of_names
from tests.model.mutations_of_rows import mutations_of_rows
from tests.model.mutations_of_signals import mutations_of_signals


def _skip_the_claim() -> AbstractContextManager[Any]:
    """A claim is not written down before the trigger."""
    save = Committer.save

    async def unclaimed(self: Committer, work: UnitOfWork) -> Incident | None:
        if work.incident.state is State.CLAIMED:
            return replace(work.incident)
        return await save(self, work)

    return patch.object(Committer, "save", unclaimed)


def _ignore_the_version() -> AbstractContextManager[Any]:
    """A write goes through although somebody else has changed the incident."""
    save = MemoryLedger.save

    async def overwrite(self: MemoryLedger, incident: Incident, *arguments: Any, **named: Any) -> Any:
        current = self._heads.get(incident.item.key)
        fitting = replace(incident, version=current.version if current else "")
        return await save(self, fitting, *arguments, **named)

    return patch.object(MemoryLedger, "save", overwrite)


@contextmanager
def _forget_which_jobs_are_known() -> Iterator[None]:
    """A failed job is not remembered, and a closed incident does not stand for it."""
    save = MemoryLedger.save

    async def forgetful(
        self: MemoryLedger, incident: Incident, steps: Sequence[Step] = (), job_id: str = ""
    ) -> Any:
        return await save(self, incident, steps)

    with (
        patch.object(MemoryLedger, "save", forgetful),
        patch.object(Incident, "covers", lambda *_: False),
    ):
        yield


def _retry_an_unclear_answer_at_once() -> AbstractContextManager[Any]:
    """UNKNOWN counts as "nothing was started" without waiting for the vault."""

    def at_once(incident: Incident, attempt: Any, facts: Any, rules: Any, now: datetime) -> Any:
        return incident.attempt_ended(AttemptResult.THROTTLED, now), None

    return patch.object(settle, "_settle_without_job", at_once)


def _repeat_the_trigger() -> AbstractContextManager[Any]:
    """A trigger without a clear answer is sent again, as the SDK's own retries would."""
    ask = Retrier._ask

    async def twice(self: Retrier, claimed: Incident, *arguments: Any) -> Any:
        answer = await ask(self, claimed, *arguments)
        probe = UnitOfWork(claimed, claimed.due)
        answer(probe)
        return await ask(self, claimed, *arguments) if probe.incident.state is State.UNKNOWN else answer

    return patch.object(Retrier, "_ask", twice)


def _treat_5xx_as_not_started() -> AbstractContextManager[Any]:
    """A 5xx to a trigger, or no answer at all, counts as "nothing was started"."""
    return patch.object(client, "translate_trigger", client.translate)


@contextmanager
def _let_every_canary_fly() -> Iterator[None]:
    """In a storm everybody goes at once."""
    weigh = storm.weigh

    def go(*arguments: Any) -> Any:
        move, after = weigh(*arguments)
        return (Move.GO if move is Move.HOLD else move), after

    with patch.object(storm_watch, "weigh", go):
        yield


def _ignore_the_storms_version() -> AbstractContextManager[Any]:
    """Two workers make two canaries of one storm."""
    save = MemoryLedger.save_storm

    async def overwrite(self: MemoryLedger, storm: Storm) -> Any:
        current = self._storms.get(storm.key)
        return await save(self, replace(storm, version=current.version if current else ""))

    return patch.object(MemoryLedger, "save_storm", overwrite)


def _send_before_storing() -> AbstractContextManager[Any]:
    """An outcome is told although the ledger has not taken it."""
    save = Committer.save

    async def hasty(self: Committer, work: UnitOfWork) -> Incident | None:
        await self._teller._publisher.publish(work.incident.notices)  # type: ignore[union-attr]
        return await save(self, work)

    return patch.object(Committer, "save", hasty)


def _forget_notices_that_could_not_be_sent() -> AbstractContextManager[Any]:
    """A notice that the topic did not take is dropped."""
    send = Committer.tell

    async def forgetful(self: Committer, incident: Incident) -> Incident:
        left = await send(self, incident)
        return await self.ledger.told(left, left.without_notices()) if left.notices else left

    return patch.object(Committer, "tell", forgetful)


def _take_202_for_recovered() -> AbstractContextManager[Any]:
    """An accepted trigger counts as a good backup."""
    recovered = Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED)
    return patch.object(Incident, "triggered", lambda self, _, now: self.closed(recovered, now))


def _never_ask_about_unclear_answers() -> AbstractContextManager[Any]:
    """The follow-up leaves UNKNOWN incidents where they are."""
    move = FollowUp._move

    async def selective(self: FollowUp, incident: Incident, *arguments: Any, **how: Any) -> None:
        if incident.state is not State.UNKNOWN:
            await move(self, incident, *arguments, **how)

    return patch.object(FollowUp, "_move", selective)


def _forget_what_was_unclear() -> AbstractContextManager[Any]:
    """An attempt without a clear answer is taken back, as if it had never been made."""

    def taken_back(self: Incident, detail: str, now: datetime) -> Incident:
        without = replace(self, attempts=self.attempts[:-1])
        return without.waiting(now, Reason.BACKOFF, detail)

    return patch.object(Incident, "unclear", taken_back)


def _take_an_edited_policy_for_an_end() -> AbstractContextManager[Any]:
    """Whatever configures an item after its failure ends its incident."""

    def edited(context: DecisionContext) -> Job | None:
        failed_at = context.incident.failure.ended_at
        done = (job for job in context.facts.jobs if job.operation in {"ConfigureBackup", "DisableBackup"})
        return next((job for job in done if job.ended_at and job.ended_at > failed_at), None)

    return patch.object(protection, "_stopped_since", edited)


def _look_for_the_items_own_names_only() -> AbstractContextManager[Any]:
    """A job that does not tell its server yet is nobody's."""
    return patch.object(Incident, "may_be_about", lambda *_: False)


def mutations() -> Sequence[Mutation]:
    """All of them, made anew."""
    return [
        Mutation("skip the claim", _skip_the_claim(), seed=5),
        Mutation("ignore the version", _ignore_the_version(), seed=9),
        Mutation("forget which jobs are known", _forget_which_jobs_are_known()),
        Mutation("retry an unclear answer at once", _retry_an_unclear_answer_at_once(), seed=10),
        Mutation("repeat the trigger", _repeat_the_trigger(), seed=3),
        Mutation("treat 5xx as not started", _treat_5xx_as_not_started(), seed=10),
        Mutation("forget what was unclear", _forget_what_was_unclear(), seed=9),
        Mutation("never ask about unclear answers", _never_ask_about_unclear_answers(), seed=48),
        Mutation("take 202 for recovered", _take_202_for_recovered()),
        Mutation("forget the attempts' limit", without_row("exhausted"), seed=35),
        Mutation("ignore the pause", without_row("paused"), seed=11),
        Mutation("forget the running job", without_row("in_progress"), seed=7),
        Mutation("forget a later success", without_row("already_recovered"), seed=12),
        Mutation("forget stopped protection", without_row("not_protected", "passing_state"), seed=16),
        Mutation("take an edited policy for an end", _take_an_edited_policy_for_an_end(), seed=10),
        Mutation("look for the item's own names only", _look_for_the_items_own_names_only(), seed=3),
        Mutation("retry what a person cancelled", without_row("cancelled"), seed=27),
        Mutation("retry what needs a person", without_row("needs_person"), seed=11),
        Mutation("forget the daily cap", without_row("daily_cap"), seed=2),
        Mutation("ignore the tag", without_row("opted_out"), seed=37),
        Mutation("forget to ask", without_row("approval"), seed=13),
        Mutation("ignore the schedule", without_row("schedule_near"), seed=10),
        Mutation("ignore the hours", without_row("outside_hours"), seed=28),
        Mutation("let every canary fly", _let_every_canary_fly(), seed=14),
        Mutation("ignore the storm's version", _ignore_the_storms_version(), seed=49),
        Mutation("tell before storing", _send_before_storing()),
        Mutation("forget what could not be told", _forget_notices_that_could_not_be_sent(), seed=13),
        *mutations_of_signals(),
        *mutations_of_kinds(),
        *mutations_of_names(),
        *mutations_of_rows(),
    ]
