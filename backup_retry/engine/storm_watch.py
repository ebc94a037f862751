"""Row 13, a storm in the vault: read, weighed and written down, and looked at once more before a canary goes."""

import logging

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Reason, Trigger, Wait
from backup_retry.domain.error_catalog import Verdict, look_up
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.journal import StepKind
from backup_retry.domain.notices import NoticeKind
from backup_retry.engine.unit_of_work import UnitOfWork
from backup_retry.policy import storm
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.storm import Move, Storm, StormReading
from backup_retry.ports.ledger import Ledger, Storms
from backup_retry.ports.log_events import LogEvent, log_event

#: what each move in a storm tells; becoming the canary only where the storm is new
_NOTICES = {
    Move.LEAD: (NoticeKind.STORM_BEGAN, LogEvent.STORM_BEGAN),
    Move.NOTIFY: (NoticeKind.STORM_NEEDS_PERSON, LogEvent.STORM_NEEDS_PERSON),
    Move.RELEASE: (NoticeKind.STORM_ENDED, LogEvent.STORM_ENDED),
}


class StormWatch:
    """Says who may go while a storm is on, and keeps its row."""

    def __init__(self, ledger: Ledger, storms: Storms) -> None:
        self._ledger = ledger
        self._storms = storms

    async def weigh(self, work: UnitOfWork, context: DecisionContext) -> Trigger | Wait:
        """Go, or wait for the canary; a move that changes the storm counts only once it is stored."""
        if not _may_be_in_one(context):
            return Trigger()
        item, similar = work.incident.item, context.facts.similar
        key = storm.storm_key(item.vault, similar.error.label)
        while True:
            seen = await self._read(key)
            move, after = storm.weigh(seen, work.incident, similar, context.rules.storm_size, work.now)
            if after is None:
                return Trigger()
            known = seen.storm if seen else None
            if after == known or await self._storms.save_storm(after) is not None:
                break
        _announce(work, move, after, is_new=known is None or after.began_at != known.began_at)
        if move is Move.LEAD:
            work.canary_of = key
        if move in {Move.GO, Move.LEAD}:
            return Trigger()
        detail = f"{after.size} items of the vault fail with {after.code}; {after.canary.friendly_name} goes first."
        return Wait(until=after.goes_at(item) or work.now, reason=Reason.STORM, detail=detail)

    async def still_leads(self, key: str, item: ProtectedItem) -> bool:
        """True where a canary that has stored its claim may go: it is still named, and nobody else is under way."""
        seen = await self._read(key)
        return seen is not None and seen.still_leads(item)

    async def _read(self, key: str) -> StormReading | None:
        """The row first and the incidents after it: who was in flight when the row was read is not missed."""
        known = await self._storms.storm(key)
        if known is None:
            return None
        return StormReading(
            storm=known,
            canary=await self._incident(known.canary),
            predecessor=await self._incident(known.predecessor),
        )

    async def _incident(self, item: ProtectedItem | None) -> Incident | None:
        return (await self._ledger.load(item)).incident if item else None


def _may_be_in_one(context: DecisionContext) -> bool:
    """True where enough items have failed alike lately, so that the row is worth reading.

    What counts is the job's error and not that of a trigger that was refused since. That each item is held by a
    backup of its own is no cause that they share.
    """
    similar = context.facts.similar
    if similar.ever < context.rules.storm_size:
        return False
    error = look_up(title=similar.error.title, numeric=similar.error.code, workload=context.workload.name)
    return error.verdict is not Verdict.WAIT


def _announce(work: UnitOfWork, move: Move, seen: Storm, *, is_new: bool) -> None:
    """Log, journal and announce what has just been stored of a storm."""
    announcement = _NOTICES.get(move)
    if announcement is None or (move is Move.LEAD and not is_new):
        return
    kind, event = announcement
    log_event(
        event,
        vault=seen.vault.id,
        error=seen.code,
        items=seen.size,
        canary=seen.canary.id,
        level=logging.WARNING,
    )
    work.step(StepKind.STORM, detail=f"{event}: {seen.size} items fail with {seen.code}")
    about = f"{seen.key}{seen.began_at.isoformat()}{seen.canary.key}"
    work.storm_notices.append(
        notice(kind, work.incident, work.now, about=about, items=seen.size, canaryItemId=seen.canary.id)
    )
    work.add_notices(*work.storm_notices)
