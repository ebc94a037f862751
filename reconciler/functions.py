"""The reconciler's entry points: two timers."""

import azure.functions as func

from backup_retry import wiring
from reconciler.follow_up import FollowUp
from reconciler.sweep import Sweep

blueprint = func.Blueprint()


@blueprint.timer_trigger(arg_name="timer", schedule=wiring.settings().sweep_schedule, use_monitor=True)
async def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
    """The daily look at the estate."""
    parts = await wiring.parts()
    await Sweep(
        graph=parts.graph,
        vaults=parts.vaults,
        engine=parts.engine,
        controls=parts.controls,
        clock=parts.clock,
        lookback=parts.settings.sweep_lookback,
        scope=parts.settings.scope,
    ).run()


@blueprint.timer_trigger(arg_name="timer", schedule=wiring.settings().follow_up_schedule, use_monitor=True)
async def follow_up(timer: func.TimerRequest) -> None:  # noqa: ARG001 (the trigger's own argument)
    """The five-minute look at what is open."""
    parts = await wiring.parts()
    await FollowUp(ledger=parts.ledger, engine=parts.engine, controls=parts.controls, clock=parts.clock).run()
