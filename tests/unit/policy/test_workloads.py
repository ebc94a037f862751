"""What the policy makes of backup vaults, agents and restores, and which backup a retry asks for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.decisions import Close, Outcome, Reason, Trigger, Wait
from backup_retry.domain.error_catalog import Verdict
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import BackupRequest, FailedJob, JobError
from backup_retry.domain.schedule import BackupPolicy
from backup_retry.domain.workloads import Cap
from backup_retry.policy.decide import backup_request, decide
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import Names, Scope
from tests.builders import (
    NEEDS_PERSON,
    NOW,
    PASSES,
    SUBSCRIPTION,
    failed,
    in_short,
    minutes,
    protected,
)
from tests.policy_world import CHAIN_BROKE, context, database

BACKUP_VAULT = Vault(
    subscription=SUBSCRIPTION, resource_group="rg-backup", name="bv-1", kind=VaultKind.BACKUP
)
DISK = ProtectedItem(vault=BACKUP_VAULT, name="disk-1")
DISKS = "Microsoft.Compute/disks"
DAILY = BackupPolicy(
    rules={"BackupDaily": "Default", "BackupHourly": "Hourly"}, long_term_tags=frozenset({"Yearly"})
)


def disk(error: JobError | None = None, *, rule: str = "", tag: str = "") -> FailedJob:
    failure = failed(of=DISK, workload=DISKS)
    return replace(failure, error=error or failure.error, rule=rule, retention_tag=tag)


def with_policy(policy: BackupPolicy | None) -> ItemState:
    return replace(protected("ProtectionConfigured"), policy=policy)


def days(number: int) -> timedelta:
    return timedelta(days=number)


# ---- which backup a retry asks for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (failed(), BackupRequest(workload="VM", keep_until=NOW + days(30))),
        (
            failed(workload="AzureFileShare"),
            BackupRequest(workload="AzureFileShare", keep_until=NOW + days(30)),
        ),
        # Azure keeps a full backup of a database for 45 days at least, by its own clock
        (
            database(),
            BackupRequest(workload="SQLDataBase", kind="Full", keep_until=NOW + days(45) + minutes(15)),
        ),
        (database("Differential"), BackupRequest(workload="SQLDataBase", kind="Differential")),
        (
            database("Incremental", workload="SAPHanaDatabase"),
            BackupRequest(workload="SAPHanaDatabase", kind="Incremental"),
        ),
        (
            database("SnapshotFull", workload="SAPHanaDBInstance"),
            BackupRequest(workload="SAPHanaDBInstance", kind="SnapshotFull", keep_until=NOW + days(30)),
        ),
        # the chain broke: only a full backup helps, whatever failed
        (
            database("Differential", error=CHAIN_BROKE),
            BackupRequest(workload="SQLDataBase", kind="Full", keep_until=NOW + days(45) + minutes(15)),
        ),
        (
            database("Log", error=CHAIN_BROKE),
            BackupRequest(workload="SQLDataBase", kind="Full", keep_until=NOW + days(45) + minutes(15)),
        ),
    ],
)
def test_a_retry_asks_for_the_backup_that_failed(failure: FailedJob, expected: BackupRequest) -> None:
    """Of the same kind, or a full one where the log chain broke; kept as long as its workload allows."""
    assert backup_request(context(failure)) == expected


@pytest.mark.parametrize(
    ("rule", "tag", "expected"),
    [
        ("BackupHourly", "Weekly", ("BackupHourly", "Weekly")),
        ("BackupHourly", "", ("BackupHourly", "Hourly")),
        ("", "", ("BackupDaily", "Default")),
        ("RenamedSince", "Weekly", ("BackupDaily", "Weekly")),
        # a year's point that failed is made up for by a point of every day
        ("BackupHourly", "Yearly", ("BackupHourly", "Hourly")),
    ],
)
def test_a_backup_vault_is_told_rule_and_tag(rule: str, tag: str, expected: tuple[str, str]) -> None:
    """From the failed job where it says them, else from the policy; a rule that is gone is not asked for."""
    request = backup_request(context(disk(rule=rule, tag=tag), state=with_policy(DAILY)))
    assert (request.rule, request.retention_tag) == expected


def test_a_rule_that_no_policy_confirms_is_used_all_the_same() -> None:
    """The policy cannot be read, or says nothing; the failed job has run with that rule."""
    for policy in (None, BackupPolicy(problem="It has no rules.")):
        known = context(disk(rule="BackupDaily"), state=with_policy(policy))
        assert in_short(decide(known)) == (Trigger, Reason.RETRY)
        assert backup_request(known).rule == "BackupDaily"


# ---- backup vaults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (DAILY, (Trigger, Reason.RETRY)),
        (BackupPolicy(rules={}), (Close, Reason.NO_BACKUP_RULE, Outcome.LEFT_ALONE)),
        (BackupPolicy(problem="It has no rules."), (Wait, Reason.AZURE_UNAVAILABLE, NOW)),
        (None, (Close, Reason.NO_BACKUP_RULE, Outcome.NEEDS_ACTION)),
    ],
)
def test_without_a_backup_rule_there_is_nothing_to_run(
    policy: BackupPolicy | None, expected: tuple[object, ...]
) -> None:
    """Operational blobs are backed up continuously; a policy that may not be read is a person's matter.

    What cannot be understood is read again, and is no proof of anything.
    """
    assert in_short(decide(context(disk(), state=with_policy(policy)))) == expected


@pytest.mark.parametrize(
    ("title", "retryable", "verdict"),
    [
        ("NeverSeen", True, Verdict.RETRY),
        ("NeverSeen", False, Verdict.PERSON),
        ("NeverSeen", None, Verdict.ONCE),
        # the catalogue knows these for disks, for everything, and for VMs: the service's word is not asked
        ("UserErrorMaxConcurrentOperationLimitReached", False, Verdict.WAIT),
        ("UserErrorManagedDiskNotFound", True, Verdict.PERSON),
        ("CloudDosTimeboudLimitReached", False, Verdict.RETRY),
        ("BMSUserErrorInvalidInput", True, Verdict.PERSON),
        (PASSES, False, Verdict.RETRY),
        (NEEDS_PERSON, True, Verdict.PERSON),
    ],
)
def test_the_service_says_whether_a_retry_can_help(
    title: str, retryable: bool | None, verdict: Verdict
) -> None:
    """IsRetryable counts where the catalogue does not know the code."""
    error = JobError(title=title, message="Disk busy.", retryable=retryable, advice="Wait.")
    assert context(disk(error)).error.verdict is verdict


def test_what_the_service_will_not_have_retried_is_told_in_its_own_words() -> None:
    """Cause and remedy are the service's; that nobody knows the code, and where to report it, is said beside them."""
    error = JobError(title="NeverSeen", message="The disk is locked.", retryable=False, advice="Unlock it.")
    decision = decide(context(disk(error), state=with_policy(DAILY)))
    assert in_short(decision) == (Close, Reason.NEEDS_ACTION, Outcome.NEEDS_ACTION)
    assert isinstance(decision, Close)
    assert decision.detail.startswith(
        "The disk is locked. Azure says: Unlock it. This error code is not in the app's error catalogue"
    )
    assert decision.detail.endswith("More: https://learn.microsoft.com/azure/backup/disk-backup-troubleshoot")


# ---- what cannot be retried --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (failed(workload="MAB"), "Start-OBBackup"),
        (failed(workload="DPM"), "New-DPMRecoveryPoint"),
        (failed(operation="Restore"), "az backup restore restore-disks"),
        (failed(operation="Restore", workload="SQLDataBase"), "az backup restore restore-azurewl"),
        (
            failed(of=DISK, operation="Restore", workload=DISKS),
            "az dataprotection backup-instance restore trigger",
        ),
        (failed(workload="SomethingNew"), "where it was started"),
    ],
)
def test_what_cannot_be_retried_says_how_to_run_it_again(failure: FailedJob, said: str) -> None:
    """A person is told what failed, with what, and the command."""
    decision = decide(context(failure))
    assert isinstance(decision, Close)
    assert in_short(decision) == (Close, Reason.UNSUPPORTED, Outcome.NEEDS_ACTION)
    assert said in decision.detail
    assert f"failed with {PASSES}" in decision.detail


@pytest.mark.parametrize(
    ("workload", "error", "operation", "said"),
    [
        ("AzureFileShare", "UserErrorTargetFileShareFull", "Restore", "Raise the quota of the target share"),
        ("VM", "UserErrorVmAlreadyExistWithSameName", "Restore", "Choose a different name"),
        ("VM", "NeverSeen", "Restore", "report the code"),
        (
            "MAB",
            "NeverSeen",
            "Backup",
            "More: https://learn.microsoft.com/azure/backup/backup-azure-mars-troubleshoot",
        ),
    ],
)
def test_what_cannot_be_retried_says_what_to_do_about_it(
    workload: str, error: str, operation: str, said: str
) -> None:
    """Rows of restores for restores; codes of agents are not expected to be in the catalogue."""
    decision = decide(context(failed(operation=operation, workload=workload, error=error)))
    assert isinstance(decision, Close)
    assert said in decision.detail
    assert ("report the code" in decision.detail) is (workload != "MAB" and error == "NeverSeen")


def test_a_failed_restore_is_a_matter_of_its_own() -> None:
    """It has an id below its item's, so that it is never taken for one of the item's backups."""
    restored = failed(operation="Restore").item
    assert restored.id == f"{failed().item.id}/restores/job-1"
    assert ProtectedItem.parse(restored.id.upper()) is not None
    assert restored.friendly_name == "vm-01 (restore)"


# ---- scope, caps -------------------------------------------------------------------------------------------


def test_a_backup_vaults_item_is_judged_by_the_group_that_only_the_vault_tells() -> None:
    """The instance's name does not say where the disk is."""
    rules = Rules(scope=Scope(resource_groups=Names(patterns=("!rg-lab",))))
    source = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG-Lab/providers/Microsoft.Compute/disks/disk-1"
    decision = decide(context(disk(), state=replace(with_policy(DAILY), source_id=source), rules=rules))
    assert in_short(decision) == (Close, Reason.OPTED_OUT, Outcome.LEFT_ALONE)


@pytest.mark.parametrize(
    ("failure", "cap"),
    [
        (failed(), Cap.VM),
        (failed(workload="AzureFileShare"), Cap.FILES),
        (database(), Cap.DATABASES),
        (failed(of=DISK, workload="Microsoft.DBforPostgreSQL/flexibleServers"), Cap.DATABASES),
        (disk(), Cap.OTHERS),
    ],
)
def test_each_workload_has_its_own_daily_cap(failure: FailedJob, cap: Cap) -> None:
    """A cap of nothing stops this workload and no other."""
    state = with_policy(DAILY)
    none = Rules(daily_caps={each: 0 if each is cap else 3 for each in Cap})
    others = Rules(daily_caps={each: 3 if each is cap else 0 for each in Cap})
    assert decide(context(failure, state=state, rules=none)).reason is Reason.DAILY_CAP
    assert decide(context(failure, state=state, rules=others)) == Trigger()
