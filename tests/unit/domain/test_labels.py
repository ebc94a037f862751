"""Every code has words, and every code that a ledger may hold can be told."""

from enum import StrEnum

import pytest

from backup_retry.domain import labels
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.domain.journal import StepKind


@pytest.mark.parametrize(
    ("codes", "table"),
    [
        (Reason, labels.REASONS),
        (StepKind, labels.STEPS),
        (Outcome, labels.OUTCOMES),
        (State, labels.STATES),
        (AttemptResult, labels.RESULTS),
        (Source, labels.SOURCES),
        (JobStatus, labels.JOB_STATUSES),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else "",
)
def test_every_code_has_words(codes: type[StrEnum], table: dict[StrEnum, str]) -> None:
    """A code that is added is missed here."""
    assert set(table) == set(codes)
    assert all(table.values())


def test_reasons_are_sentences() -> None:
    """They stand alone on the page."""
    assert [each for each in labels.REASONS.values() if not each.endswith(".") or each[0].islower()] == []


def test_a_code_of_another_version_stands_for_itself() -> None:
    """A ledger may be older or newer than the code that reads it."""
    assert (labels.reason("paused"), labels.reason("other")) == (labels.REASONS[Reason.PAUSED], "other")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (12_000, "3 h 20 min"),
        (7_200, "2 h"),
        (86_400, "1 day"),
        (187_200, "2 days 4 h"),
    ],
)
def test_lengths_of_time_are_told_in_their_two_largest_units(seconds: float, told: str) -> None:
    """12,000 s are 3 h 20 min."""
    assert labels.duration(seconds) == told
