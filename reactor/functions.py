"""The reactor's entry points: the action group's webhook and the Event Grid trigger."""

import asyncio
import json
import logging
from functools import partial

import azure.functions as func

from backup_retry import wiring
from backup_retry.domain.errors import BadSignal, SettingsError
from backup_retry.engine.turn import Turn
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.settings.sign_in import sign_in
from reactor import webhook
from reactor.deferred_signals import process_deferred, written
from reactor.events import parse_events
from reactor.handed_on import Looks, key_in
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal

blueprint = func.Blueprint()
#: so many signals are looked into at once; in a storm the others are kept, or all would be late
_PLACES = asyncio.Semaphore(16)
#: so many of those that were kept are then looked into at once
_LOOKS = Looks(32)
#: Event Grid waits 30 seconds
_EVENT_SECONDS = 20.0
_SIGN_IN = sign_in()


async def _reactor(places: asyncio.Semaphore | None = _PLACES) -> SignalHandler:
    parts = await wiring.parts()
    resolver = Resolver(
        vaults=parts.vaults,
        item_lookup=parts.item_lookup,
        clock=parts.clock,
        lookback=parts.settings.sweep_lookback,
        scope=parts.settings.scope,
    )

    async def defer(signal: Signal) -> None:
        await parts.inbox.add(written(signal))

    at_once = partial(_LOOKS.hand_on, messenger=parts.publisher, clock=parts.clock)
    return SignalHandler(resolver=resolver, engine=parts.engine, defer=defer, hand_on=at_once, places=places)


@blueprint.route(route="alerts", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def alerts(req: func.HttpRequest) -> func.HttpResponse:
    """The webhook of an action group, common alert schema."""
    try:
        refused = webhook.refusal(_SIGN_IN, req.headers)
        answer = refused or await webhook.answer(req.get_body(), _reactor, wiring.settings().dimensions)
    except SettingsError as error:
        answer = webhook.unavailable(error)
    except Exception as error:  # Azure repeats a 503 and never a 500: nothing may be lost to a fault of ours
        logging.getLogger("backup_retry").exception("unexpected fault in the webhook")
        answer = webhook.unavailable(error)
    return func.HttpResponse(
        json.dumps(answer.body),
        status_code=answer.status,
        headers=answer.headers,
        mimetype="application/json",
    )


@blueprint.event_grid_trigger(arg_name="event")
async def events(event: func.EventGridEvent) -> None:
    """An event of either schema; one that fails for a passing reason raises, so that it is delivered again."""
    event_type = getattr(event, "event_type", None) or getattr(event, "type", None) or ""
    if key := key_in(event_type, event.get_json()):
        await _look_into(key)
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
    began = wiring.clock()
    await (await _reactor()).handle_signals(signals, seconds=_EVENT_SECONDS, run_began=began)


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


@blueprint.timer_trigger(arg_name="timer", schedule=wiring.schedules().follow_up_schedule, use_monitor=True)
async def kept_signals(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
    """The five-minute look into the signals that wait."""
    parts = await wiring.parts()
    await parts.turns.take(Turn(name="kept_signals", run=_look_into_kept))


async def _look_into_kept() -> None:
    parts = await wiring.parts()
    await process_deferred(parts.inbox, await _reactor(None), parts.clock, parts.publisher)
    await parts.unreadables.sum_up()
