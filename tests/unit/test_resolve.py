"""From a signal to failed jobs: the vault is read first, and a subscription outside the scope never."""

from datetime import timedelta

import pytest

from backup_retry.errors import AzureUnavailable, Forbidden
from backup_retry.model import JobStatus, Source
from backup_retry.scope import Names, Scope
from reactor.resolve import Resolver
from reactor.signals import Signal
from tests.builders import ENDED, NOW, OTHER_SUBSCRIPTION, SUBSCRIPTION, item, job, vault
from tests.world import World

LOOKBACK = timedelta(hours=24)


def resolver(world: World) -> Resolver:
    """A resolver whose scope is one subscription."""
    return Resolver(
        vaults=world.vaults,
        clock=world.clock,
        lookback=LOOKBACK,
        scope=Scope(subscriptions=Names(patterns=(SUBSCRIPTION,))),
    )


def signal(job_id: str = "job-1", *, with_item: bool = False, subscription: str = SUBSCRIPTION) -> Signal:
    """An alert about the vault."""
    return Signal(
        source=Source.ALERT,
        vault=vault(subscription=subscription),
        job_id=job_id,
        item=item() if with_item else None,
    )


async def test_a_named_job_is_read_from_the_vault(world: World) -> None:
    """One read; the list of jobs is not asked for."""
    world.fails()

    resolved = await resolver(world).resolve(signal())

    assert [failure.id for failure in resolved.failures] == ["job-1"]
    assert world.vaults.listed == []


async def test_a_job_that_the_vault_does_not_have_is_nothing(world: World) -> None:
    """An alert is never believed."""
    resolved = await resolver(world).resolve(signal("no-such-job"))

    assert (resolved.failures, "no job no-such-job" in resolved.why) == ((), True)


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.IN_PROGRESS])
async def test_a_job_that_did_not_fail_is_nothing(world: World, status: JobStatus) -> None:
    """The answer says what the vault says."""
    world.fails(status=status)

    resolved = await resolver(world).resolve(signal())

    assert resolved.failures == ()
    assert str(status) in resolved.why


async def test_a_failed_job_whose_item_nobody_names_is_nothing(world: World) -> None:
    """There is nothing to trigger."""
    world.vaults.shown_jobs.append(job(names_item=False))

    resolved = await resolver(world).resolve(signal())

    assert resolved.failures == ()
    assert "which item" in resolved.why


async def test_the_signal_names_the_item_where_the_job_does_not(world: World) -> None:
    """The alert carries the item's full id."""
    world.vaults.shown_jobs.append(job(names_item=False))

    resolved = await resolver(world).resolve(signal(with_item=True))

    assert [failure.item for failure in resolved.failures] == [item()]


async def test_without_a_job_the_vault_is_looked_through(world: World) -> None:
    """As far back as a sweep looks; every item's newest unrecovered failure."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2), started_at=ENDED)

    resolved = await resolver(world).resolve(signal(""))

    assert [failure.id for failure in resolved.failures] == ["job-1", "job-2"]
    assert world.vaults.listed == [(vault(), NOW - LOOKBACK)]


async def test_without_a_job_only_the_item_that_is_named_is_looked_for(world: World) -> None:
    """A hint to one machine does not stir the others."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2))

    resolved = await resolver(world).resolve(signal("", with_item=True))

    assert [failure.id for failure in resolved.failures] == ["job-1"]


async def test_an_item_of_another_vault_resolves_to_nothing(world: World) -> None:
    """A signal that contradicts itself names nobody."""
    elsewhere = item(of=vault("vault-2"))
    world.fails(of=item())
    world.fails("job-2", of=elsewhere)

    resolved = await resolver(world).resolve(Signal(source=Source.EVENT, vault=vault(), item=elsewhere))

    assert list(resolved.failures) == []


async def test_nothing_unrecovered_is_said_to_be_so(world: World) -> None:
    """The answer's reason for doing nothing."""
    assert (await resolver(world).resolve(signal(""))).why


@pytest.mark.parametrize("job_id", ["job-1", ""])
async def test_a_subscription_outside_the_scope_is_refused_before_any_call(world: World, job_id: str) -> None:
    """Not even a read goes there."""
    world.vaults.read_error = AssertionError("Azure was called")  # type: ignore[assignment]

    resolved = await resolver(world).resolve(signal(job_id, subscription=OTHER_SUBSCRIPTION))

    assert resolved.failures == ()
    assert OTHER_SUBSCRIPTION in resolved.why


@pytest.mark.parametrize("error", [AzureUnavailable("no answer"), Forbidden("no role", status=403)])
@pytest.mark.parametrize("job_id", ["job-1", ""])
async def test_azures_errors_are_the_callers(world: World, error: Exception, job_id: str) -> None:
    """Only "no such job" is an answer; everything else is for the reactor to weigh."""
    world.vaults.read_error = error  # type: ignore[assignment]

    with pytest.raises(type(error)):
        await resolver(world).resolve(signal(job_id))
