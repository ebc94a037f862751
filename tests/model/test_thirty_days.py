"""A short month of a small estate."""

from tests.model.thirty_days import live, table


def test_every_failed_backup_of_three_days_is_accounted_for() -> None:
    """Two storms in three days of 40 machines; each failure ends in an incident with an outcome, and in the log."""
    month = live(items=40, days=3, seed=1)
    assert month.unaccounted == month.unsaid == []
    assert month.storms >= 2
    assert sum(month.outcomes.values()) > 60
    assert f"not accounted for, of {sum(month.failures.values())}" in table(month)
