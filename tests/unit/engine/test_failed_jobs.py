"""From a hint to a fact: what the vault's jobs say, and about which item."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.jobs import FailedJob, Job, JobStatus
from backup_retry.engine.failed_jobs import confirmed, failure_of, undecided, unrecovered, why_none
from backup_retry.policy.rules import LONGEST_JOB
from tests.builders import ENDED, NOW, STARTED, item, job, minutes, vault
from tests.world import World

SINCE = NOW - timedelta(hours=24)


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_job_that_ended_badly_is_a_failure_of_the_item_it_names(status: JobStatus) -> None:
    """The job's own word counts."""
    shown = job(status=status)

    assert confirmed(shown) == FailedJob.of(shown, item())


@pytest.mark.parametrize("status", [JobStatus.IN_PROGRESS, JobStatus.CANCELLING, JobStatus.COMPLETED])
def test_a_job_that_did_not_fail_is_no_failure(status: JobStatus) -> None:
    """Whatever the alert said."""
    assert confirmed(job(status=status), item()) is None


def test_the_job_is_believed_before_the_hint() -> None:
    """An alert that names another item changes nothing."""
    failure = confirmed(job(of=item(1)), item(2))

    assert failure is not None
    assert failure.item == item(1)


def test_the_hint_decides_between_the_items_that_a_jobs_names_fit() -> None:
    """The vault alone could not say."""
    failure = confirmed(job(of=item(1), names_item=False), item(1))

    assert failure is not None
    assert failure.item == item(1)


@pytest.mark.parametrize("hint", [None, item(2), item(1, of=vault("vault-2"))])
def test_a_nameless_job_without_a_matching_hint_is_nobodys_failure(hint: object) -> None:
    """Nobody can say what it backed up."""
    assert confirmed(job(of=item(1), names_item=False), hint) is None  # type: ignore[arg-type]


STAND_IN = ProtectedItem(vault=vault(), container="Unlisted;VM;unknown", name="vm-01")


def guessed(of: ProtectedItem) -> Job:
    """A failed job of which only its names say whose it is."""
    return replace(job(of=of), guessed=True)


@pytest.mark.parametrize(
    ("shown", "named", "whose"),
    [
        pytest.param(guessed(STAND_IN), item(1), item(1), id="its names fit none"),
        pytest.param(guessed(item(2)), item(1), item(1), id="its names fit another"),
        pytest.param(
            replace(job(names_item=False), candidates=(item(2), item(3))), item(1), item(1), id="fit others"
        ),
        pytest.param(guessed(STAND_IN), item(9), STAND_IN, id="the vault shows no such item"),
        pytest.param(
            guessed(item(2)), item(9), item(2), id="the vault shows no such item, its names fit one"
        ),
        pytest.param(guessed(STAND_IN), item(1, of=vault("vault-2")), STAND_IN, id="another vault's item"),
        pytest.param(guessed(STAND_IN), None, STAND_IN, id="nobody named one"),
        pytest.param(job(of=item(2)), item(1), item(2), id="the job itself has its item's id"),
        pytest.param(job(of=item(8)), item(1), item(1), id="the vault shows no item with the job's own id"),
        pytest.param(job(of=item(8)), item(9), item(8), id="the vault shows neither"),
        pytest.param(
            replace(guessed(STAND_IN), workload="SQLDataBase"), item(1), STAND_IN, id="another workload's"
        ),
        pytest.param(
            replace(guessed(STAND_IN), workload=""), item(1), item(1), id="a young job says no workload"
        ),
        pytest.param(replace(guessed(STAND_IN), operation="Register"), item(1), None, id="no backup"),
    ],
)
async def test_the_item_that_is_named_with_a_job_is_its_item_once_the_vault_shows_it(
    world: World, shown: Job, named: ProtectedItem | None, whose: ProtectedItem | None
) -> None:
    """A job of a database is called after the node that did it; its id in an alert or a row is not."""
    for protected in (item(1), item(2), item(1, of=vault("vault-2"))):
        world.vaults.protect(protected)

    failure = await failure_of(world.vaults, shown, named)

    assert (failure.item if failure else None) == whose


async def test_a_young_job_that_failed_is_of_its_items_workload(world: World) -> None:
    """It ended before the service had written which one that is."""
    database = ProtectedItem(
        vault=vault(), container="VMAppContainer;Compute;rg;sql", name="SQLDataBase;inst;orders"
    )
    world.vaults.protect(database)

    failure = await failure_of(world.vaults, replace(guessed(STAND_IN), workload=""), database)

    assert failure is not None
    assert failure.workload == "SQLDataBase"


ORDERS = ProtectedItem(
    vault=vault(), container="VMAppContainer;Compute;rg;sql", name="SQLDataBase;inst;orders"
)


def of_a_node(database: str = "orders", **changes: object) -> Job:
    """A failed backup of a database that another node of its group has done, and named after itself."""
    server = ProtectedItem(vault=vault(), container="Unlisted;SQLDataBase;node-2", name=database)
    shown = replace(guessed(server), id="theirs", workload="SQLDataBase", entity_name=f"{database} [node-2]")
    return replace(shown, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shown", "named", "ids"),
    [
        pytest.param(of_a_node(), ORDERS, ["theirs"], id="its database by another node"),
        pytest.param(
            of_a_node(entity_name="INST/orders [node-2]"), ORDERS, ["theirs"], id="and with its instance"
        ),
        pytest.param(of_a_node("invoices"), ORDERS, [], id="another database"),
        pytest.param(of_a_node(workload="SAPHanaDatabase"), ORDERS, [], id="another workload"),
        pytest.param(of_a_node(item=item(2)), ORDERS, [], id="an item of the vault is called so"),
        pytest.param(
            of_a_node(), replace(ORDERS, container="VMAppContainer;Compute;rg;gone"), [], id="no item"
        ),
    ],
)
async def test_an_item_that_is_named_alone_has_the_failures_that_are_called_after_another_node(
    world: World, shown: Job, named: ProtectedItem, ids: list[str]
) -> None:
    """A metric alert names no job; else nobody would ever say whose that failure is."""
    world.vaults.protect(ORDERS)
    world.vaults.shown_jobs = [shown]

    seen = await unrecovered(world.vaults, vault(), SINCE, NOW, named)

    assert [(each.id, each.item) for each in seen.failures] == [(each, named) for each in ids]


async def test_a_success_that_is_called_after_another_node_proves_nothing(world: World) -> None:
    """A failure is looked at once too often rather than lost."""
    world.vaults.protect(ORDERS)
    good = of_a_node(id="good", status=JobStatus.COMPLETED, started_at=ENDED, ended_at=ENDED + minutes(5))
    world.vaults.shown_jobs = [of_a_node(), good]

    seen = await unrecovered(world.vaults, vault(), SINCE, NOW, ORDERS)

    assert [each.id for each in seen.failures] == ["theirs"]


async def found(world: World, *jobs: Job, of: int | None = None) -> list[str]:
    """The ids of the unrecovered failures among a vault's jobs."""
    world.vaults.shown_jobs = list(jobs)
    seen = await unrecovered(world.vaults, vault(), SINCE, NOW, item(of) if of is not None else None)
    return [failure.id for failure in seen.failures]


async def test_each_items_newest_failure_is_found_oldest_first(world: World) -> None:
    """One per item, in the order in which they failed."""
    jobs = [
        job("b", of=item(2), started_at=ENDED),
        job("a-old", of=item(1), started_at=STARTED - minutes(60)),
        job("a", of=item(1), started_at=STARTED),
    ]

    assert await found(world, *jobs) == ["a", "b"]


async def test_a_failure_with_a_later_success_is_not_found(world: World) -> None:
    """The item has a good recovery point again."""
    assert await found(world, job("a"), job("good", status=JobStatus.COMPLETED, started_at=ENDED)) == []


async def test_a_failure_with_an_earlier_success_is_found(world: World) -> None:
    """Yesterday's backup does not help."""
    good = job("good", status=JobStatus.COMPLETED, started_at=STARTED - minutes(60))

    assert await found(world, good, job("a")) == ["a"]


async def test_a_failure_is_found_by_its_end(world: World) -> None:
    """A backup of 33 hours began before the first one that is looked for."""
    began = SINCE - timedelta(hours=30)

    assert await found(world, job("long", started_at=began, ended_at=SINCE)) == ["long"]
    assert await found(world, job("old", started_at=began, ended_at=SINCE - minutes(1))) == []


@pytest.mark.parametrize(("moved", "expected"), [(None, ["a"]), (False, ["a"]), (True, [])])
async def test_a_success_with_warnings_hides_a_failure_only_where_it_moved_data(
    world: World, moved: bool | None, expected: list[str]
) -> None:
    """A list does not say; the engine reads the job itself."""
    warned = job("good", status=JobStatus.COMPLETED_WITH_WARNINGS, started_at=ENDED)

    assert await found(world, job("a"), replace(warned, moved_data=moved)) == expected


async def test_a_running_backup_hides_no_failure(world: World) -> None:
    """It may fail as well: the engine decides to wait for it."""
    running = job("now", status=JobStatus.IN_PROGRESS, started_at=ENDED)

    assert await found(world, job("a"), running) == ["a"]


async def test_a_failed_restore_is_found_beside_the_items_backups(world: World) -> None:
    """It is a matter of its own: no backup makes up for it, and no restore for a backup."""
    good = job("good", status=JobStatus.COMPLETED, started_at=ENDED)

    assert await found(world, good, job("r", operation="Restore")) == ["r"]
    assert await found(world, job("a"), replace(good, operation="Restore")) == ["a"]


@pytest.mark.parametrize("operation", ["ConfigureBackup", "DeleteBackupData", "Register"])
async def test_a_failed_change_of_protection_is_not_found(world: World, operation: str) -> None:
    """There is no backup to repeat."""
    assert await found(world, job("c", operation=operation)) == []


async def test_a_restore_that_a_person_cancelled_is_not_found(world: World) -> None:
    """Whoever cancelled it knows."""
    assert await found(world, job("r", operation="Restore", status=JobStatus.CANCELLED)) == []


async def test_a_log_backup_makes_up_for_no_full_one(world: World) -> None:
    """Logs are backed up every fifteen minutes: they would hide every failed full backup."""
    full = job("full", operation="Backup (Full)")
    log = job("log", operation="Backup (Log)", status=JobStatus.COMPLETED, started_at=ENDED)

    assert await found(world, full, log) == ["full"]
    assert await found(world, replace(full, operation="Backup (Log)"), log) == []


async def test_a_failure_hides_none_of_another_worth(world: World) -> None:
    """The full one may have been closed long ago, when only a person could help."""
    full = job("full", operation="Backup (Full)")
    older = job("older", operation="Backup (Log)")
    log = job("log", operation="Backup (Log)", started_at=ENDED)

    assert await found(world, log, older, full) == ["full", "log"]


async def test_one_item_alone_can_be_looked_for(world: World) -> None:
    """Another item's failure is not brought up."""
    assert await found(world, job("a", of=item(1)), job("b", of=item(2)), of=2) == ["b"]


async def test_jobs_that_fit_several_items_are_found_for_the_one_that_was_asked_for(world: World) -> None:
    """And only for that item."""
    nameless = job("a", of=item(1), names_item=False)

    assert await found(world, nameless, of=1) == ["a"]
    assert await found(world, nameless, of=2) == []
    assert await found(world, nameless) == []


async def test_a_failure_counts_by_its_end(world: World) -> None:
    """One that began before the time and ended after it is found, one that ended before it is not."""
    long = job("long", of=item(1), started_at=SINCE - timedelta(hours=20), ended_at=SINCE + minutes(1))
    old = job("old", of=item(2), started_at=SINCE - timedelta(hours=20), ended_at=SINCE - minutes(1))

    assert await found(world, long, old) == ["long"]


@pytest.mark.parametrize(
    "operation", ["Restore", "Restore (Full)", "RestoreWithRehydrate", "CrossRegionRestore"]
)
def test_a_failed_restore_is_a_failure_of_its_own(operation: str) -> None:
    """By whichever name a vault's list has it; one that a person cancelled is none."""
    failure = confirmed(job(operation=operation))

    assert failure is not None
    assert failure.item.restore_job == "job-1"
    assert confirmed(job(operation=operation, status=JobStatus.CANCELLED)) is None


NAMELESS = replace(job(names_item=False), candidates=())


@pytest.mark.parametrize(
    ("shown", "later", "why"),
    [
        (job(status=JobStatus.IN_PROGRESS), True, "is InProgress, not Failed"),
        (job(status=JobStatus.CANCELLING), True, "is Cancelling, not Failed"),
        (job(status=JobStatus.COMPLETED), False, "is Completed, not Failed"),
        (job(names_item=False), True, "matches several items"),
        (NAMELESS, True, "names the item"),
        (job(operation="ConfigureBackup"), False, "not a failed backup or restore"),
        (job(operation="Restore", status=JobStatus.CANCELLED), False, "not a failed backup"),
    ],
)
def test_a_job_that_is_no_failure_says_why_and_whether_it_may_become_one(
    shown: Job, later: bool, why: str
) -> None:
    """While it runs, or while nobody knows whose it is."""
    assert (undecided(shown), why in why_none(shown)) == (later, True)


async def test_the_list_is_read_afresh(world: World) -> None:
    """A signal is answered with what the vault says now."""
    await found(world)

    assert (world.vaults.listed, world.vaults.freshness) == ([(vault(), SINCE - LONGEST_JOB)], [NOW])
