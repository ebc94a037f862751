"""A short month of a small estate."""

import pytest

from backup_retry.domain.notices import NoticeKind
from tests.model.thirty_days import Month, live, table

_CALLS = {NoticeKind.NEEDS_PERSON, NoticeKind.EXHAUSTED, NoticeKind.STORM_NEEDS_PERSON}


@pytest.fixture(scope="module")
def month() -> Month:
    """Two storms in three days of 40 machines."""
    return live(items=40, days=3, seed=1)


def test_every_failed_backup_of_three_days_is_accounted_for(month: Month) -> None:
    """Every failure ends in an incident with an outcome, and in the log."""
    assert month.unaccounted == month.unsaid == []
    assert month.storms >= 2
    assert sum(month.outcomes.values()) > 60
    assert f"not accounted for, of {sum(month.failures.values())}" in table(month)


def test_a_cause_has_one_message_and_the_digest_of_its_first_hours_a_day(month: Month) -> None:
    """Mails as the alert rules send them, over the lines that were written; of a storm there is one."""
    of_storms = [mail for mail in month.mails if mail.rule == "storm"]
    assert len(of_storms) == len(set(of_storms)) == 2
    assert len(month.mails) > len(of_storms)
    assert max(month.mails_by_cause.values()) <= 2
    assert len(month.mails) <= len(of_storms) + 2 * (len(month.causes) - len(of_storms))


def test_few_notices_call_a_person(month: Month) -> None:
    """One for ten failed backups at most."""
    assert 0 < sum(month.notices[kind] for kind in _CALLS) <= sum(month.failures.values()) / 10
