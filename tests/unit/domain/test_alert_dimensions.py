"""Names of a log search alert's dimensions: the built-in ones, and those that an administrator adds."""

import pytest

from backup_retry.domain.alert_dimensions import BUILT_IN, Dimensions, Meaning


@pytest.mark.parametrize(("meaning", "name"), [(each, name) for each in Meaning for name in BUILT_IN[each]])
def test_a_built_in_name_is_understood_in_any_casing(meaning: Meaning, name: str) -> None:
    """Columns keep the casing that a query gives them."""
    known = Dimensions()
    assert [known.meaning(each) for each in (name, name.upper(), f" {name.lower()} ")] == [meaning] * 3


def test_a_name_that_nobody_knows_means_nothing() -> None:
    """Such as the columns of other tables."""
    assert Dimensions().meaning("Computer") is None


def test_built_in_names_are_told_apart_without_case() -> None:
    """None has two meanings."""
    names = [name.casefold() for each in BUILT_IN.values() for name in each]
    assert len(names) == len(set(names))


def test_names_are_added_to_the_built_in_ones() -> None:
    """Separated by blanks or commas, the kinds by semicolons."""
    known = Dimensions.parse(" job: RunId, Run_Id; VAULT: Tresor\n;")
    assert [known.meaning(name) for name in ("runid", "RUN_ID", "tresor", "JobUniqueId")] == [
        Meaning.JOB,
        Meaning.JOB,
        Meaning.VAULT,
        Meaning.JOB,
    ]


def test_an_added_name_counts_before_a_built_in_one() -> None:
    """The administrator knows the query."""
    assert Dimensions.parse("error: ResourceId").meaning("resourceid") is Meaning.ERROR


def test_nothing_added_is_the_built_in_list() -> None:
    """An empty setting."""
    assert Dimensions.parse("") == Dimensions()


def test_it_is_told_as_it_is_written() -> None:
    """So that an administrator can see what is understood."""
    told = str(Dimensions.parse("job: RunId"))
    assert told.startswith("job: JobUniqueId ")
    assert " RunId; item: " in told
    assert Dimensions.parse(told).meaning("runid") is Meaning.JOB


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("RunId", "does not have the form"),
        ("job:", "does not have the form"),
        ("job: ,", "does not have the form"),
        (": RunId", "is not one of job"),
        ("machine: Computer", "is not one of job, item, vault, resource, error"),
        ("job: RunId vault: Tresor", "does not have the form"),
        ("job: RunId; item: runid", "is used for both job and item"),
    ],
)
def test_a_bad_text_is_refused_with_what_is_wrong(text: str, problem: str) -> None:
    """The administrator reads which part it is."""
    with pytest.raises(ValueError, match=problem):
        Dimensions.parse(text)
