"""The error catalogue: what it finds, by which key, and that every row of it can be read by a person."""

import csv
import importlib
import sys
from itertools import groupby
from pathlib import Path

import pytest

from backup_retry import domain
from backup_retry.domain import error_catalog
from backup_retry.domain.error_catalog import ErrorEntry, Verdict, entries, look_up, parse

SHARED_FACTS = Path(__file__).resolve().parents[4] / "shared" / "azure" / "error_codes.csv"
HEADER = "code,numeric_codes,workload,verdict,cause,remedy,source"


def row(code: str = "SomeError", workload: str = "VM", verdict: str = "retry", numbers: str = "") -> str:
    return f"{code},{numbers},{workload},{verdict},It broke.,Mend it.,docs: a-page"


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
        ("UserErrorGuestAgentStatusUnavailable", Verdict.PERSON),
        ("CloudBackupJobFailed", Verdict.ONCE),
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
    """A person is told what to search for, and where; a healthy KPI is no name for a failure."""
    entry = look_up(title=title, numeric=numeric, kpi_title=kpi_title, workload="VM")

    assert (entry.code, entry.verdict, entry.workload) == (name, Verdict.ONCE, "VM")
    assert "Backup jobs" in entry.remedy
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
        ("\n".join([HEADER, "A,,VM,once,It broke.,,"]), "line 2: remedy and source must not be empty"),
        ("\n".join([HEADER, "A,,VM"]), "line 2: 3 fields instead of 7"),
        ("\n".join([HEADER, row(), row("SOMEERROR")]), "line 3: SOMEERROR stands twice under VM"),
        ("\n".join([HEADER, '"A"B' + row()]), "line 2: "),
    ],
)
def test_a_malformed_catalogue_is_refused_with_its_line(text: str, complaint: str) -> None:
    """Whoever edits the file is told where it went wrong."""
    with pytest.raises(ValueError, match=f"^error_catalog.csv, {complaint}"):
        parse(text)


def shared_facts() -> list[dict[str, str]]:
    if not SHARED_FACTS.exists():
        pytest.skip("the collected error codes of the documentation are not on this machine")
    with SHARED_FACTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_documented_code_is_in_the_catalogue() -> None:
    """No code that the documentation knows is unknown to us."""
    documented = {fact["code"] for fact in shared_facts()}

    assert documented - {entry.code for entry in entries()} == set()


def test_no_sentence_is_copied_from_the_documentation() -> None:
    """The catalogue speaks in its own words."""
    copied = {
        text.strip(" .").casefold()
        for fact in shared_facts()
        for text in (fact["message"], fact["documented_remedy"])
    }
    ours = [text for entry in entries() for text in (entry.cause, entry.remedy)]

    assert [text for text in ours if text.strip(" .").casefold() in copied] == []
