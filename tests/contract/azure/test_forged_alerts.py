"""What forged alerts cost in reads, in a vault with ten thousand jobs; SECURITY.md says the same figures."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from backup_retry.azure.protected_items import GraphItemLookup
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.jobs import Source
from backup_retry.policy.scope import Scope
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal
from simulator.estate.outcomes import JobStatus as Status
from simulator.estate.outcomes import Outcome
from tests.failures import VAULT
from tests.vault_world import ESTATE, VM, VaultWorld
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECURITY = (Path(__file__).parents[3] / "SECURITY.md").read_text(encoding="utf-8")
COMPLETED = Outcome(status=Status.COMPLETED, seconds=60)
JOBS, PAGE, ALERTS = 10_000, 200, 20


class Forger:
    """Somebody with the webhook's key."""

    def __init__(self, azure: VaultWorld) -> None:
        self.azure = azure
        world = World()
        world.clock = azure.clock
        world.vaults = azure.vaults  # type: ignore[assignment]
        resolver = Resolver(
            vaults=azure.vaults,
            item_lookup=GraphItemLookup(ResourceGraph(azure.clients)),
            clock=azure.clock,
            lookback=timedelta(days=1),
            scope=Scope(),
        )
        self._handler = SignalHandler(resolver=resolver, engine=world.another_engine(), defer=self._defer)
        self.kept: list[Signal] = []

    async def _defer(self, signal: Signal) -> None:
        self.kept.append(signal)

    async def sends(self, **named: object) -> list[int]:
        """Twenty alerts within a minute; what each of them cost in reads."""
        costs: list[int] = []
        for _ in range(ALERTS):
            before = self._requests()
            signal = Signal(source=Source.ALERT, label="forged", **named)  # type: ignore[arg-type]
            await self._handler.handle_signal(signal, seconds=60)
            costs.append(self._requests() - before)
            self.azure.clock.move(seconds=2)
        return costs

    def _requests(self) -> int:
        sent = self.azure.server.simulator.requests.find("")
        return sum("/msi/token" not in each["path"] for each in sent)


@pytest.fixture
def forger(vault_world: VaultWorld) -> Forger:
    """The vault has had ten thousand jobs in the last two weeks, all of them well."""
    settings = {"backup_seconds": 60, "operation_seconds": 10, "page_size": PAGE}
    vault_world.server.simulator.reset({**ESTATE, "settings": settings})
    for number in range(JOBS):
        vault_world.run(outcome=COMPLETED, age=timedelta(minutes=5 + 2 * number))
    return Forger(vault_world)


async def test_an_alert_with_a_job_that_completed_costs_one_read(forger: Forger) -> None:
    """It is read by its id, and nothing else is asked."""
    job = forger.azure.run(outcome=COMPLETED)
    forger.azure.clock.move(minutes=2)
    assert max(await forger.sends(vault=VAULT, job_id=job, item=VM)) == 1


async def test_alerts_with_jobs_that_are_made_up_share_one_list(forger: Forger) -> None:
    """Each costs the read by its id; a vault that has no such job is listed once in a minute for all of them."""
    costs = await forger.sends(vault=VAULT, job_id=str(uuid4()))
    assert costs == [1 + JOBS / PAGE, *[1] * (ALERTS - 1)]
    assert forger.kept == []


async def test_alerts_that_name_a_vault_only_have_it_listed_once_a_minute(forger: Forger) -> None:
    """A list of many pages is not read for each of them: they wait, and one look serves them all."""
    costs = await forger.sends(vault=VAULT)
    assert sum(costs) <= 1 + JOBS / PAGE
    assert len(forger.kept) >= ALERTS - 2


async def test_security_says_these_figures() -> None:
    """Whoever changes one of them says so."""
    text = re.sub(r"\s+", " ", SECURITY)
    assert "one read by the job's id" in text
    assert "at most ten pages of its vault's list" in text
    assert "150 pages a minute for all of them" in text
