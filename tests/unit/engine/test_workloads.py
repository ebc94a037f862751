"""The engine beyond virtual machines: rules of backup vaults, tags of resources that only the vault names."""

from dataclasses import replace

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import FailedJob
from backup_retry.domain.schedule import BackupPolicy
from tests.builders import SUBSCRIPTION, item
from tests.world import World

BACKUP_VAULT = Vault(
    subscription=SUBSCRIPTION, resource_group="rg-backup", name="bv-1", kind=VaultKind.BACKUP
)
DISK = ProtectedItem(vault=BACKUP_VAULT, name="disk-1")
SOURCE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-data/providers/Microsoft.Compute/disks/disk-1"
TWO_RULES = {"BackupDaily": "Default", "BackupWeekly": "Weekly"}


def fails(world: World, rules: dict[str, str], *, rule: str = "") -> FailedJob:
    """A disk's backup fails; the vault's list does not tell its rule, its details may."""
    failed = world.fails(of=DISK, workload="Microsoft.Compute/disks")
    world.vaults.items[DISK.key] = ItemState(
        protection_state="ProtectionConfigured", source_id=SOURCE, policy=BackupPolicy(rules=rules)
    )
    world.vaults.shown_jobs = [replace(each, rule=rule) for each in world.vaults.shown_jobs]
    return failed


@pytest.mark.parametrize(
    ("rules", "ran_by", "asked_for"),
    [
        (TWO_RULES, "BackupWeekly", ("BackupWeekly", "Weekly")),
        (TWO_RULES, "", ("BackupDaily", "Default")),
        ({"BackupDaily": "Default"}, "", ("BackupDaily", "Default")),
    ],
)
async def test_the_rule_that_failed_is_run_again(
    world: World, rules: dict[str, str], ran_by: str, asked_for: tuple[str, str]
) -> None:
    """The job's details say it; else the policy's first."""
    await world.handle(fails(world, rules, rule=ran_by))

    assert [(each.rule, each.retention_tag) for each in world.vaults.requests] == [asked_for]


@pytest.mark.parametrize(
    ("ran_by", "decided", "triggered"),
    [("BackupWeekly", "triggered", ["BackupWeekly"]), ("", "closed", [])],
)
async def test_where_the_policy_cannot_be_read_the_failed_job_tells_the_rule(
    world: World, ran_by: str, decided: str, triggered: list[str]
) -> None:
    """A person has to give the right to read policies only where neither knows."""
    failed = fails(world, {}, rule=ran_by)
    world.vaults.items[DISK.key] = replace(world.vaults.items[DISK.key], policy=None)

    report = await world.handle(failed)

    assert report.decision == decided
    assert [each.rule for each in world.vaults.requests] == triggered


async def test_a_job_that_is_gone_keeps_nothing_back(world: World) -> None:
    """Its details cannot be read any more; the policy's first rule serves."""
    failed = fails(world, TWO_RULES)
    world.vaults.shown_jobs = [replace(each, id="renamed") for each in world.vaults.shown_jobs]

    await world.handle(failed)

    assert [each.rule for each in world.vaults.requests] == ["BackupDaily"]


@pytest.mark.parametrize("tagged", [SOURCE, SOURCE.partition("/providers/")[0], BACKUP_VAULT.id])
async def test_a_tag_on_what_only_the_vault_names_opts_out(world: World, tagged: str) -> None:
    """A backup instance's name does not tell its disk."""
    world.tag_lookup.tag(tagged, retry="off")

    report = await world.handle(fails(world, TWO_RULES))

    assert (report.reason, world.attempts) == (Reason.OPTED_OUT, [])


async def test_a_failed_restore_and_a_failed_backup_of_an_item_are_two_incidents(world: World) -> None:
    """The restore needs a person at once; the backup is retried."""
    backup = world.fails("job-1")
    restore = FailedJob.of(replace(world.vaults.shown_jobs[0], id="job-2", operation="Restore"), item())

    told, retried = await world.handle(restore), await world.handle(backup)

    assert (told.decision, retried.decision) == ("closed", "triggered")
    closed = (await world.ledger.load(restore.item)).incident
    assert closed is not None
    assert (closed.outcome, closed.reason) == (Outcome.NEEDS_ACTION, Reason.UNSUPPORTED)
    assert (await world.handle(restore)).decision == "already_handled"
