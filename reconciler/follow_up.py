"""The follow-up: every few minutes, every open incident that is due is moved on."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.incident import Incident
from backup_retry.domain.notices import Notice
from backup_retry.domain.unsent_notices import UnsentNotices, after_a_try
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report
from backup_retry.ports.ledger import Archive, Beat, Controls, Ledger, LeftOpen
from backup_retry.ports.log_events import LogEvent, log_event, log_failure
from backup_retry.ports.unreadable_rows import Unreadables
from backup_retry.ports.unsent_notices import MemoryUnsentStore, UnsentStore
from reconciler.daily_summary import DailySummary
from reconciler.redone_restores import RedoneRestores
from reconciler.vault_slots import VaultSlots

_ITEMS_AT_ONCE = 8
#: seconds; how often a vault is followed up while few reads are left
_FEW_READS_PERIOD = 900
#: a retry younger than that is not worth one of few reads: no backup is that quick
_TOO_EARLY = timedelta(minutes=2)
#: incidents; a bounded part of the few minutes that a follow-up has, and 28,800 a day
_PURGED_AT_ONCE = 100


@dataclass(kw_only=True)
class FollowUpReport:
    """What a follow-up saw and did."""

    open: int
    due: int
    moved: list[Report] = field(default_factory=list)
    failed: int = 0
    #: what of those that were looked at could not be told
    unsent: list[Notice] = field(default_factory=list)
    #: how many the time limit has left
    left: int = 0

    @property
    def complete(self) -> bool:
        """True where every incident that was due has been looked at."""
        return not self.left


class FollowUp:
    """Moves open incidents on, and forgets what is old; one that cannot be moved now holds up no other."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        engine: Engine,
        controls: Controls,
        clock: Callable[[], datetime],
        archive: Archive | None = None,
        retention: timedelta | None = None,
        unreadables: Unreadables | None = None,
        reads_are_low: Callable[[Vault], bool] = lambda _: False,
        run_began: datetime | None = None,
        unsent: UnsentStore | None = None,
        time_limit: timedelta = timedelta.max,
        summary: DailySummary | None = None,
        restores: RedoneRestores | None = None,
    ) -> None:
        self._ledger = ledger
        self._engine = engine
        self._controls = controls
        self._clock = clock
        self._archive = archive
        #: how long closed incidents are kept; None: indefinitely
        self._retention = retention
        self._unreadables = unreadables
        #: whether few reads of a vault's subscription are left in this hour
        self._reads_are_low = reads_are_low
        #: what was read of a vault since then serves; None: the run begins with the follow-up
        self._run_began = run_began
        self._unsent = unsent or MemoryUnsentStore()
        self._time_limit = time_limit
        self._summary = summary
        self._restores = restores

    async def run(self) -> FollowUpReport:
        """One follow-up over every open incident that is due."""
        now = self._clock()
        opened = await self._ledger.open_incidents()
        unsent = await self._unsent.unsent()
        sends = unsent is None or now >= unsent.due
        due = await self._due(opened, now)
        report = FollowUpReport(open=len(opened), due=len(due))
        last = await self._controls.last_beat(Beat.FOLLOW_UP)
        slots = VaultSlots()

        async def one_vault(incidents: Sequence[Incident]) -> None:
            async with slots.of(incidents[0].item.vault):
                # only now: what was read for other vaults has shown how few reads are left
                worth = [each for each in incidents if self._is_worth_a_read(each, last, now)]
                if worth:
                    await self._follow_vault(worth, report, self._run_began or now, sends=sends)
                for each in incidents:
                    if each.is_untold and each not in worth:
                        await self._move(each, report, sends=sends)

        early = [incident for incident in opened if incident.is_untold and incident not in due]
        await asyncio.gather(
            *(one_vault(incidents) for incidents in _by_vault(due, now)),
            *(self._move(each, report, sends=sends) for each in early),
        )
        if not report.complete:
            return report
        await self._controls.beat(Beat.FOLLOW_UP, now, left=_left_open(opened, report))
        log_event(
            LogEvent.FOLLOW_UP_COMPLETED,
            open=report.open,
            due=report.due,
            failed=report.failed,
            decisions=Counter(each.decision for each in report.moved),
        )
        if self._restores is not None:
            with suppress(BackupRetryError):  # an hour later it is looked at again
                await self._restores.look()
        untold, answer = await self._tell(opened) if sends else ((), "")
        await self._remember(unsent, [*report.unsent, *untold], answer, now)
        await self._purge(now)
        await self._sum_up()
        return report

    def _is_worth_a_read(self, incident: Incident, last: datetime | None, now: datetime) -> bool:
        """While few reads are left a vault is followed up every quarter of an hour: the others are for new failures.

        Nor is a retry followed up that has just begun: what this run has read of its vault before cannot show it.
        `last` is when the last complete follow-up began.
        """
        vault, attempt = incident.item.vault, incident.running_attempt
        if not self._reads_are_low(vault):
            return True
        has_just_begun = attempt is not None and now - attempt.claimed_at < _TOO_EARLY
        return not has_just_begun and (last is None or _quarter(vault, last) != _quarter(vault, now))

    async def _tell(self, opened: Sequence[Incident]) -> tuple[Sequence[Notice], str]:
        """Send digests and the daily summary where they are due; returns what is left to later, and the answer."""
        left: list[Notice] = []
        try:
            left += await self._engine.teller.send_digests()
            if self._summary is not None and (unsent := await self._summary.send(opened)):
                return [*left, unsent.notice], unsent.answer
        except BackupRetryError as error:
            log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, problem=str(error))
        return left, ""

    async def _remember(
        self, seen: UnsentNotices | None, left: Sequence[Notice], answer: str, now: datetime
    ) -> None:
        """Say what could not be sent, and when it is tried again; in between, more of it may have gathered."""
        if seen is not None and now < seen.due:
            known: UnsentNotices | None = replace(seen, number=max(seen.number, len(left)))
        else:
            answer = answer or self._engine.teller.refusal or (seen.answer if seen else "")
            known = after_a_try(seen, left, answer, now)
        if known != seen:
            with suppress(BackupRetryError):  # the next follow-up tries at once then
                await self._unsent.save_unsent(known)

    async def _due(self, opened: Sequence[Incident], now: datetime) -> Sequence[Incident]:
        """What has come due, or waits for the end of a pause that is gone by now, whoever took it away."""
        held = any(incident.reason is Reason.PAUSED and incident.due > now for incident in opened)
        pauses = await self._controls.pauses() if held else ()

        def freed(incident: Incident) -> bool:
            still = any(pause.holds(incident.item.vault, now) for pause in pauses)
            return incident.reason is Reason.PAUSED and not still

        return [incident for incident in opened if incident.due <= now or freed(incident)]

    async def _purge(self, now: datetime) -> None:
        """Forget some of what is old; what cannot be forgotten now has time."""
        if self._archive is None or self._retention is None:
            return
        try:
            if purged := await self._archive.purge(now - self._retention, _PURGED_AT_ONCE):
                log_event(LogEvent.LEDGER_PURGED, incidents=purged)
        except BackupRetryError as error:
            log_event(LogEvent.PURGE_FAILED, level=logging.WARNING, problem=str(error))

    async def _sum_up(self) -> None:
        """Say how many rows cannot be read; that can wait for the next follow-up."""
        if self._unreadables is not None:
            with suppress(BackupRetryError):
                await self._unreadables.sum_up()

    async def _follow_vault(
        self, incidents: Sequence[Incident], report: FollowUpReport, run_began: datetime, *, sends: bool
    ) -> None:
        """The oldest incident goes first: its list of the vault's jobs reaches back far enough for all the others."""
        oldest, *others = incidents
        await self._move(oldest, report, run_began, sends=sends)
        at_once = asyncio.Semaphore(_ITEMS_AT_ONCE)

        async def one(incident: Incident) -> None:
            async with at_once:
                await self._move(incident, report, run_began, sends=sends)

        await asyncio.gather(*(one(incident) for incident in others))

    async def _move(
        self, incident: Incident, report: FollowUpReport, run_began: datetime | None = None, *, sends: bool
    ) -> None:
        """Without `run_began` it is not due, and only tells what is left to tell."""
        if run_began is not None and self._clock() - run_began >= self._time_limit:
            report.left += 1
            return
        try:
            if run_began is None:
                moved: Incident | None = await self._engine.tell(incident, sends=sends)
            else:
                done = await self._engine.advance(incident, run_began=run_began, sends=sends)
                report.moved.append(done)
                moved = None if done.reason is Reason.ALREADY_HANDLED else done.incident
            report.unsent += moved.notices if moved else ()
        except Exception as error:  # noqa: BLE001 (it ends this incident's turn and no other's)
            report.failed += 1
            log_failure(LogEvent.INCIDENT_FAILED, error, incident=incident.id, item=incident.item.id)


def _quarter(vault: Vault, at: datetime) -> int:
    """The quarter of an hour that a time is in, by a clock of the vault's own: not all vaults begin one at once."""
    return (int(at.timestamp()) - _hashed(vault.key) % _FEW_READS_PERIOD) // _FEW_READS_PERIOD


def _left_open(opened: Sequence[Incident], report: FollowUpReport) -> LeftOpen:
    """What is open after it; one that was closed before had only something left to tell."""
    moved = {each.incident.id: each.incident for each in report.moved if each.incident is not None}
    left = [each for was in opened if (each := moved.get(was.id, was)).is_open]
    return LeftOpen(incidents=len(left), approvals=sum(each.awaits_approval for each in left))


def _by_vault(incidents: Sequence[Incident], now: datetime) -> list[list[Incident]]:
    """Vault by vault, in another order each time: where reads run out it is not always the same one that waits."""
    by_vault: dict[str, list[Incident]] = defaultdict(list)
    for incident in sorted(incidents, key=lambda each: each.first_failed_at):
        by_vault[incident.item.vault.key].append(incident)
    return [by_vault[key] for key in sorted(by_vault, key=lambda key: _hashed(f"{key} {now}"))]


def _hashed(text: str) -> int:
    """A number that looks random, and is the same in every process."""
    return int.from_bytes(sha256(text.encode()).digest())
