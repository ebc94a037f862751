"""Table Storage answers 503, or 403 while a role is lost: nothing is triggered, everything comes again."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from backup_retry.domain.errors import AzureUnavailable, BackupRetryError, Forbidden, Service
from backup_retry.domain.incident import Incident
from backup_retry.engine.turn import Turn, TurnTaker
from backup_retry.ports.ledger import Beat
from backup_retry.ports.turns import MemoryTurns
from reactor import webhook
from reactor.signal_handler import SignalHandler
from reconciler.follow_up import FollowUp
from tests.builders import minutes, vault
from tests.deferred_world import Session
from tests.world import World

AWAY = [
    AzureUnavailable("ledger: 503 ServerBusy"),
    Forbidden("ledger: 403 AuthorizationPermissionMismatch", status=403, by=Service.LEDGER),
]
away = pytest.mark.parametrize("error", AWAY, ids=["503", "403"])


def refusing(error: BackupRetryError) -> Callable[..., Any]:
    """A call that the storage does not take."""

    async def refuse(*_: object, **__: object) -> Any:
        raise error

    return refuse


def alert() -> bytes:
    """A log search alert about the vault, in which one backup has failed."""
    essentials = {
        "monitoringService": "Log Alerts V2",
        "monitorCondition": "Fired",
        "alertTargetIDs": [vault().id],
    }
    data = {"essentials": essentials, "alertContext": {}}
    return json.dumps({"schemaId": "azureMonitorCommonAlertSchema", "data": data}).encode()


@away
async def test_an_alert_is_answered_503_and_nothing_is_triggered(
    world: World, error: BackupRetryError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the claim nor the alert can be stored; Azure Monitor's repetition is handled, once."""
    world.fails()
    session = Session(world)

    async def reactor() -> SignalHandler:
        return session.reactor

    with monkeypatch.context() as gone:
        gone.setattr(world.ledger, "load", refusing(error))
        gone.setattr(world.ledger, "save", refusing(error))
        gone.setattr(session.inbox, "add", refusing(error))
        answer = await webhook.answer(alert(), reactor)
        assert (answer.status, world.attempts) == (503, [])
        assert int(answer.headers["Retry-After"]) >= 1
    assert [(await webhook.answer(alert(), reactor)).status for _ in range(2)] == [202, 202]
    assert len(world.attempts) == 1


@away
async def test_no_trigger_is_sent_whose_claim_is_not_stored(world: World, error: BackupRetryError) -> None:
    """Incidents can be read and not written: the alert is kept, and retried once they can."""
    world.fails()
    session = Session(world)

    def refuse(_: Incident) -> None:
        raise error

    async def reactor() -> SignalHandler:
        return session.reactor

    world.ledger.before_save = refuse
    assert (await webhook.answer(alert(), reactor)).status == 202
    assert world.attempts == []
    world.ledger.before_save = None
    await session.look()
    assert len(world.attempts) == 1


@away
async def test_a_timer_ends_without_a_beat_and_says_why(
    world: World, error: BackupRetryError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it raises is in the host's log; the next turn makes up for it."""
    follow_up = FollowUp(ledger=world.ledger, engine=world.engine, controls=world.ledger, clock=world.clock)
    taker = TurnTaker(turns=MemoryTurns(), controls=world.ledger, clock=world.clock, lease=minutes(1))
    turn = Turn(name="follow_up", run=follow_up.run)
    with monkeypatch.context() as gone:
        gone.setattr(world.ledger, "open_incidents", refusing(error))
        with pytest.raises(type(error), match="ledger: "):
            await taker.take(turn)
    assert await world.ledger.last_beat(Beat.FOLLOW_UP) is None
    assert await taker.take(turn)
    assert await world.ledger.last_beat(Beat.FOLLOW_UP) == world.clock()
