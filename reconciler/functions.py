"""The reconciler's entry points: timers for the daily sweep, for each sweep profile, and for the follow-up.

Schedules are read when the host loads this module, see `wiring.schedules`.
"""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from functools import partial

import azure.functions as func

from backup_retry import wiring
from backup_retry.engine.turn import KEPT_SIGNALS, Slice, Turn
from backup_retry.ports.log_events import LogEvent, log_event, log_failure
from backup_retry.settings.sweep_profile import DAILY, LOOK_BACK, SweepProfile
from reconciler.daily_summary import DailySummary
from reconciler.dispatch import Announcer
from reconciler.follow_up import FollowUp
from reconciler.protection_watch import ProtectionWatch
from reconciler.redone_restores import RedoneRestores
from reconciler.silence import sweep_after_silence
from reconciler.sweep import Sweep
from reconciler.sweep_report import SweepReport
from reconciler.unalerted_vaults import UnalertedVaults
from reconciler.vanished_vaults import VanishedVaults

blueprint = func.Blueprint()


_SETTINGS = wiring.schedules()


#: the host repeats a sweep that raised, or whose worker was killed, when its lease has run out
_repeated = partial(blueprint.retry, strategy="fixed_delay", max_retry_count="3", delay_interval="00:01:30")
#: how long a sweep may hold up the follow-up that has started it again; what it leaves waits in the inbox
_REPEATED_FOR = timedelta(minutes=10)


def _made(
    profile: SweepProfile, parts: wiring.Parts, time_limit: timedelta, since: datetime | None = None
) -> Sweep:
    return Sweep(
        graph=parts.estate(profile.subscriptions),
        vaults=parts.vaults,
        engine=parts.engine,
        controls=parts.controls,
        clock=parts.clock,
        profile=profile,
        scope=parts.settings.scope,
        since=since,
        time_limit=min(parts.settings.sweep_time_limit, time_limit),
        announcer=_announcer(profile, parts),
        defer=parts.inbox.add,
        vanished=_vanished(parts) if profile.name == DAILY else None,
        watch_protection=_protection(parts) if profile.name == DAILY else None,
    )


def _announcer(profile: SweepProfile, parts: wiring.Parts) -> Announcer | None:
    # It would have to reach back a day further each hour, for events that Event Grid has given up.
    return None if profile.name == LOOK_BACK else parts.announcer


def _vanished(parts: wiring.Parts) -> VanishedVaults:
    return VanishedVaults(
        seen=parts.seen_vaults,
        vaults=parts.vaults,
        engine=parts.engine,
        scope=parts.settings.scope,
        clock=parts.clock,
    )


def _protection(parts: wiring.Parts) -> ProtectionWatch:
    return ProtectionWatch(
        estate=parts.estate_of(parts.estate()),
        reports=parts.reports,
        history=parts.history,
        engine=parts.engine,
        missed_backups=parts.settings.missed_backups,
        clock=parts.clock,
    )


def _unalerted(parts: wiring.Parts) -> UnalertedVaults:
    return UnalertedVaults(
        reports=parts.reports, arrivals=parts.arrivals, scope=parts.settings.scope, clock=parts.clock
    )


def _turn(
    profile: SweepProfile, parts: wiring.Parts, part: Slice, time_limit: timedelta = timedelta.max
) -> Turn:
    async def run() -> None:
        if profile.in_season(parts.clock()):
            report = await _made(profile, parts, min(part.limit, time_limit)).run()
            part.end(report.out_of_time)
            if profile.name == DAILY and not part.left:
                await _unalerted(parts).look()
            if report.complete:
                await _completed(profile.function, parts)
        else:
            log_event(
                LogEvent.SWEEP_SKIPPED, profile=profile.name, starts=profile.starts, expires=profile.expires
            )

    return Turn(name=profile.function, run=run, slice=part)


async def _completed(function: str, parts: wiring.Parts) -> None:
    if parts.heartbeat is not None:
        await parts.heartbeat.completed(function)


async def _sweep(profile: SweepProfile) -> None:
    parts = await wiring.parts()
    await parts.turns.take(_turn(profile, parts, Slice()))


@_repeated()
@blueprint.timer_trigger(arg_name="timer", schedule=_SETTINGS.sweep_schedule, use_monitor=True)
async def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
    """The daily look at the estate."""
    await _sweep(wiring.settings().daily_sweep)


def _register(profile: SweepProfile) -> None:
    """A timer of its own for a profile."""

    @blueprint.function_name(name=profile.function)
    @_repeated()
    @blueprint.timer_trigger(arg_name="timer", schedule=profile.schedule, use_monitor=True)
    async def sweep_profile(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
        await _sweep(profile)


for _profile in _SETTINGS.timed_sweeps[1:]:
    _register(_profile)


def _summary(parts: wiring.Parts) -> DailySummary:
    return DailySummary(
        reports=parts.reports,
        controls=parts.controls,
        settings=parts.settings,
        clock=parts.clock,
        publisher=parts.publisher,
    )


def _restores(parts: wiring.Parts) -> RedoneRestores:
    return RedoneRestores(
        reports=parts.reports,
        controls=parts.controls,
        vaults=parts.vaults,
        engine=parts.engine,
        clock=parts.clock,
    )


@blueprint.timer_trigger(arg_name="timer", schedule=_SETTINGS.follow_up_schedule, use_monitor=True)
async def follow_up(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
    """The five-minute run over deferred signals, open incidents, then sweeps that died with their workers."""
    parts = await wiring.parts()
    began = parts.clock()
    await _process_deferred(parts)
    if await parts.turns.take(_follow_up_turn(parts, Slice(), began)):
        sweeps = parts.settings.timed_sweeps
        await parts.turns.repeat_dead([_turn(each, parts, Slice(), _REPEATED_FOR) for each in sweeps])


async def _process_deferred(parts: wiring.Parts) -> None:
    """First, since the follow-up shares what this reads of a vault; it does not depend on it."""
    try:
        await parts.turns.take(wiring.turn_makers[KEPT_SIGNALS](parts, Slice()))
    except Exception as error:  # noqa: BLE001 (whatever it is, what is open is followed up)
        log_failure(LogEvent.TURN_FAILED, error, turn=KEPT_SIGNALS)


def _follow_up_turn(parts: wiring.Parts, part: Slice, run_began: datetime | None = None) -> Turn:
    return Turn(name="follow_up", run=partial(_follow_up, parts, part, run_began), slice=part)


async def _follow_up(parts: wiring.Parts, part: Slice, run_began: datetime | None) -> None:
    """What ended while nothing was followed up, then what is open: each with half of a slice's time."""

    def sweep(profile: SweepProfile, since: datetime) -> Awaitable[SweepReport]:
        return _made(profile, parts, min(part.limit / 2, _REPEATED_FOR), since).run()

    swept = await sweep_after_silence(parts.controls, parts.settings, parts.clock(), sweep)
    part.end(swept is not None and swept.out_of_time)
    if not part.left:
        report = await _follow_up_of(parts, part.limit / 2, run_began).run()
        part.end(not report.complete)
        if report.complete:
            await _completed("follow_up", parts)


def _follow_up_of(parts: wiring.Parts, time_limit: timedelta, run_began: datetime | None) -> FollowUp:
    return FollowUp(
        ledger=parts.ledger,
        engine=parts.engine,
        controls=parts.controls,
        clock=parts.clock,
        archive=parts.archive,
        retention=parts.settings.incident_retention,
        unreadables=parts.unreadables,
        reads_are_low=parts.clients.reads_are_low,
        run_began=run_began,
        unsent=parts.unsent,
        time_limit=time_limit,
        summary=_summary(parts),
        restores=_restores(parts),
    )


wiring.turn_makers["follow_up"] = _follow_up_turn
for _profile in _SETTINGS.timed_sweeps:
    wiring.turn_makers[_profile.function] = partial(_turn, _profile)
