"""Signals of vaults that refuse to be read: deferred, told once, retried when the right is back."""

from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import (
    AzureRefused,
    AzureUnavailable,
    Forbidden,
    NotFound,
)
from backup_retry.domain.jobs import Source
from backup_retry.domain.notices import NoticeKind
from backup_retry.policy.scope import Scope
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal
from tests.builders import item, vault
from tests.deferred_world import AMPLE, Session, signal
from tests.signal_reading import MACHINE_ID
from tests.world import World


@pytest.fixture
def session(world: World) -> Session:
    """A reactor on the world, with an empty inbox."""
    return Session(world)


NO_ROLE = Forbidden("403 AuthorizationFailed", code="AuthorizationFailed", status=403)
NOT_THERE = NotFound("404 ResourceGroupNotFound", code="ResourceGroupNotFound", status=404)


@pytest.mark.parametrize(
    ("error", "reason"), [(NO_ROLE, Reason.NO_PERMISSION), (NOT_THERE, Reason.NOT_REACHABLE)]
)
async def test_a_signal_of_a_known_vault_that_refuses_opens_incidents_and_is_kept(
    world: World, session: Session, error: AzureRefused, reason: Reason
) -> None:
    """The item's holds no failed job yet, the vault's calls a person; the signal's answer says why."""
    world.known_vaults.vaults.add(vault())
    world.fails()
    world.vaults.read_error = error

    reaction = await session.reactor.handle_signal(signal(), seconds=AMPLE)
    await session.reactor.handle_signal(signal(), seconds=AMPLE)

    assert (reaction.deferred, reaction.why) == (True, str(error))
    opened = await world.ledger.open_incidents()
    assert {(each.item.id, each.reason, each.has_no_job) for each in opened} == {
        (vault().id, reason, True),
        (item().id, reason, True),
    }
    assert len(session.inbox.signals) == 1


async def test_a_refused_vault_that_resource_graph_names_has_an_incident(
    world: World, session: Session
) -> None:
    """The signal named only a machine: which of its vaults refused is known all the same."""
    world.known_vaults.vaults.add(vault())
    world.item_lookup.items[MACHINE_ID] = [item()]
    session.reactor = SignalHandler(
        resolver=Resolver(
            vaults=world.vaults,
            item_lookup=world.item_lookup,
            clock=world.clock,
            lookback=timedelta(hours=24),
            scope=Scope(),
        ),
        engine=world.engine,
        defer=session._defer,
    )
    world.vaults.read_error = NO_ROLE

    await session.reactor.handle_signal(Signal(source=Source.EVENT, resource_id=MACHINE_ID), seconds=AMPLE)

    assert await world.vault_incident() is not None
    assert len(session.inbox.signals) == 1


async def test_the_failure_is_retried_once_when_the_right_is_back(world: World, session: Session) -> None:
    """Whether the kept signal or the item's own incident finds it first."""
    world.known_vaults.vaults.add(vault())
    world.fails()
    world.vaults.read_error = NO_ROLE
    await session.reactor.handle_signal(signal(), seconds=AMPLE)
    world.vaults.read_error = None

    await world.follow_up(minutes=5)
    await session.look()
    await world.follow_up(minutes=5)

    incident = await world.incident()
    assert (incident.first_job_id, len(world.attempts), session.inbox.signals) == ("job-1", 1, {})
    assert sorted(kind for kind, _ in world.sent_notices) == ["NeedsPerson", "Recovered", "RetryTriggered"]


async def test_an_alert_that_was_wrong_ends_with_the_vaults_word(world: World, session: Session) -> None:
    """Nothing had failed: the item's incident ends without a retry."""
    world.known_vaults.vaults.add(vault())
    world.vaults.protect(item())
    world.vaults.read_error = NO_ROLE
    await session.reactor.handle_signal(signal(), seconds=AMPLE)
    world.vaults.read_error = None

    await session.look()
    await world.follow_up(minutes=5)

    assert (await world.incident()).reason is Reason.REACHABLE_AGAIN
    assert (world.attempts, session.inbox.signals) == ([], {})


async def test_vaults_that_only_signals_name_are_told_of_once_a_day(
    world: World, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """Counted, all of them in one notice: anybody who may send an alert could make up a thousand."""
    world.vaults.read_error = NO_ROLE
    for name in ("vault-8", "vault-9"):
        named = Signal(source=Source.ALERT, vault=vault(name), job_id="job-1", label=name)
        await session.reactor.handle_signal(named, seconds=AMPLE)

    for _ in range(3):
        await session.look()
        world.clock.move(hours=9)
    assert [(each.kind, each.data["vaults"]) for each in world.publisher.sent] == [
        (NoticeKind.UNKNOWN_VAULTS, 2)
    ]
    await session.look()

    assert len({each.id for each in world.publisher.sent}) == 2
    assert (await world.ledger.open_incidents(), len(session.inbox.signals)) == ([], 2)
    assert sum("unknown_vaults" in each for each in caplog.messages) == 2


async def test_a_notice_that_is_not_taken_is_told_later(world: World, session: Session) -> None:
    """The day counts from when it was told."""
    world.vaults.read_error = NO_ROLE
    await session.reactor.handle_signal(signal(), seconds=AMPLE)
    world.publisher.error = AzureUnavailable("the topic does not answer")
    await session.look()
    world.publisher.error = None

    world.clock.move(minutes=5)
    await session.look()

    assert [each.kind for each in world.publisher.sent] == [NoticeKind.UNKNOWN_VAULTS]
