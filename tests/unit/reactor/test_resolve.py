"""From a signal to failed jobs: the vault is read first, and a subscription outside the scope never."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import AzureUnavailable, BackupRetryError, Forbidden, NotFound
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.policy.rules import LONGEST_JOB
from backup_retry.policy.scope import Names, Scope
from reactor.resolve import Resolver
from reactor.signals import Signal
from tests.builders import ENDED, NOW, OTHER_SUBSCRIPTION, SUBSCRIPTION, item, job, vault
from tests.signal_reading import MACHINE_ID
from tests.world import World

LOOKBACK = timedelta(hours=24)


def resolver(world: World) -> Resolver:
    """A resolver whose scope is one subscription."""
    return Resolver(
        vaults=world.vaults,
        item_lookup=world.item_lookup,
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


@pytest.mark.parametrize(
    "why", [AzureUnavailable("too many jobs to read at once"), Forbidden("no permission to list")]
)
async def test_a_job_is_read_by_itself_where_its_vault_gives_no_list(
    world: World, why: BackupRetryError
) -> None:
    """The failure of a vault with very many jobs is noted at once, however many looks its list takes."""
    failure = world.fails()

    async def no_list() -> None:
        raise why

    world.vaults.on_list = no_list

    assert (await resolver(world).resolve(signal(), run_began=NOW)).failures == [failure]


async def test_a_job_that_the_vault_does_not_have_is_nothing(world: World) -> None:
    """An alert is never believed."""
    resolved = await resolver(world).resolve(signal("no-such-job"))

    assert (resolved.failures, "no job no-such-job" in resolved.why) == ((), True)


@pytest.mark.parametrize("code", ["ResourceNotFound", "JobNotFound"])
async def test_a_job_that_the_vault_lists_is_not_missing(world: World, code: str) -> None:
    """One of the two answers is wrong, whoever gave it, and the failure must not be lost to that."""
    failure = world.fails()

    async def missing() -> None:
        raise NotFound("404", code=code, status=404)

    world.vaults.on_job = missing

    assert (await resolver(world).resolve(signal())).failures == [failure]


async def test_a_vault_out_of_reach_says_nothing_of_the_job(world: World) -> None:
    """The subscription, the group or the vault may be out of reach for a while."""
    world.vaults.read_error = NotFound("404", code="ResourceGroupNotFound", status=404)

    with pytest.raises(NotFound):
        await resolver(world).resolve(signal())


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
    assert "the signal names none" in resolved.why


async def test_a_job_that_still_runs_is_undecided(world: World) -> None:
    """The signal came too early; its items are not asked for."""
    world.fails(status=JobStatus.IN_PROGRESS)

    resolved = await resolver(world).resolve(signal())

    assert (resolved.failures, resolved.undecided) == ((), True)


@pytest.mark.parametrize(
    "code", ["SubscriptionNotFound", "ResourceGroupNotFound", "ResourceNotFound", "SomethingNotFound", ""]
)
async def test_a_404_that_is_not_about_the_job_is_the_callers(world: World, code: str) -> None:
    """Access may have been lost, or the answer may be passing: that says nothing of the job."""
    world.vaults.read_error = NotFound("gone", code=code, status=404)

    with pytest.raises(NotFound):
        await resolver(world).resolve(signal())


async def test_the_signal_names_the_item_where_the_job_does_not(world: World) -> None:
    """The alert carries the item's full id."""
    world.vaults.shown_jobs.append(replace(job(names_item=False), candidates=(item(), item(2))))

    resolved = await resolver(world).resolve(signal(with_item=True))

    assert [failure.item for failure in resolved.failures] == [item()]


async def test_without_a_job_the_vault_is_looked_through(world: World) -> None:
    """As far back as a sweep looks; every item's newest unrecovered failure."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2), started_at=ENDED)

    resolved = await resolver(world).resolve(signal(""))

    assert [failure.id for failure in resolved.failures] == ["job-1", "job-2"]
    assert world.vaults.listed == [(vault(), NOW - LOOKBACK - LONGEST_JOB)]


async def test_without_a_job_only_the_item_that_is_named_is_looked_for(world: World) -> None:
    """A hint to one machine does not stir the others."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2))

    resolved = await resolver(world).resolve(signal("", with_item=True))

    assert [failure.id for failure in resolved.failures] == ["job-1"]


async def test_an_item_whose_backup_still_runs_is_undecided(world: World) -> None:
    """The signal may be of that backup's end; the vault as a whole is not waited for."""
    world.fails(status=JobStatus.IN_PROGRESS)

    named = await resolver(world).resolve(signal("", with_item=True))
    vaults = await resolver(world).resolve(signal(""))

    assert (named.undecided, "job-1" in named.why) == (True, True)
    assert (vaults.undecided, vaults.failures) == (False, ())


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


# ---- a resource only ---------------------------------------------------------------------------------------


def machine(world: World, *items: ProtectedItem) -> Signal:
    """A signal about a machine, which the items protect."""
    world.item_lookup.items[MACHINE_ID.upper()] = items
    return Signal(source=Source.ALERT, resource_id=MACHINE_ID)


async def test_a_resources_items_are_looked_for_in_their_vaults(world: World) -> None:
    """A machine may be protected by several, itself and by its databases; other machines are left alone."""
    second = item(2, of=vault("vault-2"))
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=second)
    world.fails("job-3", of=item(3))

    resolved = await resolver(world).resolve(machine(world, item(1), second))

    assert [failure.id for failure in resolved.failures] == ["job-1", "job-2"]
    assert world.item_lookup.asked == [MACHINE_ID]


async def test_a_resource_that_nothing_protects_is_nothing(world: World) -> None:
    """No vault is asked."""
    resolved = await resolver(world).resolve(machine(world))

    assert "protects" in resolved.why
    assert world.vaults.listed == []


async def test_a_vault_outside_the_scope_is_not_asked_for_a_resource(world: World) -> None:
    """The same machine's other vault is; without one the answer says why nothing is done."""
    elsewhere = item(of=vault(subscription=OTHER_SUBSCRIPTION))
    world.fails("job-1", of=elsewhere)
    assert "outside" in (await resolver(world).resolve(machine(world, elsewhere))).why

    world.fails("job-2")
    resolved = await resolver(world).resolve(machine(world, elsewhere, item()))

    assert [failure.id for failure in resolved.failures] == ["job-2"]
    assert [listed for listed, _ in world.vaults.listed] == [vault()]


async def test_a_job_is_read_from_the_vault_that_protects_the_resource(world: World) -> None:
    """The vaults that do not have it are no obstacle."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(1))
    other = item(2, of=vault("vault-2"))

    resolved = await resolver(world).resolve(replace(machine(world, other, item(1)), job_id="job-1"))

    assert [failure.id for failure in resolved.failures] == ["job-1"]
    assert world.vaults.listed == []


async def test_a_job_that_no_vault_has_is_nothing(world: World) -> None:
    """The answer names each vault that was asked."""
    signal_ = replace(machine(world, item(), item(of=vault("vault-2"))), job_id="no-such-job")

    resolved = await resolver(world).resolve(signal_)

    assert list(resolved.failures) == []
    assert [name in resolved.why for name in ("vault-1", "vault-2")] == [True, True]


async def test_within_a_vault_only_the_resources_items_are_looked_for(world: World) -> None:
    """What the same machine has in another vault is not meant."""
    elsewhere = item(1, of=vault("vault-2"))
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2))
    world.fails("job-3", of=elsewhere)

    resolved = await resolver(world).resolve(replace(machine(world, item(1), elsewhere), vault=vault()))

    assert [failure.id for failure in resolved.failures] == ["job-1"]


async def test_a_resource_that_the_vault_does_not_know_leads_to_the_vault(world: World) -> None:
    """Resource Graph lags behind: better to look at all of it than to miss the failure."""
    world.fails("job-1")

    resolved = await resolver(world).resolve(replace(machine(world), vault=vault()))

    assert [failure.id for failure in resolved.failures] == ["job-1"]


async def test_the_resource_tells_which_item_an_unclear_job_is_of(world: World) -> None:
    """Databases of one name on two machines: the job fits both."""
    unclear = replace(job(names_item=False), candidates=(item(1), item(2)))
    world.vaults.shown_jobs.append(unclear)

    resolved = await resolver(world).resolve(replace(machine(world, item(2)), vault=vault(), job_id="job-1"))

    assert [failure.item for failure in resolved.failures] == [item(2)]


async def test_resource_graph_is_not_asked_where_the_job_names_its_item(world: World) -> None:
    """It answers fifteen queries in five seconds; a bad night has more alerts."""
    world.fails()

    resolved = await resolver(world).resolve(replace(machine(world, item()), vault=vault(), job_id="job-1"))

    assert ([failure.id for failure in resolved.failures], world.item_lookup.asked) == (["job-1"], [])


async def test_a_job_that_is_no_failure_of_ours_is_nothing(world: World) -> None:
    """A configuration that failed or a restore that a person cancelled; the answer says what it is."""
    world.vaults.shown_jobs.append(job(operation="Restore", status=JobStatus.CANCELLED))

    resolved = await resolver(world).resolve(signal())

    assert resolved.failures == ()
    assert "not a failed backup or restore" in resolved.why
