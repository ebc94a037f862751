"""What makes a sweep incomplete, and what it handles all the same."""

import json
from dataclasses import replace
from datetime import datetime

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureUnavailable, Forbidden
from backup_retry.domain.jobs import JobList
from backup_retry.ports.ledger import Beat
from backup_retry.ports.log_events import FIELD_BYTES
from reconciler.sweep_report import SweepReport
from tests.builders import NOW, item, vault
from tests.sweep_world import DAY, Graph, row, sweep
from tests.world import World

# ---- problems ---------------------------------------------------------------------------------------------------


async def incomplete(world: World, graph: Graph, said: str) -> None:
    """Run a sweep that must not be complete, and say so."""
    await world.ledger.beat(Beat.SWEEP, NOW - DAY)

    report = await sweep(world, graph).run()

    assert not report.complete
    assert said in " ".join(report.problems)
    assert await world.ledger.last_beat(Beat.SWEEP) == NOW - DAY
    assert await world.ledger.last_beat(Beat.INCOMPLETE_SWEEP) == NOW


async def test_a_graph_that_breaks_off_makes_the_sweep_incomplete(world: World) -> None:
    """What came before is handled all the same."""
    world.fails("job-1", of=item(1))

    await incomplete(world, Graph(row(1), error=AzureUnavailable("page 2 did not come")), "page 2")

    assert len(world.attempts) == 1


async def test_a_row_that_cannot_be_read_makes_the_sweep_incomplete(world: World) -> None:
    """It may have been somebody's failure."""
    world.fails("job-1", of=item(1))

    await incomplete(world, Graph({"id": "x"}, row(1)), "without a job")

    assert len(world.attempts) == 1


async def test_a_job_that_fits_several_items_makes_the_sweep_incomplete(world: World) -> None:
    """Two databases of one name, and the row names none of them: somebody has to look."""
    world.fails("job-1", of=item(1))
    world.vaults.shown_jobs = [
        replace(each, item=None, candidates=(item(1), item(2))) for each in world.vaults.shown_jobs
    ]

    await incomplete(world, Graph(row(1) | {"backupInstance": ""}), "matches several items")

    assert world.attempts == []


async def test_one_bad_vault_does_not_stop_the_others(world: World) -> None:
    """No role on one of them: the others' failures are retried."""
    bad, good = vault("vault-bad"), vault("vault-good")
    world.fails("job-1", of=item(1, of=bad))
    world.fails("job-2", of=item(2, of=good))
    lists = world.vaults.jobs

    async def refuse_one(vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        if vault == bad:
            raise Forbidden("no role on vault-bad", status=403)
        return await lists(vault, since, fresh_since=fresh_since)

    world.vaults.jobs = refuse_one  # type: ignore[method-assign]
    await incomplete(world, Graph(row(1, of=bad), row(2, of=good)), "vault-bad")

    assert [key for key, _ in world.vaults.triggered] == [item(2, of=good).key]
    assert world.sent_notices[0] == ("NeedsPerson", "vault-bad")


async def test_a_job_that_the_vault_does_not_know_makes_the_sweep_incomplete(world: World) -> None:
    """The graph says that it failed and the vault has never heard of it: looked at again the next day."""
    world.fails("job-2", of=item(2))

    await incomplete(world, Graph(row(1), row(2)), "job-1")

    assert [key for key, _ in world.vaults.triggered] == [item(2).key]


async def test_a_failure_that_cannot_be_stored_makes_the_sweep_incomplete(world: World) -> None:
    """The ledger is away for one of them."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2))

    def down_for_one(incident: object) -> None:
        if getattr(incident, "item", None) == item(1):
            raise AzureUnavailable("the ledger does not answer")

    world.ledger.before_save = down_for_one
    await incomplete(world, Graph(row(1), row(2)), "the ledger does not answer")

    assert [key for key, _ in world.vaults.triggered] == [item(2).key]


# ---- what is logged ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("letter", "length", "left_out"), [("x", 1000, 93), ("ä", 200, 94)])
def test_a_log_line_holds_as_many_problems_as_fit(
    letter: str, length: int, left_out: int, caplog: pytest.LogCaptureFixture
) -> None:
    """More would be cut in the middle; the last problem says what the time limit left."""
    report = SweepReport(profile="daily", began=NOW, since=NOW)
    report.problems = [f"{number} {letter * length}" for number in range(100)]
    report.vaults_left = 7
    report.end()

    report.log()

    (line,) = (json.loads(record.getMessage()) for record in caplog.records)
    assert len(json.dumps(line["problems"])) <= FIELD_BYTES
    assert line["event"] == "sweep_incomplete"
    assert line["problems"][0] == report.problems[0]
    assert line["problems"][-2] == f"… and {left_out} more problems"
    assert "7 vaults are left" in line["problems"][-1]
