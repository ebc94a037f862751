"""The engine on jobs whose names, ids or times are not what one would expect: whose they are, and which count."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AnswerUnclear
from backup_retry.domain.jobs import FailedJob, Job, JobError, JobStatus, Operation, Source
from backup_retry.engine.engine import Engine
from backup_retry.policy.rules import Rules
from tests.builders import ENDED, ITEM_IS_BUSY, NOW, STARTED, item, job, minutes, vault
from tests.world import NetworkVaults, World

AG = "SQLAGWorkLoadContainer;074d1466"
ORDERS = ProtectedItem(vault=vault(), container=AG, name="SQLDataBase;agprd;orders")
#: what the node that did a backup makes of it
NODES = ProtectedItem(vault=vault(), container="Unlisted;SQLDataBase;node-2", name="orders-[node-2]")


def nodes(
    job_id: str, status: JobStatus, *, activity_id: str = "", ended: float | None = 0, **differing: object
) -> Job:
    """A job called after a node; it began forty minutes ago and ended so many minutes from now."""
    shown = job(
        job_id,
        of=NODES,
        workload="SQLDataBase",
        operation="Backup (Full)",
        status=status,
        ended_at=None if ended is None else NOW + minutes(ended),
        activity_id=activity_id,
    )
    return replace(shown, entity_name="orders [node-2]", guessed=True, **differing)  # type: ignore[arg-type]


def orders_fail(world: World) -> FailedJob:
    """The availability group's database has failed, by its alert's word; its job is called after the listener."""
    world.vaults.protect(ORDERS)
    shown = replace(nodes("scheduled", JobStatus.FAILED, ended=-10), entity_name="orders [agprd]")
    world.vaults.shown_jobs.append(shown)
    return FailedJob.of(shown, ORDERS)


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
async def test_a_retrys_job_of_another_name_is_the_retrys(
    world: World, answered: bool, status: JobStatus
) -> None:
    """It bears the attempt's id; the answer to the trigger may have been lost."""
    world.vaults.trigger_errors = [] if answered else [AnswerUnclear("the connection was closed")]
    await world.handle(orders_fail(world))
    world.vaults.shown_jobs.append(nodes("own", status, activity_id=world.attempts[0], ended=3))

    await world.advance(ORDERS, minutes=5)

    incident = await world.incident(ORDERS)
    results = {JobStatus.COMPLETED: AttemptResult.COMPLETED, JobStatus.FAILED: AttemptResult.FAILED}
    assert [each.result for each in incident.attempts] == [results[status]]
    assert (incident.outcome is Outcome.RECOVERED) is (status is JobStatus.COMPLETED)
    assert len(world.attempts) == 1


async def test_a_retrys_job_that_its_operation_names_is_the_retrys(world: World) -> None:
    """Neither its names nor its activity id say so, and it is looked at in the same turn."""
    await world.handle(orders_fail(world))
    operation = (await world.incident(ORDERS)).attempts[0].operation_id
    world.vaults.operations[operation] = Operation(status="Succeeded", job_id="own")
    world.vaults.shown_jobs.append(nodes("own", JobStatus.COMPLETED, ended=3))

    await world.advance(ORDERS, minutes=5)

    assert (await world.incident(ORDERS)).outcome is Outcome.RECOVERED


@pytest.mark.parametrize(
    "running",
    [
        pytest.param(nodes("other", JobStatus.IN_PROGRESS, ended=None), id="another node's"),
        pytest.param(
            replace(
                nodes("young", JobStatus.IN_PROGRESS, ended=None), item=None, candidates=(ORDERS, item(2))
            ),
            id="young: no server, no workload, no kind",
        ),
        pytest.param(
            replace(nodes("bare", JobStatus.IN_PROGRESS, ended=None), item=None, entity_name="", workload=""),
            id="no name at all",
        ),
        pytest.param(
            replace(
                job("long", of=ORDERS, status=JobStatus.IN_PROGRESS), started_at=NOW - timedelta(hours=60)
            ),
            id="begun sixty hours ago",
        ),
    ],
)
async def test_a_running_backup_that_may_be_the_items_is_waited_for(world: World, running: Job) -> None:
    """A second one would only run into it."""
    world.vaults.shown_jobs.append(running)

    report = await world.handle(orders_fail(world))

    assert (report.reason, world.attempts) == (Reason.IN_PROGRESS, [])


async def test_a_completed_backup_of_another_name_is_nobodys_proof(world: World) -> None:
    """Another database's success must not close this one's incident."""
    world.vaults.shown_jobs.append(nodes("other", JobStatus.COMPLETED, ended=-1))

    report = await world.handle(orders_fail(world))

    assert report.decision == "triggered"


async def test_what_no_item_of_the_vault_is_called_after_is_a_persons(world: World) -> None:
    """It is backed up by Azure and could be retried, were it known which item that is."""
    shown = nodes("scheduled", JobStatus.FAILED)
    world.vaults.shown_jobs.append(shown)

    report = await world.handle(FailedJob.of(shown, NODES))

    closed = await world.incident(NODES)
    assert (closed.outcome, closed.reason) == (Outcome.NEEDS_ACTION, Reason.NEEDS_ACTION)
    assert "Backup (Full) of orders [node-2] (a SQL database)" in report.detail


# ---- ends --------------------------------------------------------------------------------------------------


async def test_a_vaults_list_reaches_back_to_what_began_three_days_before_the_failure_ended(
    world: World,
) -> None:
    """Lists can be asked by beginnings only; those who fail alike are looked for around the failure's end."""
    await world.handle(world.fails(ended_at=ENDED))

    assert world.vaults.listed == [(vault(), ENDED - timedelta(hours=72) - world.rules.storm_window)]


@pytest.mark.parametrize("days", [2.9, 13.9])
async def test_a_job_that_has_held_the_item_for_days_is_found(world: World, days: float) -> None:
    """The failure says that one does: nothing is started, since it would only run into that job as well."""
    began = ENDED - timedelta(days=days)
    world.vaults.shown_jobs.append(job("stuck", status=JobStatus.IN_PROGRESS, started_at=began))

    report = await world.handle(world.fails(error=ITEM_IS_BUSY, ended_at=ENDED))

    assert (report.reason, world.attempts) == (Reason.IN_PROGRESS, [])
    assert report.detail.startswith(f"Job stuck is running. It began at {began:%Y-%m-%d %H:%M} UTC: ")
    assert (await world.incident()).told_of == (f"{Reason.IN_PROGRESS} stuck",)


async def test_a_success_before_the_failures_end_mends_nothing(world: World) -> None:
    """The log backups of a long full one complete while it runs, and it fails in the morning."""
    failed = world.fails("long", started_at=STARTED - timedelta(hours=9), ended_at=ENDED)
    world.vaults.shown_jobs.append(
        job("good", status=JobStatus.COMPLETED, started_at=STARTED, ended_at=ENDED)
    )

    assert (await world.handle(failed)).decision == "triggered"


# ---- warnings ----------------------------------------------------------------------------------------------


class Detailed(NetworkVaults):
    """A vault whose list does not say what a job moved, and whose details do."""

    moved: bool = True

    async def job(self, vault: Vault, job_id: str) -> Job:
        """See Vaults."""
        error = JobError(title="DiffCopyFailedToTransferData")
        return replace(await super().job(vault, job_id), moved_data=self.moved, error=error)


@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("ours", [True, False])
async def test_a_backup_that_completed_with_warnings_counts_where_it_moved_data(
    moved: bool, ours: bool
) -> None:
    """Its details say so: else a retry is reported to a person, and another backup mends nothing."""
    world = World()
    world.vaults = Detailed(clock=world.clock)
    world.vaults.moved = moved
    world.engine = world.another_engine()
    failed = world.fails()
    if ours:
        await world.handle(failed)
    by = world.attempts[0] if ours else "somebody"
    warned = job(
        "w", status=JobStatus.COMPLETED_WITH_WARNINGS, started_at=ENDED, ended_at=NOW, activity_id=by
    )
    world.vaults.shown_jobs.append(warned)

    report = await (world.advance(minutes=5) if ours else world.handle(failed))

    recovered = Outcome.RECOVERED if ours else Outcome.RECOVERED_ELSEWHERE
    without = Outcome.NEEDS_ACTION if ours else None
    assert (await world.incident()).outcome is (recovered if moved else without)
    assert ("DiffCopyFailedToTransferData" in report.detail) is (moved or ours)
    assert len(world.attempts) == (1 if ours or not moved else 0)


# ---- claims ------------------------------------------------------------------------------------------------


async def test_a_claim_bears_the_time_at_which_it_is_stored(world: World) -> None:
    """Azure asked for 22 seconds before the vault's list: lease and settling count from after them."""

    async def throttled() -> None:
        world.clock.move(minutes=22 / 60)

    world.vaults.on_list = throttled
    await world.handle(world.fails())

    claimed = (await world.incident()).attempts[0]
    assert (claimed.claimed_at, claimed.failed_at) == (NOW + timedelta(seconds=22), ENDED)


async def test_the_lease_of_a_claim_counts_from_when_it_is_stored(world: World) -> None:
    """A worker that was held up before it is not taken for dead as soon as it triggers."""
    dues = []

    async def held_up() -> None:
        world.clock.move(minutes=10)

    async def triggering(of: ProtectedItem, attempt_id: str) -> None:
        dues.append((await world.incident(of)).due - world.clock())

    world.vaults.on_list, world.vaults.on_trigger = held_up, triggering
    await world.handle(world.fails())

    assert dues == [world.rules.claim_lease]


async def test_two_workers_whose_clocks_are_apart_start_one_retry(world: World) -> None:
    """One is five minutes slow, the other as fast, and nothing is waited for: a job may take five minutes to appear."""
    world.rules = Rules(backoff=(timedelta(0),))

    def worker(off: float) -> Engine:
        return world.another_engine(clock=lambda: world.clock() + minutes(off))

    world.vaults.trigger_errors = [AnswerUnclear("the connection was closed")]
    await worker(-5).handle(world.fails(), Source.ALERT)
    fast = worker(5)
    for _ in range(4):
        world.clock.move(minutes=1)
        await fast.advance(await world.incident())
    own = job("own", status=JobStatus.COMPLETED, started_at=NOW, activity_id=world.attempts[0])
    world.vaults.shown_jobs.append(own)
    await fast.advance(await world.incident())

    assert (len(world.attempts), (await world.incident()).outcome) == (1, Outcome.RECOVERED)


async def test_a_colleagues_backup_is_never_taken_for_ours(world: World) -> None:
    """It began in the second of our trigger, whose request was lost: it completes, and recovers the item by itself."""
    await world.unclear()
    world.ends(world.runs("a-colleague"), JobStatus.COMPLETED)

    await world.advance(minutes=15)

    incident = await world.incident()
    assert incident.outcome is Outcome.RECOVERED_ELSEWHERE
    assert [(each.result, each.job_id) for each in incident.attempts] == [(AttemptResult.NO_JOB, "")]
