"""Vaults that answer 403 or 404: one incident for each, which notifies operators once, and looks back at its end.

Items of such a vault that are known to have failed wait with incidents of their own, and signals wait in the inbox.
What has failed meanwhile and was told by nobody is found when the vault's own incident ends.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.decisions import Close, Outcome, Reason, Wait
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Service
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import of_unknown_vaults
from backup_retry.domain.jobs import FailedJob, JobError, JobStatus, Source
from backup_retry.engine.committer import Committer
from backup_retry.engine.failed_jobs import unrecovered
from backup_retry.engine.unit_of_work import Report, UnitOfWork, already_handled, report
from backup_retry.policy.refusals import BLOCKED, refused
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.known_vaults import KnownVaults
from backup_retry.ports.ledger import Controls
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.publisher import Publisher
from backup_retry.ports.vaults import Vaults

#: a missing right does not pass; Azure Resource Manager also answers 404 for what is there
_PATIENCE = {Reason.NO_PERMISSION: timedelta(0), Reason.NOT_REACHABLE: timedelta(hours=1)}
_RACES = 5
_DAY = timedelta(days=1)
#: the heartbeat of the notice about vaults that only alerts have named
UNKNOWN_VAULTS_BEAT = "unknown-vaults"

Note = Callable[[FailedJob, Source], Awaitable[Report]]


class VaultIncidents:
    """Keeps one incident for each vault that is closed to us."""

    def __init__(
        self,
        *,
        committer: Committer,
        vaults: Vaults,
        controls: Controls,
        known: KnownVaults,
        note: Note,
        clock: Callable[[], datetime],
        publisher: Publisher | None,
    ) -> None:
        self._committer = committer
        self._vaults = vaults
        self._controls = controls
        self._known = known
        self._note = note
        self._clock = clock
        self._publisher = publisher

    async def refused(self, subject: ProtectedItem, error: AzureRefused, source: Source) -> None:
        """A vault that the ledger or Resource Graph has shown said no, perhaps of an item: 403 and 404 are its matter.

        The incident of such an item holds no failed job, since nobody could confirm one: it becomes an ordinary one
        with it. Operators are notified by the vault's own incident, of each cause once.
        """
        wait = refused(error, self._clock())
        if wait.reason not in BLOCKED or error.by is Service.LEDGER:
            return
        await self.blocked(subject.vault, wait, source)
        if not subject.is_vault:
            await self._block(subject, wait, source)

    async def signal_refused(
        self, vault: Vault | None, item: ProtectedItem | None, error: AzureRefused, source: Source
    ) -> bool:
        """The same for what a signal names; False where only signals have ever named that vault."""
        if vault is None or error.by is not Service.VAULT:
            return True
        if not await self._known.knows(vault):
            return False
        await self.refused(item or whole(vault), error, source)
        return True

    async def blocked(self, vault: Vault, wait: Wait, source: Source) -> None:
        """Open the vault's incident, or say in it what is the matter now."""
        await self._block(whole(vault), wait, source)

    async def _block(self, subject: ProtectedItem, wait: Wait, source: Source) -> None:
        for _ in range(_RACES):
            now, current = self._clock(), (await self._committer.ledger.load(subject)).incident
            if current is not None and current.is_open and not current.has_no_job:
                return
            work = _change(subject, current, wait, source, now)
            changed = work.decide(_waiting(work.incident, wait, now))
            if not changed or await self._committer.save(work) is not None:
                return

    async def look_again(self, incident: Incident, fresh_since: datetime) -> Report:
        """Ask the vault of an incident without a job again: what has failed is noted, and the incident ends."""
        work = UnitOfWork(incident, self._clock())
        try:
            decision = await self._end(incident, work.now, fresh_since)
        except (AzureUnavailable, AzureRefused) as error:
            if isinstance(error, AzureRefused) and error.by is Service.LEDGER:
                raise
            decision = _still(incident, error, work.now)
        if isinstance(decision, Wait) and work.now - incident.opened_at > JOB_RETENTION:
            decision = _given_up(incident)
        if isinstance(decision, Wait):
            await self._block(incident.item, decision, incident.found_by)
            return report("waiting", incident, decision=decision)
        work.decide(decision)
        saved = await self._committer.save(work)
        return report("closed", saved, decision=decision) if saved else already_handled(incident)

    async def _end(self, incident: Incident, now: datetime, fresh_since: datetime) -> Wait | Close:
        """The end, once none of the vault's items waits for it and the vault has been looked through."""
        vault, since = incident.item.vault, now - JOB_RETENTION
        await self._vaults.jobs(vault, since, fresh_since=fresh_since)
        for each in await self._committer.ledger.open_incidents() if incident.item.is_vault else ():
            if each.item.vault.key == vault.key and not each.item.is_vault and each.reason in BLOCKED:
                return Wait(until=now, reason=each.reason, detail=each.detail)
        item = None if incident.item.is_vault else incident.item
        found = await unrecovered(self._vaults, vault, since, fresh_since, item)
        for failed in found.failures:
            await self._note(failed, incident.found_by)
        if found.gap:
            raise AzureUnavailable(found.gap)
        return Close(outcome=Outcome.RECOVERED_ELSEWHERE, reason=Reason.REACHABLE_AGAIN)

    async def notify_unknown_vaults(self, vaults: Collection[Vault]) -> None:
        """Notify operators, once a day, of the number of vaults that only alerts name and that deny access."""
        now = self._clock()
        last = await self._controls.last_beat(UNKNOWN_VAULTS_BEAT)
        if not vaults or (last is not None and now - last < _DAY):
            return
        names = sorted({each.id for each in vaults})
        log_event(LogEvent.UNKNOWN_VAULTS, level=logging.WARNING, vaults=len(names), named=names[:10])
        try:
            if self._publisher is not None:
                await self._publisher.publish([of_unknown_vaults(names, now)])
        except (AzureUnavailable, AzureRefused) as error:
            log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, problem=str(error))
            return
        await self._controls.beat(UNKNOWN_VAULTS_BEAT, now)


def whole(vault: Vault) -> ProtectedItem:
    """What an incident of a vault is about."""
    return ProtectedItem(vault=vault, name="")


def _change(
    subject: ProtectedItem, current: Incident | None, wait: Wait, source: Source, now: datetime
) -> UnitOfWork:
    """The open incident, or a new one whose kind is the cause; what was told within the day is not told again."""
    if current is not None and current.is_open:
        return UnitOfWork(current, now)
    cause = FailedJob(
        id=f"{wait.reason}-{now:%Y%m%dT%H%M%S}",
        item=subject,
        workload="Vault" if subject.is_vault else "",
        operation=wait.reason.value,
        status=JobStatus.FAILED,
        started_at=now,
        ended_at=now,
        error=JobError(title=wait.reason.value, message=wait.detail),
    )
    lately = current if current and current.closed_at and now - current.closed_at < _DAY else None
    opened = Incident.open(cause, source, now, after=current)
    return UnitOfWork(replace(opened, told_of=lately.told_of if lately else ()), now)


def _still(incident: Incident, error: AzureUnavailable | AzureRefused, now: datetime) -> Wait:
    """What it waits for now: no answer, or a no for another reason, changes nothing."""
    wait = refused(error, now) if isinstance(error, AzureRefused) else None
    if wait is not None and wait.reason in BLOCKED:
        return wait
    log_event(LogEvent.INCIDENT_FAILED, incident=incident.id, item=incident.item.id, problem=str(error))
    return Wait(until=now, reason=incident.reason, detail=incident.detail)


def _waiting(incident: Incident, wait: Wait, now: datetime) -> Wait:
    """Each item of the vault words the same cause in its own way: the first one's words stay."""
    known = incident.detail if incident.reason is wait.reason else wait.detail
    is_long = incident.waited_for(wait.reason, now) >= _PATIENCE[wait.reason]
    notice_name = wait.reason.value if incident.item.is_vault and is_long else ""
    return Wait(until=now, reason=wait.reason, detail=known, notice_name=notice_name)


def _given_up(incident: Incident) -> Close:
    detail = f"The vault has been inaccessible for as long as Azure keeps jobs. {incident.detail}"
    return Close(outcome=Outcome.NEEDS_ACTION, reason=incident.reason, detail=detail)
