"""The reactor's entry points: the action group's webhook and the Event Grid trigger."""

import json
import logging

import azure.functions as func

from backup_retry import wiring
from backup_retry.errors import BadSignal
from backup_retry.log_events import LogEvent, log_event
from reactor import webhook
from reactor.react import Reactor
from reactor.resolve import Resolver
from reactor.signals import parse_event

blueprint = func.Blueprint()
#: Event Grid waits 30 seconds
_EVENT_SECONDS = 20.0


async def _reactor() -> Reactor:
    parts = await wiring.parts()
    resolver = Resolver(
        vaults=parts.vaults,
        clock=parts.clock,
        lookback=parts.settings.sweep_lookback,
        scope=parts.settings.scope,
    )
    return Reactor(resolver=resolver, engine=parts.engine)


@blueprint.route(route="alerts", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def alerts(req: func.HttpRequest) -> func.HttpResponse:
    """The webhook of an action group, common alert schema."""
    try:
        answer = await webhook.answer(req.get_body(), _reactor)
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
    try:
        signal = parse_event(event_type, event.get_json())
    except BadSignal as error:
        log_event(
            LogEvent.SIGNAL_REJECTED,
            level=logging.ERROR,
            signal=event_type,
            event_id=event.id,
            problem=str(error),
        )
        return
    await (await _reactor()).react(signal, seconds=_EVENT_SECONDS)
