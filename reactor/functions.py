"""The reactor's entry points: the action group's webhook and the Event Grid trigger."""

import asyncio
import json
import logging
from functools import partial

import azure.functions as func

from backup_retry import wiring
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import DRILL, AlertKind
from backup_retry.domain.errors import BadSignal, SettingsError
from backup_retry.engine.turn import KEPT_SIGNALS, Slice, Turn
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.settings.sign_in import sign_in
from reactor import webhook
from reactor.dead_letters import process_dead_letters
from reactor.deferred_signals import process_deferred, written
from reactor.events import parse_events
from reactor.handed_on import Looks, key_in
from reactor.resolve import Resolver
from reactor.second_clock import LastLook, SecondClock, run_slice, turn_in
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal

blueprint = func.Blueprint()
#: so many signals are processed at once; in a storm the others are kept, or all would be late
_PLACES = asyncio.Semaphore(16)
#: so many of those that were kept are then processed at once
_LOOKS = Looks(32)
_LAST_LOOK = LastLook()
#: Event Grid waits 30 seconds
_EVENT_SECONDS = 20.0
_SIGN_IN = sign_in()


async def _reactor(places: asyncio.Semaphore | None = _PLACES, *, alone: bool = True) -> SignalHandler:
    """`alone`: each signal is read for by itself, which is not worth it while few reads are left."""
    parts = await wiring.parts()

    async def defer(signal: Signal) -> None:
        await parts.inbox.add(written(signal))

    return SignalHandler(
        resolver=_resolver(parts),
        engine=parts.engine,
        defer=defer,
        hand_on=partial(_LOOKS.hand_on, messenger=parts.publisher, clock=parts.clock),
        note=_note_arrival,
        places=places,
        clock=parts.clock,
        reads_are_low=parts.clients.reads_are_low if alone else lambda _: False,
    )


def _resolver(parts: wiring.Parts) -> Resolver:
    return Resolver(
        vaults=parts.vaults,
        item_lookup=parts.item_lookup,
        clock=parts.clock,
        lookback=parts.settings.sweep_lookback,
        scope=parts.settings.scope,
    )


async def _note_arrival(vault: Vault, kind: AlertKind = AlertKind.TEST) -> None:
    parts = await wiring.parts()
    await parts.arrivals.note(vault, kind, parts.clock())


@blueprint.route(route="alerts", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def alerts(req: func.HttpRequest) -> func.HttpResponse:
    """The webhook of an action group, common alert schema."""
    try:
        answer = webhook.refusal(_SIGN_IN, req.headers) or await _answer(req)
    except SettingsError as error:
        answer = webhook.unavailable(error)
    except Exception as error:  # Azure repeats a 503 and never a 500: nothing may be lost to a fault of ours
        logging.getLogger("backup_retry").exception("unexpected error in the webhook")
        answer = webhook.unavailable(error)
    return func.HttpResponse(
        json.dumps(answer.body),
        status_code=answer.status,
        headers=answer.headers,
        mimetype="application/json",
    )


async def _answer(req: func.HttpRequest) -> webhook.Answer:
    settings = wiring.settings()
    if drilled := Vault.parse(req.params.get(DRILL, "")):
        return await webhook.answer_drill(req.get_body(), drilled, settings.scope, _note_arrival)
    return await webhook.answer(req.get_body(), _reactor, settings.dimensions, _second_clock)


@blueprint.event_grid_trigger(arg_name="event")
async def events(event: func.EventGridEvent) -> None:
    """An event of either schema; one that fails for a passing reason raises, so that it is delivered again."""
    event_type = getattr(event, "event_type", None) or getattr(event, "type", None) or ""
    if await _was_for_itself(event_type, event.get_json()):
        return
    try:
        dimensions = wiring.settings().dimensions
        signals = parse_events(
            event_type, event.get_json(), subject=event.subject or "", dimensions=dimensions
        )
    except BadSignal as error:
        fields = {"signal": event_type, "event_id": event.id, "problem": str(error)}
        log_event(LogEvent.SIGNAL_REJECTED, level=logging.ERROR, **fields)
        return
    await (await _reactor()).handle_signals(signals, seconds=_EVENT_SECONDS)
    await (await _second_clock()).signal_came()


async def _was_for_itself(event_type: str, data: object) -> bool:
    """Whether the app has sent itself the event: to process a signal, or to run a turn."""
    if key := key_in(event_type, data):
        await _look_into(key)
    elif due := turn_in(event_type, data):
        await _run_slice(*due)
    else:
        return False
    return True


async def _run_slice(turn: str, number: int) -> None:
    parts = await wiring.parts()
    make = wiring.turn_makers.get(turn)
    await run_slice(
        turn,
        number,
        make=partial(make, parts) if make else None,
        taker=parts.turns,
        controls=parts.controls,
        starter=parts.publisher,
        clock=parts.clock,
    )


async def _second_clock() -> SecondClock:
    parts = await wiring.parts()
    return SecondClock(
        controls=parts.controls,
        reports=parts.reports,
        settings=parts.settings,
        clock=parts.clock,
        starter=parts.publisher,
        publisher=parts.publisher,
        looked=_LAST_LOOK,
    )


async def _look_into(key: str) -> None:
    """What nobody had time for, in an invocation of its own."""
    parts = await wiring.parts()
    await _LOOKS.look(
        key,
        inbox=parts.inbox,
        reactor=await _reactor(None),
        clock=parts.clock,
        publisher=parts.publisher,
        messenger=parts.publisher,
    )


def _kept_signals_turn(parts: wiring.Parts, part: Slice) -> Turn:
    return Turn(name=KEPT_SIGNALS, run=partial(_look_into_kept, parts, part), slice=part)


wiring.turn_makers[KEPT_SIGNALS] = _kept_signals_turn


async def _look_into_kept(parts: wiring.Parts, part: Slice) -> None:
    reactor = await _reactor(None, alone=False)
    part.end(await process_deferred(parts.inbox, reactor, parts.clock, parts.publisher, part.limit))
    if not part.left:
        await _look_into_dead_letters(parts)
        await parts.unreadables.sum_up()


async def _look_into_dead_letters(parts: wiring.Parts) -> None:
    if parts.dead_letters is not None:
        await process_dead_letters(
            parts.dead_letters,
            await _reactor(None, alone=False),
            controls=parts.controls,
            unreadables=parts.unreadables,
            schedule=parts.settings.follow_up_schedule,
            dimensions=parts.settings.dimensions,
            clock=parts.clock,
        )
