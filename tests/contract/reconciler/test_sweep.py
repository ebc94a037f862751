"""The sweep on the simulated Azure: real queries, real lists of jobs, real triggers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.decisions import Reason
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import Scope
from backup_retry.ports.ledger import MemoryLedger
from backup_retry.ports.tag_lookup import MemoryTagLookup
from backup_retry.settings.sweep_profile import daily
from reconciler.sweep import Sweep
from reconciler.sweep_report import SweepReport
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.machine.tls import Certificates
from tests.vault_world import VaultWorld, settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSES = error_titled("CloudInternalError")


class Nights:
    """An app that does nothing but sweep, each morning at five, started anew each time."""

    def __init__(self, world: VaultWorld, trust: Certificates) -> None:
        self._world = world
        self._trust = trust
        world.clock.time = world.clock.time.replace(hour=5, minute=0)
        self._ledger = MemoryLedger()

    def began(self, hours_ago: float, runs: timedelta, **options: Any) -> str:
        """A scheduled job of vm-01 that is going to fail."""
        outcome = Outcome(status=JobStatus.FAILED, seconds=runs.total_seconds(), error=PASSES)
        return self._world.run("vm-01", outcome, age=timedelta(hours=hours_ago), **options)

    async def sweep(self) -> SweepReport:
        """This morning's sweep; then it is the next morning."""
        arm, trust = self._world.server.arm_url, self._trust.client_context()
        async with AzureClients(settings(arm), ssl_context=trust) as clients:
            report = await self._made(clients).run()
        self._world.clock.move(days=1)
        return report

    def _made(self, clients: AzureClients) -> Sweep:
        clock, ledger = self._world.clock, self._ledger
        vaults = RecoveryServicesVaults(clients, clock)
        engine = Engine(
            ledger=ledger,
            controls=ledger,
            storms=ledger,
            vaults=vaults,
            tag_lookup=MemoryTagLookup(),
            rules=Rules(),
            clock=clock,
        )
        return Sweep(
            graph=ResourceGraph(clients).estate((), lambda _: True),
            vaults=vaults,
            engine=engine,
            controls=ledger,
            clock=clock,
            profile=daily(),
            scope=Scope(),
            keep_reports=True,
        )


@pytest.fixture
def nights(vault_world: VaultWorld, trust: Certificates) -> Nights:
    """A few machines, and nothing has happened yet."""
    return Nights(vault_world, trust)


def in_short(handled: Sequence[Report]) -> list[tuple[str, str]]:
    """Which job led to what."""
    return [(each.job_id, each.decision) for each in handled]


@pytest.mark.parametrize("runs", [timedelta(hours=8, minutes=20), timedelta(hours=30), timedelta(hours=33)])
async def test_a_job_that_runs_over_a_sweep_is_found_by_the_one_after_its_end(
    nights: Nights, vault_world: VaultWorld, runs: timedelta
) -> None:
    """From 22:00 to 06:20, or for more than a day: long after its start, and once."""
    job = nights.began(7, runs)
    found = [(await nights.sweep()).handled for _ in range(4)]

    mornings_while_it_ran = 1 if runs < timedelta(hours=31) else 2
    assert [in_short(each) for each in found[: mornings_while_it_ran + 1]] == [
        *[[]] * mornings_while_it_ran,
        [(job, "triggered")],
    ]
    assert len(vault_world.posts()) == 1


@pytest.mark.parametrize("operation", ["Restore", "RestoreWithRehydrate", "CrossRegionRestore"])
async def test_a_failed_restore_calls_a_person(
    nights: Nights, vault_world: VaultWorld, operation: str
) -> None:
    """By every name that a vault lists it under."""
    job = nights.began(1, timedelta(minutes=10), operation=operation)

    [report] = (await nights.sweep()).handled

    assert (report.job_id, report.reason) == (job, Reason.UNSUPPORTED)
    assert operation in report.detail
    assert vault_world.posts() == []
