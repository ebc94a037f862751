"""The reconciler's entry points: timers for the daily sweep, for each sweep profile, and for the follow-up.

Schedules are read when the host loads this module, see `wiring.schedules`.
"""

import azure.functions as func

from backup_retry import wiring
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.settings.sweep_profile import SweepProfile
from reconciler.follow_up import FollowUp
from reconciler.sweep import Sweep

blueprint = func.Blueprint()


_SETTINGS = wiring.schedules()


def _made(profile: SweepProfile, parts: wiring.Parts) -> Sweep:
    return Sweep(
        graph=parts.estate(profile.subscriptions),
        vaults=parts.vaults,
        engine=parts.engine,
        controls=parts.controls,
        clock=parts.clock,
        profile=profile,
        scope=parts.settings.scope,
        time_limit=parts.settings.sweep_time_limit,
        announcer=parts.announcer,
        keep=parts.inbox.keep,
    )


async def _sweep(profile: SweepProfile) -> None:
    parts = await wiring.parts()
    if profile.in_season(parts.clock()):
        await _made(profile, parts).run()
    else:
        log_event(
            LogEvent.SWEEP_SKIPPED, profile=profile.name, starts=profile.starts, expires=profile.expires
        )


@blueprint.timer_trigger(arg_name="timer", schedule=_SETTINGS.sweep_schedule, use_monitor=True)
async def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
    """The daily look at the estate."""
    await _sweep(wiring.settings().daily_sweep)


def _register(profile: SweepProfile) -> None:
    """A timer of its own for a profile."""

    @blueprint.function_name(name=f"sweep_{profile.name}")
    @blueprint.timer_trigger(arg_name="timer", schedule=profile.schedule, use_monitor=True)
    async def sweep_profile(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
        await _sweep(profile)


for _profile in _SETTINGS.sweep_profiles:
    _register(_profile)


@blueprint.timer_trigger(arg_name="timer", schedule=_SETTINGS.follow_up_schedule, use_monitor=True)
async def follow_up(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
    """The five-minute look at what is open."""
    parts = await wiring.parts()
    await FollowUp(
        ledger=parts.ledger,
        engine=parts.engine,
        controls=parts.controls,
        clock=parts.clock,
        archive=parts.archive,
        keep=parts.settings.keep,
        unreadables=parts.unreadables,
    ).run()
