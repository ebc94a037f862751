"""The error catalogue: what it finds, and by which key."""

import importlib
import sys
from datetime import timedelta
from itertools import groupby

import pytest

from backup_retry import domain
from backup_retry.domain import error_catalog
from backup_retry.domain.error_catalog import (
    ANY_WORKLOAD,
    ErrorEntry,
    Verdict,
    entries,
    first_known,
    look_up,
    parse,
)
from tests.error_catalog_rows import HEADER, row


@pytest.mark.parametrize(
    ("title", "verdict"),
    [
        ("CloudInternalError", Verdict.RETRY),
        ("FileshareBackupFailedWithAzureRpRequestThrottling", Verdict.RETRY),
        ("VMCreationTimeOutStorageErrorV2", Verdict.RETRY),
        ("UserErrorBackupOperationInProgress", Verdict.WAIT),
        ("SystemBackupOperationInProgress", Verdict.WAIT),
        ("ParallelSnapshotRequest", Verdict.WAIT),
        ("OperationCancelledBecauseConflictingOperationRunningUserError", Verdict.WAIT),
        ("BMSUserErrorObjectLocked", Verdict.WAIT),
        ("UserErrorParentFullBackupMissing", Verdict.FULL),
        ("UserErrorSQLLSNValidationFailure", Verdict.FULL),
        ("UserErrorHANALSNValidationFailure", Verdict.LEAVE),
        ("UserErrorJobSuccessfullyCancelled", Verdict.LEAVE),
        ("UserErrorBailingOutFromBackupOtherNodeMarkerExists", Verdict.LEAVE),
        ("CloudDosAbsoluteLimitReachedWithRetry", Verdict.LEAVE),
        ("CloudDosAbsoluteLimitReached", Verdict.PERSON),
        ("UserErrorRpCollectionLimitReached", Verdict.PERSON),
        ("UserErrorVmProvisioningStateFailed", Verdict.PERSON),
        ("CloudBackupJobFailed", Verdict.ONCE),
        # each passes by itself often enough for one retry
        ("UserErrorGuestAgentStatusUnavailable", Verdict.ONCE),
        ("KubernetesBackupCustomResourcesTrackingTimeOutError", Verdict.ONCE),
    ],
)
def test_a_title_finds_its_verdict(title: str, verdict: Verdict) -> None:
    """Every kind of verdict, and every code that must never be retried blindly."""
    entry = look_up(title=title, numeric=None)

    assert (entry.code, entry.verdict) == (title, verdict)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (400249, "UserErrorBackupOperationInProgress"),
        (400199, "VMCreationTimeOutStorageErrorV2"),
        (400160, "UserErrorVmProvisioningStateFailed"),
        (400158, "UserErrorJobSuccessfullyCancelled"),
        (320001, "ResourceNotFound"),
        (130001, "CloudInternalError"),
    ],
)
def test_a_number_finds_its_code(number: int, code: str) -> None:
    """Jobs whose error has no title are known by its number."""
    assert look_up(title=None, numeric=number).code == code


def test_a_kpi_title_is_enough_when_the_job_names_nothing() -> None:
    """File share jobs carry no title: the string code stands on the protected item."""
    assert look_up(title=None, numeric=None, kpi_title="AFSMaxSnapshotReached").verdict == Verdict.PERSON


@pytest.mark.parametrize("title", ["USERERRORRPCOLLECTIONDELETED", " userErrorRpCollectionDeleted\n"])
def test_case_and_blanks_do_not_matter(title: str) -> None:
    """The service itself is not consistent in its casing."""
    assert look_up(title=title, numeric=None).code == "UserErrorRpCollectionDeleted"


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("BackUpOperationFailed", "BackUpOperationFailed"),
        ("BackUpOperationFailedV2", "BackUpOperationFailedV2"),
        ("UserErrorVmNotFound", "UserErrorVmNotFoundV2"),
        ("GuestAgentSnapshotTaskStatusErrorV3", "GuestAgentSnapshotTaskStatusError"),
    ],
)
def test_a_version_suffix_is_looked_through_only_where_it_must(title: str, code: str) -> None:
    """A row of its own comes first; else the older or newer form of the same failure serves."""
    assert look_up(title=title, numeric=None).code == code


def test_forms_of_one_failure_share_their_verdict() -> None:
    """Looking through V2 is sound only as long as no pair in the catalogue disagrees."""
    ordered = sorted(entries(), key=lambda entry: error_catalog._stem(entry.code))
    stems = groupby(ordered, key=lambda entry: error_catalog._stem(entry.code))

    assert [stem for stem, forms in stems if len({form.verdict for form in forms}) > 1] == []


@pytest.mark.parametrize(
    ("title", "numeric", "kpi_title", "code"),
    [
        ("CloudInternalError", 400160, "UserErrorJobSuccessfullyCancelled", "CloudInternalError"),
        ("NeverHeardOfIt", 400160, "UserErrorJobSuccessfullyCancelled", "UserErrorVmProvisioningStateFailed"),
        ("NeverHeardOfIt", 7, "UserErrorJobSuccessfullyCancelled", "UserErrorJobSuccessfullyCancelled"),
        ("", 400160, "Success", "UserErrorVmProvisioningStateFailed"),
    ],
)
def test_the_first_known_key_wins_when_keys_disagree(
    title: str, numeric: int, kpi_title: str, code: str
) -> None:
    """Title before number before KPI title; an unknown one gives way to the next."""
    assert look_up(title=title, numeric=numeric, kpi_title=kpi_title).code == code


@pytest.mark.parametrize(
    ("title", "numeric", "kpi_title", "name"),
    [
        ("NeverHeardOfIt", 7, "NorOfThis", "NeverHeardOfIt"),
        (None, 7, "NorOfThis", "NorOfThis"),
        (None, 7, "Success", "7"),
        (None, 7, "IaasVmHealthGreenDefault", "7"),
        ("  ", 0, "Success", "no error code"),
        (None, None, None, "no error code"),
    ],
)
def test_an_unknown_code_is_tried_once_under_its_best_name(
    title: str | None, numeric: int | None, kpi_title: str | None, name: str
) -> None:
    """A person is told that nobody knows it, where to look and where to report it; a healthy KPI is no name for one."""
    entry = look_up(title=title, numeric=numeric, kpi_title=kpi_title, workload="VM")

    assert (entry.code, entry.verdict, entry.workload) == (name, Verdict.ONCE, "VM")
    assert "not in the app's error catalogue" in entry.remedy
    assert "Backup jobs" in entry.remedy
    assert "report the code" in entry.remedy
    assert entry.link == "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot"
    assert entry.cause
    assert entry.source


def test_an_unknown_code_keeps_its_number() -> None:
    """The number is what a person can look up when there is no title; zero is none."""
    assert look_up(title="NeverHeardOfIt", numeric=7).numeric_codes == (7,)
    assert look_up(title="NeverHeardOfIt", numeric=0).numeric_codes == ()


@pytest.mark.parametrize(
    "odd", ["", "\x00", "V2", "v3", "İ", "a" * 100_000, 5, 1.5, b"bytes", [], {}, object()]
)
def test_odd_input_is_unknown_and_never_raises(odd: object) -> None:
    """Payloads come from outside: a look-up must not be what breaks on them."""
    entry = look_up(title=odd, numeric=odd, kpi_title=odd, workload=odd)  # type: ignore[arg-type]

    assert entry.verdict == Verdict.ONCE


def test_a_shared_code_is_read_for_the_workload_asked_for() -> None:
    """SQL and HANA share names; each has its own advice."""
    asked = look_up(title="WorkloadExtensionNotReachable", numeric=None, workload="saphanadatabase")

    assert asked.workload == "SAPHanaDatabase"


@pytest.mark.parametrize("workload", [None, "", "AzureWorkload"])
def test_a_shared_code_is_read_most_cautiously_when_the_workload_does_not_decide(
    workload: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not knowing whose code it is, the reading that triggers least is the right one."""
    rows = [row(workload="SQLDataBase", verdict="retry"), row(workload="SAPHanaDatabase", verdict="wait")]
    catalogue_is(monkeypatch, parse("\n".join([HEADER, *rows])))

    assert look_up(title="SomeError", numeric=None, workload=workload).verdict == Verdict.WAIT


def test_two_codes_with_one_number_are_read_most_cautiously(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that two codes share does not license the bolder one."""
    rows = [row("One", numbers="1 2"), row("Other", verdict="person", numbers="2")]
    catalogue_is(monkeypatch, parse("\n".join([HEADER, *rows])))

    assert [look_up(title=None, numeric=number).code for number in (1, 2)] == ["One", "Other"]


@pytest.mark.parametrize(
    ("title", "workload", "expected"),
    [
        ("UserErrorDBNotFound", "Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.DBforPostgreSQL/*"),
        ("UserErrorDBNotFound", "Microsoft.DBforPostgreSQL/servers/databases", "Microsoft.DBforPostgreSQL/*"),
        ("ResourceNotFound", "Microsoft.DBforMySQL/flexibleServers", "Microsoft.DBforMySQL/flexibleServers"),
        ("ResourceNotFound", "VM", "VM"),
        ("UserErrorVmAlreadyExistWithSameName", "VM restore", "VM restore"),
        # a restore whose code is known of backups only, and a code that all workloads share
        ("CloudInternalError", "VM restore", "VM"),
        ("RequestDisallowedByPolicy", "VM", ANY_WORKLOAD),
    ],
)
def test_a_row_counts_for_the_workloads_that_it_names(title: str, workload: str, expected: str) -> None:
    """For one, for all with the same beginning, for restores, for all: the nearest one comes first."""
    assert look_up(title=title, numeric=None, workload=workload).workload == expected


@pytest.mark.parametrize(
    ("codes", "workload", "place"),
    [
        (["InternalServerError", "UserErrorDBNotFound"], "Microsoft.DBforPostgreSQL/flexibleServers", 1),
        # of a machine's code and the disk's own, the disk's own; else the first that anybody knows
        (["ResourceNotFound", "UserErrorManagedDiskNotFound"], "Microsoft.Compute/disks", 1),
        (["NeverSeen", "ResourceNotFound", "CloudInternalError"], "Microsoft.Compute/disks", 1),
        (["ResourceNotFound", "RequestDisallowedByPolicy"], "Microsoft.Compute/disks", 1),
        (["NeverSeen", ""], "VM", None),
        ([], "VM", None),
    ],
)
def test_of_several_codes_the_first_known_one_is_found(
    codes: list[str], workload: str, place: int | None
) -> None:
    """Codes of the workload itself, or of all, before those of others."""
    assert first_known(codes, workload) == place


def test_a_code_may_want_time_before_a_retry() -> None:
    """A storage location is not ready for an hour; most codes want no time of their own."""
    waits = {entry.code: entry.wait for entry in entries() if entry.wait}
    assert waits == {
        "UserErrorBackupStorageLocationNotReady": timedelta(hours=1),
        "CloudDosTimeboudLimitReached": timedelta(hours=24),
    }


def catalogue_is(monkeypatch: pytest.MonkeyPatch, rows: tuple[ErrorEntry, ...]) -> None:
    monkeypatch.setattr(error_catalog, "entries", lambda: rows)
    monkeypatch.setattr(error_catalog, "_index", error_catalog._index.__wrapped__)


def test_every_verdict_has_its_place_in_the_order_of_caution() -> None:
    """A verdict without one would make a shared code impossible to read."""
    assert set(error_catalog._MOST_CAUTIOUS_FIRST) == set(Verdict)


def test_importing_the_module_reads_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cold start pays for the catalogue only when something failed."""
    monkeypatch.setattr(domain, "error_catalog", error_catalog)
    monkeypatch.delitem(sys.modules, error_catalog.__name__)

    fresh = importlib.import_module(error_catalog.__name__)

    assert fresh is not error_catalog
    assert fresh.entries.cache_info().currsize == 0


def test_the_catalogue_is_read_once() -> None:
    """Every failure looks a code up: the file is not read for each."""
    assert entries() is entries()
