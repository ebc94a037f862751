"""The webhook's answers: what an action group, and whoever reads its history, is told.

Azure repeats a call on 408, 429, 503 and 504, never on 500, and gives up after 10 seconds:
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backup_retry.domain.alert_dimensions import DEFAULT, Dimensions
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import DRILL
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, BadSignal
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.scope import Scope
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.settings.sign_in import SignIn
from reactor.alerts import parse_body
from reactor.own_alerts import ClockStruck
from reactor.second_clock import SecondClock
from reactor.signal_handler import SignalHandler, SignalResult
from reactor.signals import Ignored, Signal

#: the common alert schema never makes a payload larger than this
LARGEST_BODY = 256 * 1024
#: for the first call of an instance, which builds the parts
_SECONDS_TO_START = 4.0
#: for what is asked of Azure; what is not done by then is stored and handed on
_SECONDS = 2.2
#: then for Azure's answers to triggers that are under way
_SECONDS_TO_HEAR = 2.2
#: for all of it but the start: ledger and topic may be slow as well
_AT_MOST_SECONDS = 4.8
#: later than that nobody looks whether the timers are silent: this signal is stored, and comes first
_LATEST_SECONDS = 3.5
_RETRY_AFTER_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer with a JSON body."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def refusal(sign_in: SignIn, headers: Mapping[str, str]) -> Answer | None:
    """401 for a caller of a secure webhook that is not Azure Monitor, signed in; None: go on."""
    caller = sign_in.caller(headers)
    if sign_in.may_call_the_webhook(caller):
        return None
    if not sign_in.platform:
        problem = (
            "The webhook is secure, but App Service authentication is off, so Azure Monitor cannot sign in."
        )
    else:
        who = f"signed in as {caller.name or caller.object_id}" if caller else "not signed in"
        problem = f"The webhook is secure, and the caller is {who}, not Azure Monitor."
    log_event(LogEvent.SIGNAL_REJECTED, level=logging.ERROR, problem=problem)
    return Answer(status=401, body={"error": problem, "remedy": "See docs/sign-in.md (Refused alerts)."})


async def answer(
    body: bytes,
    reactor: Callable[[], Awaitable[SignalHandler]],
    dimensions: Dimensions = DEFAULT,
    second_clock: Callable[[], Awaitable[SecondClock]] | None = None,
) -> Answer:
    """Answer one call of the webhook; every error of ours becomes an answer."""
    if len(body) > LARGEST_BODY:
        return _too_large(len(body))
    loop = asyncio.get_running_loop()
    try:
        signals = parse_body(body, dimensions)
        async with asyncio.timeout(_SECONDS_TO_START):
            ready = await reactor()
        began = loop.time()
        async with asyncio.timeout(_AT_MOST_SECONDS):
            reactions = await ready.handle_signals(signals, seconds=_SECONDS, to_hear=_SECONDS_TO_HEAR)
            started = await _struck(signals, second_clock)
    except BadSignal as error:
        return _rejected(error)
    except (AzureUnavailable, AzureRefused, TimeoutError) as error:
        return unavailable(error)
    if second_clock is not None and loop.time() - began < _LATEST_SECONDS:
        await (await second_clock()).signal_came()
    answered = _answered(reactions)
    return replace(answered, status=202, body={"started": started}) if started else answered


async def answer_drill(
    body: bytes,
    vault: Vault,
    scope: Scope,
    note: Callable[[Vault], Awaitable[None]],
) -> Answer:
    """Answer a test that a person has sent for a vault: that it arrived is all that it tells."""
    if len(body) > LARGEST_BODY:
        return _too_large(len(body))
    if not scope.allows_vault(vault):
        return _rejected(BadSignal(f"{vault.id} is outside the scope.", where=DRILL, remedy="Name another."))
    try:
        parse_body(body)
        async with asyncio.timeout(_SECONDS_TO_START):
            await note(vault)
    except BadSignal as error:
        return _rejected(error)
    except (AzureUnavailable, AzureRefused, TimeoutError) as error:
        return unavailable(error)
    log_event(LogEvent.DRILL_RECEIVED, vault=vault.id)
    return Answer(status=202, body={"drill": vault.id})


async def _struck(
    signals: Sequence[Signal | Ignored], second_clock: Callable[[], Awaitable[SecondClock]] | None
) -> Sequence[str]:
    """The turns that an alert about silent timers has started."""
    if second_clock is None or not any(isinstance(each, ClockStruck) for each in signals):
        return []
    return await (await second_clock()).strike()


def _answered(reactions: Sequence[SignalResult]) -> Answer:
    """202 where something was handled or kept; 200 with the reason where nothing came of it."""
    results = [_result(report) for reaction in reactions for report in reaction.reports]
    body: dict[str, Any] = {"results": results}
    deferred = "; ".join(each.why for each in reactions if each.deferred)
    if deferred:
        body["kept"] = deferred
    elif not results:
        body["ignored"] = "; ".join(each.why for each in reactions)
    return Answer(status=202 if results or deferred else 200, body=body)


def unavailable(error: Exception) -> Answer:
    """503: the sender has to call again, nothing is stored."""
    log_event(LogEvent.SIGNAL_FAILED, level=logging.ERROR, problem=str(error))
    wait = getattr(error, "retry_after", None)
    seconds = int(wait.total_seconds()) if wait else _RETRY_AFTER_SECONDS
    return Answer(
        status=503,
        body={
            "error": f"Not processed yet: {str(error) or 'no answer in time'}",
            "remedy": "Send it again later; the daily sweep also finds the failure.",
        },
        headers={"Retry-After": str(max(1, seconds))},
    )


def _rejected(error: BadSignal) -> Answer:
    log_event(LogEvent.SIGNAL_REJECTED, level=logging.WARNING, problem=str(error))
    return Answer(status=400, body={"error": error.problem, "where": error.where, "remedy": error.remedy})


def _too_large(size: int) -> Answer:
    log_event(LogEvent.SIGNAL_REJECTED, level=logging.WARNING, problem=f"body of {size} bytes")
    return Answer(
        status=413,
        body={
            "error": f"The body is {size} bytes long; the maximum for an alert is {LARGEST_BODY}.",
            "remedy": "Send one alert per call, as the action group does.",
        },
    )


def _result(report: Report) -> dict[str, Any]:
    incident = report.incident
    result: dict[str, Any] = {
        "job": report.job_id,
        "item": report.item_id,
        "decision": report.decision,
        "reason": report.reason.value,
        "detail": report.detail,
    }
    if incident is not None:
        result["incident"] = incident.id
        result["state"] = incident.state.value
        result["attempts"] = len(incident.attempts)
        result["outcome"] = incident.outcome.value if incident.outcome else None
    return result
