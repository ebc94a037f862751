"""The rows of the error catalogue: each can be read by a person, and none is malformed."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from backup_retry.domain.error_catalog import (
    ANY_WORKLOAD,
    RESTORE,
    ErrorEntry,
    entries,
    look_up,
    parse,
)
from backup_retry.domain.workloads import WORKLOADS
from tests.error_catalog_rows import HEADER, row

SHARED = Path(__file__).resolve().parents[4] / "shared" / "azure"
#: the codes of the documentation, and those that came later; the second file names its codes' remedies otherwise
SHARED_FACTS = {
    "error_codes.csv": ("message", "documented_remedy"),
    "missing_codes.csv": ("remedy as documented",),
}


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
        ("\n".join([HEADER, row(), row("SOMEERROR")]), "line 3: SOMEERROR occurs twice under VM"),
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
