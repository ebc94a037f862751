"""The engine: a failed job is noted once, and an item's incident is advanced by one decision at a time.

`advance` is level-triggered: it reads the ledger and the vault afresh, decides once and applies that. Run
twice, late, or on two machines at once, it changes nothing more than run once: whoever saves first has the
item, the other one leaves.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from backup_retry.domain.decisions import Close, Decision, Trigger, Wait
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, NotFound, Service
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import BackupRequest, FailedJob, Source
from backup_retry.domain.journal import StepKind
from backup_retry.domain.pauses import Pause
from backup_retry.domain.tags import Tags
from backup_retry.engine.approvals import Approvals
from backup_retry.engine.committer import Committer
from backup_retry.engine.freshness import fresh_since
from backup_retry.engine.gather import Gatherer
from backup_retry.engine.redone_restores import RedoneRestores
from backup_retry.engine.retry import Retrier
from backup_retry.engine.storm_watch import StormWatch
from backup_retry.engine.teller import Teller
from backup_retry.engine.unit_of_work import Report, UnitOfWork, already_handled, report
from backup_retry.engine.vault_incidents import VaultIncidents
from backup_retry.policy import decide as policy
from backup_retry.policy import recall
from backup_retry.policy.approval import asks_first
from backup_retry.policy.bounds import within_bounds
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.profiles import profile_held
from backup_retry.policy.refusals import BLOCKED, unanswered
from backup_retry.policy.rules import Rules
from backup_retry.policy.settle import settle
from backup_retry.ports.causes import Causes, MemoryCauses
from backup_retry.ports.known_vaults import KnownVaults, MemoryKnownVaults
from backup_retry.ports.ledger import Controls, Ledger, Storms
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.publisher import Publisher
from backup_retry.ports.tag_lookup import TagLookup
from backup_retry.ports.vaults import Vaults

Clock = Callable[[], datetime]
#: called when an attempt is about to be claimed
Retrying = Callable[[], None]
#: how often a failure is looked at again after another worker was first
_RACES = 5


class Engine:
    """Notes failed jobs and advances incidents."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        controls: Controls,
        storms: Storms,
        vaults: Vaults,
        tag_lookup: TagLookup,
        rules: Rules,
        clock: Clock,
        publisher: Publisher | None = None,
        known_vaults: KnownVaults | None = None,
        causes: Causes | None = None,
        pages: str = "",
        has_log: bool = True,
    ) -> None:
        """`has_log`: see Committer."""
        self._ledger = ledger
        self._controls = controls
        self._storm_watch = StormWatch(ledger, storms)
        self._vaults = vaults
        self._tag_lookup = tag_lookup
        self._rules = rules
        self._clock = clock
        #: notifies operators of an incident
        self.teller = Teller(
            causes=causes or MemoryCauses(), ledger=ledger, publisher=publisher, clock=clock, pages=pages
        )
        self._committer = Committer(ledger, self.teller, has_log=has_log)
        self._gatherer = Gatherer(vaults, rules)
        #: what to do where a whole vault is closed to us
        self.vault_incidents = VaultIncidents(
            committer=self._committer,
            vaults=vaults,
            controls=controls,
            known=known_vaults or MemoryKnownVaults(),
            note=self.note,
            clock=clock,
            publisher=publisher,
        )
        #: what a person answers where one is asked first
        self.approvals = Approvals(self._committer, clock)
        #: what ends without a backup of ours
        self.redone_restores = RedoneRestores(self._committer, clock)
        self._retrier = Retrier(
            committer=self._committer,
            vaults=vaults,
            storm_watch=self._storm_watch,
            clock=clock,
            claim_lease=rules.claim_lease,
        )

    @property
    def looks_back(self) -> timedelta:
        """How long before a failure began the jobs begin that it may read: a list that serves it reaches so far."""
        return self._gatherer.looks_back

    async def note(self, failed: FailedJob, source: Source) -> Report:
        """Store that a job failed and leave the rest to the follow-up; stores nothing when it is known."""

        async def store(work: UnitOfWork) -> Report:
            saved = await self._committer.save(work)
            if saved is None:
                return already_handled(work.incident, failed.id)
            return report("stored", saved, job_id=failed.id)

        return await self._note_and_act(failed, source, store)

    async def handle(
        self,
        failed: FailedJob,
        source: Source,
        *,
        run_began: datetime | None = None,
        retrying: Retrying = lambda: None,
    ) -> Report:
        """Note a failed job and advance its incident, with one write for both.

        When Azure stops answering on the way, the failure is stored for the follow-up. `run_began` is for runs over
        many items, and for signals: they share what was read of a vault, see `freshness`.
        """
        return await self._note_and_act(failed, source, lambda work: self._advance(work, run_began, retrying))

    async def _note_and_act(
        self, failed: FailedJob, source: Source, act: Callable[[UnitOfWork], Awaitable[Report]]
    ) -> Report:
        """Act on the failure; after a lost race look again, since the winner need not have known of it."""
        for _ in range(_RACES):
            work = await self._noted(failed, source)
            if isinstance(work, Report):
                return work
            done = await act(work)
            if done.decision != "already_handled":
                return done
        raise AzureUnavailable(f"{failed.item.friendly_name}: other workers changed its incident")

    async def advance(
        self, incident: Incident, *, run_began: datetime | None = None, sends: bool = True
    ) -> Report:
        """Move an incident on by one decision; one that is closed already only tells what is left to tell.

        `sends`: see Committer.tell.
        """
        told = await self._committer.tell(incident, sends=sends)
        if not told.is_open:
            return report("closed", told)
        if told.has_no_job:
            return await self.vault_incidents.look_again(told, fresh_since(self._clock(), run_began))
        return await self._advance(UnitOfWork(told, self._clock()), run_began)

    async def tell(self, incident: Incident, *, sends: bool = True) -> Incident:
        """Send what an incident has left to send; returns it with what could not be told."""
        return await self._committer.tell(incident, sends=sends)

    async def context(self, incident: Incident) -> DecisionContext:
        """All that a decision about the incident would look at now; changes and triggers nothing."""
        work = UnitOfWork(incident, self._clock())
        facts = await self._gatherer.facts(work, None)
        return await self._with_protection(work, await self._context(work), facts)

    async def in_storm(self, context: DecisionContext, decision: Decision) -> Decision:
        """What the vault's storm would make of a decision now; changes and tells nothing."""
        return await self._storm_watch.look(context, decision)

    async def _noted(self, failed: FailedJob, source: Source) -> UnitOfWork | Report:
        """The item's incident with this failure in it, not yet saved; a report where nothing is to do."""
        record = await self._ledger.load(failed.item, failed.id)
        current, now = record.incident, self._clock()
        known = current is not None and (record.job_known or _is_known(failed, current))
        if current is not None and known and not self._is_free(failed, current):
            log_event(LogEvent.FAILURE_KNOWN, item=failed.item.id, job=failed.id, found_by=source)
            return already_handled(current, failed.id)
        if current is None or not current.is_open:
            current = recall.opened(failed, source, now, after=current)
        own = current.owns(failed)
        job_id = "" if record.job_known else failed.id
        noted = current if own else current.with_named(failed).with_failure(failed)
        work = UnitOfWork(noted, now, job_id=job_id)
        work.noted_failure = None if own else failed
        what = "the retry" if own else "a backup"
        detail = f"{failed.error.label}: {what} {failed.status.lower()} (source: {source})"
        work.step(StepKind.NOTED, job_id=failed.id, detail=detail)
        return work

    def _is_free(self, failed: FailedJob, head: Incident) -> bool:
        """True for a failure whose retry DRY_RUN alone has kept back, now that it is off."""
        return not self._rules.dry_run and head.rehearsed and not head.is_past(failed)

    async def _advance(
        self, work: UnitOfWork, run_began: datetime | None, retrying: Retrying = lambda: None
    ) -> Report:
        """Gather, decide, apply.

        1. what needs no look at the vault (a pause, the scope, a tag, an unsupported workload) is decided first;
        2. gather the item's jobs since the first failure, and settle the attempt in flight with them;
        3. gather the item's protection, and decide by the policy's rows;
        4. what would be retried, or given up, may have to wait for a storm;
        5. apply: close, wait, or claim, trigger and record the answer.
        """
        try:
            decision = await self._decide(work, run_began)
        except (AzureUnavailable, AzureRefused) as error:
            if isinstance(error, AzureRefused) and error.by is Service.LEDGER:
                raise
            decision = unanswered(error, work.incident, work.now)
        if isinstance(decision, BackupRequest):
            retrying()
            done = await self._retrier.retry(work, decision)
        else:
            done = await self._settle_down(work, within_bounds(decision, work.incident, work.now))
        if done.reason in BLOCKED:
            wait = Wait(until=work.now, reason=done.reason, detail=done.detail)
            await self.vault_incidents.blocked(work.incident.item.vault, wait, work.incident.found_by)
        if work.storm_notices and done.decision == "already_handled":
            await self._save_notices_anyway(work)
        if work.tells_of_storm:
            await self._storm_watch.was_told(work.tells_of_storm)
        return done

    async def _save_notices_anyway(self, work: UnitOfWork) -> None:
        """The race for the incident is lost; what was stored of a storm has to be told nevertheless."""
        while (current := (await self._ledger.load(work.incident.item)).incident) is not None:
            again = UnitOfWork(current, self._clock())
            again.step(StepKind.STORM, detail=", ".join(notice.kind for notice in work.storm_notices))
            again.add_notices(*work.storm_notices)
            if await self._committer.save(again) is not None:
                return

    async def _decide(self, work: UnitOfWork, run_began: datetime | None) -> Wait | Close | BackupRequest:
        facts: Facts | None = None
        if work.incident.running_attempt is not None:
            facts = await self._gatherer.facts(work, run_began)
            settled, in_flight = settle(work.incident, facts, self._rules, work.now)
            work.settle(settled)
            if in_flight is not None:
                return in_flight
        context = await self._context(work)
        if early := policy.decide_early(context):
            return early
        context = await self._with_protection(
            work, context, facts or await self._gatherer.facts(work, run_began)
        )
        decision = policy.decide(context)
        if isinstance(decision, Trigger):
            decision = policy.decide(await self._by_now(context))
        if not context.error.known and policy.is_of_its_code(decision):
            level, code = logging.WARNING, context.error.code
            log_event(LogEvent.UNKNOWN_ERROR_CODE, level=level, code=code, item=work.incident.item.id)
        decision = await self._storm_watch.weigh(work, context, decision)
        if isinstance(decision, Trigger):
            return policy.backup_request(await self._with_details(work, context))
        return decision

    async def _with_details(self, work: UnitOfWork, context: DecisionContext) -> DecisionContext:
        """The case with the rule and the tag that the failed job ran by, where a list did not tell them."""
        if not policy.lacks_details(context):
            return context
        try:
            job = await self._vaults.job(context.incident.item.vault, context.incident.failure.id)
        except NotFound as error:
            if not error.is_the_vaults_word:
                raise
            return context
        known = context.incident.failure
        failure = replace(known, rule=job.rule or known.rule, retention_tag=job.retention_tag)
        work.incident = replace(work.incident, failure=failure)
        return replace(context, incident=work.incident)

    async def _with_protection(
        self, work: UnitOfWork, context: DecisionContext, facts: Facts
    ) -> DecisionContext:
        """The case with the item's protection, at most a minute old, and the tag of a resource only the vault names."""
        item = await self._vaults.item(work.incident.item)
        if item is not None:
            work.incident = replace(work.incident, last_good_at=item.last_recovery_point)
        facts = replace(facts, item=item)
        work.incident = recall.after_success(work.incident, facts)
        context = replace(context, incident=work.incident, facts=facts)
        if policy.needs_details(context):
            context = await self._with_details(work, context)
        if not context.tags.opted_out_by and context.source_id != work.incident.item.machine_id:
            tags = await self._tag_lookup.tags_of(work.incident.item, context.source_id)
            context = replace(context, tags=tags, rules=self._rules_of(tags))
        return self._with_story(work, context)

    def _with_story(self, work: UnitOfWork, context: DecisionContext) -> DecisionContext:
        """The same, with what its tags say written down; when all of them are known, since the nearest one counts."""
        tag = context.tags.profile
        work.hold_profile(tag.value if tag else "", profile_held(tag, self._rules.profiles))
        if not asks_first(context):
            work.withdraw_question()
        return replace(context, incident=work.incident)

    def _rules_of(self, tags: Tags) -> Rules:
        return self._rules.of_profile(tags.profile.value if tags.profile else "")

    async def _context(self, work: UnitOfWork) -> DecisionContext:
        """What can be known without a look at the vault; during a pause nobody is asked about tags."""
        incident = work.incident
        pause = await self._pause(incident, work.now)
        tags = Tags() if pause else await self._tag_lookup.tags_of(incident.item)
        return DecisionContext(
            incident=incident,
            facts=Facts(),
            rules=self._rules_of(tags),
            now=work.now,
            pause=pause,
            tags=tags,
        )

    async def _by_now(self, context: DecisionContext) -> DecisionContext:
        """The case as the clock has it by now: while a vault was read a pause may have begun, or the hours ended."""
        now = self._clock()
        return replace(context, now=now, pause=await self._pause(context.incident, now))

    async def _pause(self, incident: Incident, now: datetime) -> Pause | None:
        pauses = await self._controls.pauses()
        return next((pause for pause in pauses if pause.holds(incident.item.vault, now)), None)

    async def _settle_down(self, work: UnitOfWork, decision: Wait | Close) -> Report:
        """Close the incident, or let it wait; what changed nothing is not written."""
        label = "closed" if isinstance(decision, Close) else "waiting"
        if not work.decide(decision):
            return report(label, work.incident, decision=decision)
        saved = await self._committer.save(work)
        return report(label, saved, decision=decision) if saved else already_handled(work.incident)


def _is_known(failed: FailedJob, head: Incident) -> bool:
    """True for a failure that the item's latest incident, or an earlier one, has brought to its end."""
    return head.is_past(failed) if head.is_open else head.covers(failed)
