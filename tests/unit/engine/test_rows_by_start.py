"""Rows of version 0.1.0, which dated failures by their beginnings: what they mean to a version that goes by ends."""

from dataclasses import replace

import pytest

from backup_retry.azure import incident_rows as rows
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from tests.builders import ENDED, NOW, STARTED, attempt, failed, incident, minutes

#: what this version has added
NEW_COLUMNS = frozenset({"weighed_by", "failed_at"})
WEIGHED = failed("weighed", operation="Backup (Full)")
LOG = failed("log", operation="Backup (Log)", started_at=ENDED)


def stored(incident: Incident, *, by_0_1_0: bool = False) -> Incident:
    """The incident after it has been written and read; as version 0.1.0 would have written it, where that is asked."""
    written = [rows.head_row(incident), *(rows.attempt_row(incident, each) for each in incident.attempts)]
    if by_0_1_0:
        written = [{name: value for name, value in row.items() if name not in NEW_COLUMNS} for row in written]
    attempts = tuple(rows.read_attempt(row)[1] for row in written[1:])
    return replace(rows.read_head(written[0]), attempts=attempts)


def after_a_weighed_one(by_start: bool = False) -> Incident:
    """About a log backup; a full one that failed before it has been weighed."""
    weighed_at = WEIGHED.started_at if by_start else WEIGHED.ended_at
    opened = incident(attempt(1), failure=LOG)
    return replace(opened, weighed_before={3: weighed_at}, weighed_by_start=by_start)


@pytest.mark.parametrize("by_start", [False, True])
def test_what_has_been_weighed_comes_back_with_its_meaning(by_start: bool) -> None:
    """A row of 0.1.0 stays one however often it is written again."""
    assert stored(after_a_weighed_one(by_start)) == after_a_weighed_one(by_start)


def test_a_failure_that_0_1_0_has_weighed_is_not_retried_again() -> None:
    """It is known by its beginning, although it ended half an hour later."""
    opened = stored(after_a_weighed_one(by_start=True), by_0_1_0=True)

    assert opened.weighed_by_start
    assert opened.is_past(WEIGHED)
    assert Incident.open(failed("next"), Source.SWEEP, NOW, after=opened).is_past(WEIGHED)


def test_a_failure_that_0_1_0_would_have_lost_is_news() -> None:
    """It began before the weighed one and failed after it: 0.1.0 took it for weighed."""
    long = failed("long", operation="Backup (Full)", started_at=STARTED - minutes(500), ended_at=ENDED)

    assert not stored(after_a_weighed_one(by_start=True), by_0_1_0=True).is_past(long)


def test_an_incident_of_0_1_0_looks_at_no_fewer_jobs() -> None:
    """Its first failure seems to have ended as it began, and nothing that ended since then is left out."""
    old = stored(replace(incident(), first_failed_at=STARTED), by_0_1_0=True)

    assert old.first_failed_at == STARTED < old.failure.ended_at
    assert not old.weighed_by_start


def test_an_attempt_of_0_1_0_does_not_say_which_failure_it_mends() -> None:
    """Only its claim is known, see `settle`."""
    assert [each.failed_at for each in stored(incident(attempt(1)), by_0_1_0=True).attempts] == [None]
