"""A vault that Resource Graph does not show any more: a lost role is noticed, although nothing tells of it."""

from dataclasses import replace

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden, NotFound
from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.known_vaults import SeenVault
from reconciler.vanished_vaults import VanishedVaults
from tests.builders import item, minutes, vault
from tests.sweep_world import Graph, sweep
from tests.world import World

NO_ROLE = Forbidden("jobs of vault vault-1: 403 AuthorizationFailed", code="AuthorizationFailed", status=403)
GONE = NotFound("404", code="ResourceGroupNotFound", status=404)
NO_ACCESS = NotFound("404", code="SubscriptionNotFound", status=404)


async def sweeps(world: World, **later: float) -> bool:
    """A sweep in which Resource Graph names no failure; whether it was complete."""
    world.clock.move(**later)
    vanished = VanishedVaults(
        seen=world.known_vaults,
        vaults=world.vaults,
        engine=world.engine,
        scope=world.rules.scope,
        clock=world.clock,
    )
    return (await sweep(world, Graph(), vanished=vanished).run()).complete


async def hides(world: World, error: AzureRefused | None) -> None:
    """Resource Graph has shown the vault to one sweep, and shows it no more; a vault refuses with that error."""
    world.known_vaults.vaults = {vault()}
    await sweeps(world)
    world.known_vaults.vaults = set()
    world.vaults.read_error = error


async def test_a_lost_role_is_told_once_although_no_signal_comes(world: World) -> None:
    """The sweep knew the vault yesterday and asks it, once: it is an incident of the vault from then on."""
    await hides(world, NO_ROLE)

    for _ in range(3):
        await sweeps(world, days=1)

    incident = await world.vault_incident()
    assert incident is not None
    assert (incident.is_open, incident.reason) == (True, Reason.NO_PERMISSION)
    assert world.sent_notices == [("NeedsPerson", "vault-1")]
    assert len(world.vaults.listed) == 1


async def test_a_vault_that_was_removed_is_asked_once_and_calls_nobody(world: World) -> None:
    """Two services say that it is not there; two weeks later it is forgotten."""
    await hides(world, GONE)

    for _ in range(16):
        await sweeps(world, days=1)

    assert (len(world.vaults.listed), world.sent_notices) == (1, [])
    assert world.known_vaults.remembered == {}


async def test_a_subscription_that_is_out_of_reach_is_told_of(world: World) -> None:
    """A delegation that ended looks so: the vault has an incident, which calls a person when that lasts an hour."""
    await hides(world, NO_ACCESS)

    await sweeps(world, days=1)

    incident = await world.vault_incident()
    assert incident is not None
    assert incident.reason is Reason.NOT_REACHABLE


@pytest.mark.parametrize("error", [GONE, None], ids=["not found", "shown by Azure"])
async def test_what_failed_while_it_was_hidden_is_found(world: World, error: AzureRefused | None) -> None:
    """Its rows were hidden with it, and the horizon of later sweeps is past them."""
    await hides(world, error)
    await sweeps(world, days=1)
    world.vaults.protect(item())
    world.fails("job-1", started_at=world.clock() - minutes(90), ended_at=world.clock() - minutes(60))
    world.vaults.read_error, world.known_vaults.vaults = None, {vault()} if error else set()

    await sweeps(world, days=3)

    assert (await world.incident()).first_job_id == "job-1"


@pytest.mark.parametrize("error", [AzureUnavailable("503"), AzureUnavailable("cut off")])
async def test_a_vault_that_does_not_answer_is_asked_by_the_next_sweep(
    world: World, error: AzureUnavailable
) -> None:
    """Until then a sweep counts as incomplete, so that its horizon stays."""
    await hides(world, None)
    world.vaults.read_error = error

    assert not await sweeps(world, days=1)
    assert list(world.known_vaults.remembered.values()) == [SeenVault(vault=vault())]
    world.vaults.read_error = None
    assert await sweeps(world, days=1)


async def test_a_vault_that_is_out_of_scope_by_now_is_not_asked(world: World) -> None:
    """Somebody has narrowed the scope: it is nobody's matter any more."""
    await hides(world, NO_ROLE)
    world.rules = replace(world.rules, scope=Scope(subscriptions=Names(patterns=("!*",))))

    await sweeps(world, days=1)

    assert (len(world.vaults.listed), world.known_vaults.remembered) == (0, {})


@pytest.mark.parametrize("others", [{vault("vault-2")}, set()], ids=["one of two", "the only one"])
async def test_what_failed_in_a_vault_before_it_was_first_shown_is_found(
    world: World, others: set[Vault]
) -> None:
    """Its role came days after the app: by then the horizon of a sweep is past the failure."""
    world.known_vaults.vaults = others
    await sweeps(world)
    world.vaults.protect(item())
    world.fails("job-1", started_at=world.clock() - minutes(90), ended_at=world.clock() - minutes(60))
    world.known_vaults.vaults = others | {vault()}

    await sweeps(world, days=3)
    await sweeps(world, days=1)

    assert (await world.incident()).first_job_id == "job-1"
    assert len(world.vaults.listed) == 1


async def test_a_vault_that_is_shown_and_refuses_is_asked_again_by_each_sweep(world: World) -> None:
    """Resource Graph may know of a role before the vault does; its incident reports it, and the sweep is complete."""
    world.known_vaults.vaults = {vault("vault-2")}
    await sweeps(world)
    world.known_vaults.vaults |= {vault()}
    world.vaults.read_error = NO_ROLE
    assert await sweeps(world, days=1)
    assert await sweeps(world, days=1)
    world.vaults.protect(item())
    world.fails("job-1", started_at=world.clock() - minutes(90), ended_at=world.clock() - minutes(60))
    world.vaults.read_error = None

    await sweeps(world, days=1)

    assert (await world.incident()).first_job_id == "job-1"


async def test_vaults_that_are_shown_cost_no_call(world: World) -> None:
    """Only what has vanished is asked."""
    world.known_vaults.vaults = {vault(), vault("vault-2")}

    assert await sweeps(world)
    assert await sweeps(world, days=1)

    assert len(world.vaults.listed) == 0
    assert len(world.known_vaults.remembered) == 2


async def test_where_nobody_can_say_which_vaults_there_are_the_sweep_is_incomplete(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an answer would make half of the estate vanish."""

    async def in_part() -> list[object]:
        raise AzureRefused("subscriptions were left out")

    await hides(world, NO_ROLE)
    monkeypatch.setattr(world.known_vaults, "shown", in_part)

    assert not await sweeps(world, days=1)
    assert len(world.vaults.listed) == 0
