"""The error catalogue: what it finds, by which key, and that every row of it can be read by a person."""

import csv
import importlib
import re
import sys
from collections import Counter
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import pytest

from backup_retry import domain
from backup_retry.domain import error_catalog
from backup_retry.domain.error_catalog import (
    ANY_WORKLOAD,
    RESTORE,
    ErrorEntry,
    Verdict,
    entries,
    first_known,
    look_up,
    parse,
)
from backup_retry.domain.workloads import WORKLOADS

SHARED = Path(__file__).resolve().parents[4] / "shared" / "azure"
#: the codes of the documentation, and those that came later; the second file names its codes' remedies otherwise
SHARED_FACTS = {
    "error_codes.csv": ("message", "documented_remedy"),
    "missing_codes.csv": ("remedy as documented",),
}
HEADER = "code,numeric_codes,workload,verdict,wait_hours,cause,remedy,source"


def row(code: str = "SomeError", workload: str = "VM", verdict: str = "retry", numbers: str = "") -> str:
    return f"{code},{numbers},{workload},{verdict},,It broke.,Mend it.,docs: a-page"


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
    assert "not in the app's catalogue" in entry.remedy
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
    """For one, for all that begin alike, for restores, for all: the nearest one comes first."""
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


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: f"{entry.workload}-{entry.code}")
def test_every_row_is_written_for_a_person(entry: ErrorEntry) -> None:
    """Cause and remedy are one sentence each, without line breaks or paths."""
    for sentence in (entry.cause, entry.remedy):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence.split()) >= 4
        assert "\n" not in sentence
    assert entry.cause != entry.remedy
    assert not entry.source.startswith("/")


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: f"{entry.workload}-{entry.code}")
def test_every_row_leads_to_microsofts_documentation(entry: ErrorEntry) -> None:
    """To the page that the row is from, else to its workload's; what a person is told ends with it."""
    assert re.fullmatch(r"https://learn\.microsoft\.com/[a-z0-9/-]+", entry.link)
    assert entry.guidance == f"{entry.remedy} More: {entry.link}"


def test_a_row_whose_source_is_not_microsofts_leads_to_the_workloads_page() -> None:
    """Code of a restore as well."""
    entry = look_up(title="UserErrorSkuNotAvailable", numeric=None, workload="VM restore")
    assert "learn.microsoft.com" not in entry.source
    assert entry.link == "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot"


@pytest.mark.parametrize(
    "workload", [each.name + end for each in WORKLOADS for end in ("", RESTORE)], ids=str
)
def test_no_two_rows_clash(workload: str) -> None:
    """For each workload a code, and a number, has one row: patterns and names must not overlap."""
    of_it = [entry for entry in entries() if entry.is_of(workload)]
    codes = Counter(entry.code.casefold() for entry in of_it)
    numbers = Counter(number for entry in of_it for number in entry.numeric_codes)
    assert [each for each, count in (codes | numbers).items() if count > 1] == []


def test_every_row_is_of_a_workload_that_there_is() -> None:
    """A misspelt name would never be found."""
    names = [each.name + end for each in WORKLOADS for end in ("", RESTORE)] + [ANY_WORKLOAD]
    assert [entry for entry in entries() if not any(entry.is_of(name) for name in names)] == []


def test_rows_stand_in_order_of_workload_and_code() -> None:
    """A row is found by eye, and a diff stays small."""
    order = [(entry.workload.casefold(), entry.code.casefold()) for entry in entries()]

    assert order == sorted(order)
    assert len(order) == len(set(order))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 0: the columns must be"),
        ("code,verdict", "line 1: the columns must be"),
        ("\n".join([HEADER, row(), row("Other", verdict="maybe")]), "line 3: 'maybe' is not a valid Verdict"),
        ("\n".join([HEADER, row(numbers="4O0160")]), "line 2: invalid literal for int"),
        ("\n".join([HEADER, row(workload=" ")]), "line 2: workload must not be empty"),
        ("\n".join([HEADER, "A,,VM,once,,It broke.,,"]), "line 2: remedy and source must not be empty"),
        ("\n".join([HEADER, "A,,VM,once,soon,It broke.,Mend it.,docs"]), "line 2: invalid literal for int"),
        ("\n".join([HEADER, "A,,VM"]), "line 2: 3 fields instead of 8"),
        ("\n".join([HEADER, row(), row("SOMEERROR")]), "line 3: SOMEERROR stands twice under VM"),
        ("\n".join([HEADER, '"A"B' + row()]), "line 2: "),
    ],
)
def test_a_malformed_catalogue_is_refused_with_its_line(text: str, complaint: str) -> None:
    """Whoever edits the file is told where it went wrong."""
    with pytest.raises(ValueError, match=f"^error_catalog.csv, {complaint}"):
        parse(text)


def shared_facts(name: str) -> list[dict[str, str]]:
    if not (SHARED / name).exists():
        pytest.skip("the collected error codes of the documentation are not on this machine")
    with (SHARED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", SHARED_FACTS)
def test_every_documented_code_is_in_the_catalogue(name: str) -> None:
    """No code that the documentation knows is unknown to us."""
    documented = {fact["code"] for fact in shared_facts(name)}

    assert documented - {entry.code for entry in entries()} == set()


@pytest.mark.parametrize("name", SHARED_FACTS)
def test_no_sentence_is_copied_from_the_documentation(name: str) -> None:
    """The catalogue speaks in its own words."""
    copied = {
        fact[column].strip(" .").casefold() for fact in shared_facts(name) for column in SHARED_FACTS[name]
    }
    ours = [text for entry in entries() for text in (entry.cause, entry.remedy)]

    assert [text for text in ours if text.strip(" .").casefold() in copied] == []
