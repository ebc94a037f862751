"""Signals that wait for a day: a person is told once, each vault by itself; after 14 days they are given up."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.errors import (
    AzureUnavailable,
    BackupRetryError,
    Forbidden,
    NotFound,
    Service,
)
from backup_retry.domain.notices import NoticeKind
from reactor.deferred_signals import written
from tests.builders import item, vault
from tests.deferred_world import AMPLE, Session, signal
from tests.world import World


@pytest.fixture
def session(world: World) -> Session:
    """A reactor on the world, with an empty inbox."""
    return Session(world)


async def test_each_that_waits_has_a_day_and_a_notice_of_its_own(world: World, session: Session) -> None:
    """One that came a day later is told of a day later, and each ends after 14 days by itself."""
    for hour in (0, 24):
        world.clock.time += timedelta(hours=hour)
        await session.inbox.add(
            written(replace(signal(f"job-{hour}"), vault=vault(f"vault-{hour}"), item=None))
        )
    world.vaults.read_error = AzureUnavailable("no answer")

    told = []
    for _ in range(3):
        await session.look()
        told.append(sorted(each.fields["job"] for each in session.inbox.signals.values() if each.told_at))
        world.clock.time += timedelta(hours=23)
    assert told == [["job-0"], ["job-0"], ["job-0", "job-24"]]
    assert len(world.publisher.sent) == 2

    left = []
    for days in (11, 1):
        world.clock.time += timedelta(days=days)
        await session.look()
        left.append(sorted(each.fields["job"] for each in session.inbox.signals.values()))
    assert left == [["job-24"], []]


async def test_one_that_azure_can_no_longer_know_is_given_up(
    world: World, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """After the 14 days that Azure keeps jobs; it is logged as an error."""
    await session.inbox.add(written(signal()))
    world.clock.move(minutes=14 * 24 * 60 + 1)

    await session.look()

    assert session.inbox.signals == {}
    assert ["signal_failed" in each for each in caplog.messages] == [True]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(AzureUnavailable("vault-1 does not answer"), id="no answer"),
        # no incident of the vault tells of these
        pytest.param(
            NotFound("vault-1 does not answer", code="SomethingNotFound", status=404), id="a 404 of the list"
        ),
        pytest.param(Forbidden("vault-1 does not answer", by=Service.GRAPH), id="a 403 of Resource Graph"),
    ],
)
async def test_after_a_day_a_person_is_told_once(
    world: World, session: Session, caplog: pytest.LogCaptureFixture, error: BackupRetryError
) -> None:
    """What waits, why, and what to do; as often as the topic does not take it, it is tried again."""
    world.known_vaults.vaults.add(vault())
    world.vaults.read_error = error
    await session.reactor.handle_signal(signal(), seconds=AMPLE)
    came = world.clock()
    world.clock.move(hours=23)
    await session.look()
    assert world.publisher.sent == []
    world.publisher.error = AzureUnavailable("no answer")

    for _ in range(4):
        world.clock.move(hours=1)
        await session.look()
        world.publisher.error = None

    [told] = world.publisher.sent
    assert (told.kind, told.subject, told.at) == (
        NoticeKind.NEEDS_PERSON,
        item().id,
        came + timedelta(hours=25),
    )
    assert (told.data["jobId"], told.data["incidentId"], told.data["reason"]) == (
        "job-1",
        None,
        "signal_kept",
    )
    assert "vault-1 does not answer" in told.data["remedy"]
    assert [
        json.loads(each)["event"] for each in caplog.messages if "overdue" in each or "unsent" in each
    ] == [
        "notice_unsent",
        "signal_overdue",
    ]


async def test_signals_of_one_vault_are_told_in_one_notice(world: World, session: Session) -> None:
    """A vault that does not answer is one matter, however many failures it had."""
    for number in range(3):
        await session.inbox.add(written(signal(f"job-{number}", number)))
    await session.inbox.add(written(replace(signal(), vault=vault("vault-2"), item=None)))
    world.vaults.read_error = AzureUnavailable("no answer")
    world.clock.move(hours=24)

    await session.look()

    told = {each.data["vaultId"]: each.data["remedy"] for each in world.publisher.sent}
    assert (len(world.publisher.sent), set(told)) == (2, {vault().id, vault("vault-2").id})
    assert "an alert and 2 more alerts of its vault have been deferred" in told[vault().id]
    assert all(each.told_at for each in session.inbox.signals.values())


async def test_without_a_topic_the_log_alone_tells(
    world: World, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, as a warning, with what the signal names."""
    session.publisher = None
    await session.inbox.add(written(signal()))
    world.vaults.read_error = AzureUnavailable("no answer")
    world.clock.move(hours=24)

    for _ in range(3):
        await session.look()
        world.clock.move(hours=1)

    [told] = [json.loads(each) for each in caplog.messages if "signal_overdue" in each]
    assert (told["vault"], told["job"], told["problem"]) == (vault().id, "job-1", "no answer")
