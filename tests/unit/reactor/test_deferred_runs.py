"""A run over deferred signals ends in time, and asks nobody over and over: open incidents are followed up after it."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.errors import Throttled
from reactor import deferred_signals
from reactor.deferred_signals import written
from tests.builders import minutes, vault
from tests.deferred_world import Session, signal
from tests.world import World


@pytest.fixture
def session(world: World) -> Session:
    """A reactor on the world, with an empty inbox."""
    return Session(world)


async def test_a_run_does_not_ask_again_what_azure_has_just_refused(world: World, session: Session) -> None:
    """A 429 that names no seconds, or few, is not answered with call after call for the rest of the run."""
    asked: list[datetime] = []

    async def refuses() -> None:
        asked.append(world.clock())
        world.clock.move(seconds=30)
        raise Throttled("429", retry_after=minutes(0))

    world.vaults.on_list = refuses
    await session.inbox.add(written(signal()))

    await session.look()

    assert len(asked) == 1
    world.clock.move(minutes=4)
    assert len(await session.inbox.due(2)) == 1


async def test_many_vaults_that_hang_do_not_prolong_the_run(
    world: World, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open incidents are followed up after it: who gets no place in its time waits, and that was no look."""
    monkeypatch.setattr(deferred_signals, "_SECONDS", 0.05)
    monkeypatch.setattr(deferred_signals, "_TIME", timedelta(seconds=0.1))
    monkeypatch.setattr(deferred_signals, "_VAULTS_AT_ONCE", 1)
    world.vaults.on_list = asyncio.Event().wait  # type: ignore[assignment]
    for number in range(20):
        await session.inbox.add(written(replace(signal(), vault=vault(f"vault-{number}"), item=None)))

    await session.look()

    assert sum(each.looks for each in session.inbox.signals.values()) < 10
    world.clock.move(minutes=5)
    assert len(await session.inbox.due(100)) == 20
