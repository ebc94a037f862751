"""Row 13, a storm in the vault: read, evaluated and written down, and looked at once more before a canary goes."""

import logging
from dataclasses import replace

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Decision
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.journal import StepKind
from backup_retry.domain.notices import NoticeKind
from backup_retry.engine.unit_of_work import UnitOfWork
from backup_retry.policy import storm_of_item
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.storm import Move, Storm, StormReading, storm_key, weigh
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

    async def weigh(self, work: UnitOfWork, context: DecisionContext, decision: Decision) -> Decision:
        """What the storm makes of the policy's decision; what changes the storm counts only once it is stored."""
        if not storm_of_item.may_be_held(context, decision):
            return decision
        candidate = storm_of_item.candidate(context, decision)
        key = storm_key(work.incident.item.vault, candidate.similar.error.label)
        while True:
            seen = await self._read(key)
            move, after = weigh(seen, candidate, context.rules)
            if after is None:
                return decision
            known = seen.storm if seen else None
            if after != known and await self._storms.save_storm(after) is None:
                continue  # another worker changed it first
            is_new = known is None or after.began_at != known.began_at
            counted = storm_of_item.since_the_last(seen, context) if is_new else context
            _announce(work, move, after, counted, is_new=is_new)
            if not move.changes_only_the_storm:
                break
        if move is Move.LEAD:
            work.canary_of = key
        return storm_of_item.decided(move, after, context, decision)

    async def still_leads(self, key: str, item: ProtectedItem) -> bool:
        """True where a canary that has stored its claim may go: it is still named, and nobody else is under way."""
        seen = await self._read(key)
        return seen is not None and seen.still_leads(item)

    async def look(self, context: DecisionContext, decision: Decision) -> Decision:
        """What the storm would make of the decision now; changes and tells nothing."""
        if not storm_of_item.may_be_held(context, decision):
            return decision
        candidate = storm_of_item.candidate(context, decision)
        seen = await self._read(storm_key(context.incident.item.vault, candidate.similar.error.label))
        move, after = weigh(seen, candidate, context.rules)
        while after is not None and move.changes_only_the_storm:
            seen = replace(seen, storm=after) if seen else None
            move, after = weigh(seen, candidate, context.rules)
        return storm_of_item.decided(move, after, context, decision) if after else decision

    async def was_told(self, key: str) -> None:
        """The notice that a person is needed is stored: nobody else has to tell it."""
        while (known := await self._storms.storm(key)) is not None and not known.told:
            if await self._storms.save_storm(replace(known, told=True)) is not None:
                return

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


def _announce(work: UnitOfWork, move: Move, seen: Storm, context: DecisionContext, *, is_new: bool) -> None:
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
        detail=storm_of_item.in_a_line(seen, context),
        level=logging.WARNING,
    )
    work.step(StepKind.STORM, detail=f"{event}: {seen.size} items fail with {seen.code}")
    about = f"{seen.key}{seen.began_at.isoformat()}"
    said = storm_of_item.in_words(seen, context)
    work.storm_notices.append(notice(kind, work.incident, work.now, about=about, **said))
    work.add_notices(work.storm_notices[-1])
    if move is Move.NOTIFY:
        work.tells_of_storm = seen.key
