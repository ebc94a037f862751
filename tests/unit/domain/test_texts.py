"""Texts from outside: whatever came in, what goes on can be written, sent and shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_retry.domain.texts import as_cell, valid, valid_json, visible

HALF, MARK = "\ud83d", "\ufffd"


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ("vm-01", "vm-01"),
        ("Jürgen 😀", "Jürgen 😀"),
        (f"vm{HALF}", f"vm{MARK}"),
        ("\ud83d\ude00", "😀"),
        ("\udcff", MARK),
    ],
)
def test_half_a_character_is_replaced_and_nothing_else(came: str, expected: str) -> None:
    """Two halves that belong together are one character."""
    assert valid(came) == expected


def test_every_text_of_a_json_value_is_made_valid() -> None:
    """Names too; numbers and truths stay what they are."""
    came = {HALF: [HALF, {"a": HALF}], "n": 1.5, "t": True, "z": None}
    assert valid_json(came) == {MARK: [MARK, {"a": MARK}], "n": 1.5, "t": True, "z": None}


def test_what_is_nested_too_deep_is_dropped() -> None:
    """Nobody can break the walk with a body of brackets."""
    deep: object = "core"
    for _ in range(5000):
        deep = [deep]
    assert "core" not in json.dumps(valid_json({"deep": deep, "name": "kept"}))
    assert valid_json({"deep": deep, "name": "kept"})["name"] == "kept"


_JSON = st.recursive(
    st.none() | st.booleans() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
)


@given(_JSON)
def test_any_json_can_be_sent_afterwards(value: object) -> None:
    """As UTF-8, without an error."""
    json.dumps(valid_json(value), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        ("Jürgen 😀 vm-01", "Jürgen 😀 vm-01"),
        ("line\n\tanother", "line\n\tanother"),
        ("a\u00a0b", "a b"),
        ("vm\u202egnp.exe", r"vm\u202egnp.exe"),
        ("\x1b[2J\x07\x9b", r"\u001b[2J\u0007\u009b"),
        ("\u2066\u200f\u061c\ufeff\r", r"\u2066\u200f\u061c\ufeff\u000d"),
        ("\U000e0001", r"\U000e0001"),
        (HALF, r"\ud83d"),
    ],
)
def test_what_nobody_sees_is_written_out(came: str, shown: str) -> None:
    """Control characters, and those that turn the direction of a text."""
    assert visible(came) == shown


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(1)", " =1+1", "\u00a0\t=1+1", "\tx", "\nx"])
def test_a_cell_that_would_be_a_formula_is_quoted(formula: str) -> None:
    """White space before it is no disguise: a spreadsheet ignores it."""
    assert as_cell(formula) == f"'{formula}"


@pytest.mark.parametrize("text", ["", "vm-01", " vm-01", "a=1"])
def test_any_other_cell_stays_as_it_is(text: str) -> None:
    """Nothing is quoted without need."""
    assert as_cell(text) == text
