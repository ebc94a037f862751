"""What a follow-up reads while few reads are left of Azure's hourly quota."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import AzureUnavailable, Throttled
from reconciler.follow_up import FollowUp
from tests.builders import item, vault
from tests.world import World


def follow_up(world: World, reads_are_low: Callable[[Vault], bool]) -> FollowUp:
    """A follow-up on the world's ledger."""
    return FollowUp(
        ledger=world.ledger,
        engine=world.engine,
        controls=world.ledger,
        clock=world.clock,
        reads_are_low=reads_are_low,
    )


def always(_: Vault) -> bool:
    """Few reads are left."""
    return True


def never(_: Vault) -> bool:
    """Enough reads are left."""
    return False


@pytest.mark.parametrize(("minutes", "looked_at"), [(5, 4), (15, 12), (20, 12)])
async def test_while_few_reads_are_left_a_vault_is_followed_up_every_quarter_of_an_hour(
    world: World, minutes: int, looked_at: int
) -> None:
    """The reads are for new failures then; a schedule that is slower than that leaves no vault out."""
    await world.handle(world.fails())
    world.runs(world.attempts[0])
    await follow_up(world, always).run()
    reports = []
    for _ in range(12):
        world.clock.move(minutes=minutes)
        reports.append(await follow_up(world, always).run())
    assert sum(len(each.moved) for each in reports) == looked_at
    assert all(each.complete for each in reports)


async def test_what_the_first_vaults_show_holds_for_the_others(world: World) -> None:
    """A process that has read nothing yet learns while it follows up how few reads are left."""
    for number in range(20):
        await world.handle(world.fails(f"job-{number}", of=item(number, of=vault(f"vault-{number}"))))
    await follow_up(world, never).run()
    world.clock.move(minutes=1)
    world.vaults.listed.clear()
    await follow_up(world, lambda _: bool(world.vaults.listed)).run()
    assert 1 <= len({vault.key for vault, _ in world.vaults.listed}) < 10


async def test_what_is_left_to_tell_costs_no_read(world: World) -> None:
    """An open incident whose notice was not taken is told although its vault is not worth a read."""
    world.publisher.error = AzureUnavailable("the topic does not answer")
    await world.handle(world.fails())
    world.publisher.error = None
    world.vaults.listed.clear()
    await follow_up(world, always).run()
    assert world.sent_notices
    assert not world.vaults.listed


@pytest.mark.parametrize("minutes", [0, 5, 10])
async def test_while_few_reads_are_left_a_retry_that_has_just_begun_is_not_looked_at(
    world: World, minutes: int
) -> None:
    """Whosever turn it is: its job is not on what was read of the vault before, and no backup is that quick."""
    world.clock.move(minutes=minutes)
    await world.handle(world.fails())
    assert not (await follow_up(world, always).run()).moved
    assert (await follow_up(world, never).run()).moved


async def test_a_subscription_that_is_refused_for_minutes_costs_the_others_nothing(world: World) -> None:
    """A hundred vaults in ten subscriptions; one of these is answered 429 for 324 seconds: nobody waits for it."""
    refused = "aaaaaaaa-0000-0000-0000-000000000009"
    for number in range(100):
        of = vault(f"vault-{number}", f"aaaaaaaa-0000-0000-0000-00000000000{number % 10}")
        await world.handle(world.fails(f"job-{number}", of=item(number, of=of)))
        world.runs(world.attempts[-1], of=item(number, of=of))
    world.clock.move(minutes=5)
    began, world.vaults.listed[:] = world.clock(), []

    async def refuses() -> None:
        if world.vaults.listed[-1][0].subscription == refused:
            raise Throttled("429", retry_after=timedelta(seconds=324))

    world.vaults.on_list = refuses
    report = await follow_up(world, never).run()
    asked = Counter(of.subscription == refused for of, _ in world.vaults.listed)
    assert (asked, world.clock(), report.complete, report.failed) == ({False: 90, True: 10}, began, True, 0)
    assert {each.reason for each in report.moved} == {Reason.ATTEMPT_RUNNING}
