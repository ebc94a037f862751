"""What the newest alerts, and the failures that nobody told of, say of a vault's alerts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arrivals import AlertKind, Arrival
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.jobs import Source
from backup_retry.ports.arrivals import MANY, alerts_by_vault
from backup_retry.ports.reports import Closed
from tests.builders import NOW, item, vault
from tests.status_world import closed


def failures(number: int, found_by: Source = Source.SWEEP, *, days_ago: int = 1) -> list[Closed]:
    """So many incidents of the vault's machines."""
    one = closed(Outcome.RECOVERED, days_ago)
    return [
        replace(one, incident_id=f"{found_by}-{each}", item=item(each + 1), found_by=found_by)
        for each in range(number)
    ]


def alert(kind: AlertKind = AlertKind.BACKUP_ALERT, *, days_ago: float) -> Arrival:
    """The vault's newest of that kind."""
    return Arrival(vault=vault(), kind=kind, at=NOW - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("arrivals", "ended", "unalerted"),
    [
        pytest.param([], failures(5), 5, id="five by the sweep and no alert ever"),
        pytest.param([], failures(4), 4, id="four may be of those that Azure raises none for"),
        pytest.param([alert(days_ago=3)], failures(5), 5, id="the newest alert came before them"),
        pytest.param([alert(days_ago=0.1)], failures(5), 0, id="an alert came after them"),
        pytest.param([alert(AlertKind.EVENT, days_ago=0.1)], failures(5), 0, id="an event did"),
        pytest.param([alert(AlertKind.TEST, days_ago=0.1)], failures(5), 5, id="a test says nothing of it"),
        pytest.param([], failures(5) + failures(1, Source.ALERT, days_ago=0), 0, id="an incident's alert"),
        pytest.param([], failures(5, Source.OPERATOR), 0, id="a person found them"),
    ],
)
def test_failures_without_an_alert_are_counted(
    arrivals: Sequence[Arrival], ended: Sequence[Closed], unalerted: int
) -> None:
    """Since the newest alert of the vault; from five on that is no coincidence."""
    [found] = alerts_by_vault(arrivals, ended, NOW)
    missing = unalerted >= MANY
    assert (found.unalerted, found.are_missing, bool(found.sentence)) == (unalerted, missing, missing)
    assert found.document["unalerted"] == unalerted


def test_an_alert_may_be_on_its_way() -> None:
    """What was found within the last hour is not counted yet."""
    just_now = [replace(each, opened_at=NOW - timedelta(minutes=50)) for each in failures(5, days_ago=0)]
    [found] = alerts_by_vault([], just_now, NOW)
    assert found.unalerted == 0


def test_vaults_with_missing_alerts_come_first() -> None:
    """Each with what is known of it."""
    other = Arrival(vault=vault("a-vault"), kind=AlertKind.LOG_ALERT, at=NOW)
    first, second = alerts_by_vault([other], failures(5), NOW)
    assert (first.vault.name, second.vault.name) == (vault().name, "a-vault")
    assert (first.heard, second.heard) == (None, NOW)
    assert second.document["log_alert"] == NOW.isoformat()
