"""The calendar's marks, what is wrong with each item now, and the trend."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.protected_days import VaultDay, mark_of
from status.dashboard import DAYS, Mark, Trouble
from tests.builders import NOW, item
from tests.status_world import TODAY, backups, closed, dashboard, opened

EVERY_DAY = range(1, DAYS)


def test_a_day_is_what_its_backups_were() -> None:
    """Good, failed, both, or none at all."""
    [row] = dashboard(backups(good=[0, 2], bad=[1, 2])).rows
    assert row.marks[-4:] == (Mark.NOTHING, Mark.RECOVERED, Mark.FAILED, Mark.GOOD)


def test_the_days_end_with_today() -> None:
    """Fourteen of them, oldest first."""
    days = dashboard().days
    assert (len(days), days[-1]) == (DAYS, TODAY)
    assert list(days) == sorted(days)


@pytest.mark.parametrize(
    ("outcome", "mark"),
    [
        (Outcome.RECOVERED, Mark.RECOVERED),
        (Outcome.RECOVERED_ELSEWHERE, Mark.RECOVERED),
        (Outcome.NEEDS_ACTION, Mark.FAILED),
        (Outcome.EXHAUSTED, Mark.FAILED),
        (Outcome.LEFT_ALONE, Mark.FAILED),
    ],
)
def test_an_incident_marks_the_day_of_its_first_failure(outcome: Outcome, mark: Mark) -> None:
    """Whatever Resource Graph says of that day, and also where it says nothing."""
    for known in ([backups(good=EVERY_DAY)], []):
        [row] = dashboard(*known, closed=[closed(outcome)]).rows
        assert row.marks[-1] is mark


def test_what_was_left_alone_and_good_the_same_day_is_good() -> None:
    """Somebody cancelled it and ran it again."""
    [row] = dashboard(backups(good=[0]), closed=[closed(Outcome.LEFT_ALONE)]).rows
    assert row.marks[-1] is Mark.GOOD


def test_an_open_incident_marks_its_day_above_all() -> None:
    """It is what happens now."""
    [row] = dashboard(backups(good=[0, 1]), opened=[opened()], closed=[closed(Outcome.RECOVERED)]).rows
    assert (row.marks[-1], row.trouble) == (Mark.OPEN, Trouble.OPEN)


@pytest.mark.parametrize("outcome", [Outcome.NEEDS_ACTION, Outcome.EXHAUSTED])
def test_an_item_needs_a_person_until_it_has_a_newer_good_backup(outcome: Outcome) -> None:
    """Two days ago it failed; yesterday's backup mended it."""
    [waiting] = dashboard(backups(good=[3]), closed=[closed(outcome, days_ago=2)]).rows
    [mended] = dashboard(backups(good=[1, 3]), closed=[closed(outcome, days_ago=2)]).rows
    assert (waiting.trouble, mended.trouble) == (Trouble.NEEDS_PERSON, Trouble.NONE)


def test_a_backup_later_on_the_same_day_mends_the_day() -> None:
    """It failed at noon; somebody mended it at one."""
    [row] = dashboard(backups(good=[0], hour=13), closed=[closed(Outcome.NEEDS_ACTION)]).rows
    assert (row.marks[-1], row.trouble) == (Mark.RECOVERED, Trouble.NONE)


def test_only_the_newest_incident_speaks_for_an_item() -> None:
    """What recovered since needs nobody."""
    ended = [closed(Outcome.NEEDS_ACTION, days_ago=3), closed(Outcome.RECOVERED, days_ago=1)]
    [row] = dashboard(closed=ended).rows
    assert row.trouble is Trouble.NONE


def test_an_item_without_any_backup_is_unprotected() -> None:
    """Nobody would hear of it otherwise: nothing fails that never runs."""
    seen = VaultDay(vault=item().vault, day=TODAY, waiting={mark_of(item()): NOW - timedelta(days=20)})
    [never] = dashboard(backups(), days=[seen]).rows
    [unwatched] = dashboard(backups(good=[3], bad=[1])).rows
    assert (never.trouble, unwatched.trouble) == (Trouble.UNPROTECTED, Trouble.UNPROTECTED)


def test_an_item_whose_protection_was_stopped_is_nobodys_trouble() -> None:
    """Its old recovery points are kept, and nobody expects a new one."""
    [row] = dashboard(replace(backups(bad=[3]), stopped=True)).rows
    assert row.trouble is Trouble.NONE


def test_without_resource_graph_nothing_is_called_unprotected() -> None:
    """What is not known is not called so."""
    made = dashboard(closed=[closed(Outcome.LEFT_ALONE)], answered=False)
    assert not made.estate_known
    assert made.rows[0].trouble is Trouble.NONE


def test_the_worst_come_first() -> None:
    """A person, then what is open, then what has no good backup, then the rest by its failures and its name."""
    good = [backups(good=EVERY_DAY, of=item(number)) for number in (1, 2)]
    made = dashboard(
        *good,
        backups(good=[5], bad=[1], of=item(3)),
        opened=[opened(of=item(4))],
        closed=[
            closed(Outcome.NEEDS_ACTION, of=item(5)),
            closed(Outcome.RECOVERED, days_ago=4, of=item(2)),
        ],
    )
    assert [row.item.friendly_name[-1] for row in made.rows] == ["5", "4", "3", "2", "1"]


def test_the_trend_counts_incidents_by_the_day_they_began() -> None:
    """Of 10, 20 and 60 minutes the median is 20; what a person mended has no time to recovery."""
    ended = [closed(Outcome.RECOVERED, 1, item(n), minutes=m) for n, m in ((1, 10), (2, 20), (3, 60))]
    made = dashboard(opened=[opened(1, item(5))], closed=[*ended, closed(Outcome.NEEDS_ACTION, 1, item(4))])
    yesterday = made.trend[-2]
    assert (yesterday.failures, yesterday.recovered, yesterday.median_seconds) == (5, 3, 20 * 60)
    assert (made.trend[-1].failures, made.trend[-1].median_seconds) == (0, None)


def test_case_joins_and_does_not_divide() -> None:
    """ARM ids are compared without it: the ledger's and Resource Graph's are one item."""
    shouted = item()
    ledgers = closed(
        Outcome.RECOVERED,
        of=type(shouted)(vault=shouted.vault, container=shouted.container.upper(), name=shouted.name.upper()),
    )
    assert len(dashboard(backups(good=[0], of=shouted), closed=[ledgers]).rows) == 1
