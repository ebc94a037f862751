"""Rehearsals write nothing beneath, and see what is there."""

import pytest

from backup_retry.domain.decisions import Reason
from backup_retry.domain.jobs import Source
from backup_retry.domain.pauses import Pause
from backup_retry.engine.engine import Engine
from backup_retry.ports.ledger import Beat
from cli.dry_run import DryRunLedger, ReadOnlyVaults
from tests.builders import NOW, failed, incident, item
from tests.world import World


@pytest.fixture
def ledger(world: World) -> DryRunLedger:
    """A rehearsal on the world's ledger."""
    return DryRunLedger(world.ledger)


def dry_run(world: World, ledger: DryRunLedger, vaults: ReadOnlyVaults) -> Engine:
    """The engine on a rehearsal."""
    return Engine(
        ledger=ledger,
        controls=ledger,
        storms=ledger,
        vaults=vaults,
        tag_lookup=world.tag_lookup,
        rules=world.rules,
        clock=world.clock,
    )


async def test_what_is_rehearsed_stays_above(world: World, ledger: DryRunLedger) -> None:
    """Claim, trigger and answer are seen by the rehearsal alone."""
    vaults = ReadOnlyVaults(world.vaults)
    report = await dry_run(world, ledger, vaults).handle(world.fails(), Source.SWEEP)
    assert (report.decision, vaults.started) == ("triggered", [item()])
    assert (await ledger.load(item())).incident is not None
    assert (await world.ledger.load(item())).incident is None
    assert (world.attempts, world.ledger.saves) == ([], 0)


async def test_what_is_beneath_is_known(world: World, ledger: DryRunLedger) -> None:
    """A job that was noted there is not handled again here."""
    failure = world.fails()
    await world.handle(failure)
    vaults = ReadOnlyVaults(world.vaults)
    report = await dry_run(world, ledger, vaults).handle(failure, Source.SWEEP)
    assert (report.reason, vaults.started) == (Reason.ALREADY_HANDLED, [])
    assert await ledger.steps(item()) == await world.ledger.steps(item())


async def test_an_incident_beneath_is_changed_as_a_copy(world: World, ledger: DryRunLedger) -> None:
    """Fenced as the ledger's own; a noted job is refused."""
    stored = await world.ledger.save(incident(), job_id="job-1")
    assert stored is not None
    changed = await ledger.save(stored.waiting(NOW, Reason.STORM))
    assert changed is not None
    assert await ledger.save(stored) is None
    assert await ledger.save(changed, job_id="job-1") is None
    assert [each.reason for each in await ledger.open_incidents()] == [Reason.STORM]
    assert (await world.ledger.load(item())).incident == stored


async def test_controls_beneath_hold(world: World, ledger: DryRunLedger) -> None:
    """Pauses and heartbeats; those of the rehearsal stay in it."""
    await world.ledger.set_pause(Pause(by="eve", why="x"))
    await world.ledger.beat(Beat.SWEEP, NOW)
    assert [each.by for each in await ledger.pauses()] == ["eve"]
    assert await ledger.last_beat(Beat.SWEEP) == NOW
    await ledger.beat(Beat.FOLLOW_UP, NOW)
    assert await world.ledger.last_beat(Beat.FOLLOW_UP) is None


async def test_a_storm_is_rehearsed_with_its_canary(world: World, ledger: DryRunLedger) -> None:
    """The first of many is started, the others wait for it."""
    failures = [
        world.fails(f"job-{number}", of=item(number)) for number in range(1, world.rules.storm_size + 1)
    ]
    vaults = ReadOnlyVaults(world.vaults)
    engine = dry_run(world, ledger, vaults)
    decisions = [(await engine.handle(each, Source.SWEEP)).decision for each in failures]
    assert decisions == ["triggered", *["waiting"] * (len(failures) - 1)]
    assert vaults.started == [item(1)]


async def test_a_case_is_all_that_a_decision_looks_at(world: World) -> None:
    """The engine gathers it and changes nothing."""
    world.fails()
    context = await world.engine.context(incident(failure=failed()))
    assert [each.id for each in context.facts.jobs] == ["job-1"]
    assert context.facts.item is not None
    assert (context.pause, context.tags.opted_out_by, world.ledger.saves) == (None, "", 0)
