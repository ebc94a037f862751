"""Alerts of metric rules on backup health."""

from collections.abc import Mapping, Sequence

import pytest

from backup_retry.domain.jobs import Source
from reactor.alerts import parse_alert
from reactor.signals import Ignored, Signal
from tests.builders import item
from tests.payloads import payload
from tests.rule_alerts_world import fired
from tests.signal_reading import (
    DISK,
    DISKS,
    MACHINE_ID,
    THE_DISK,
    THE_VAULT,
    THE_VM,
    VAULT,
    VM,
    Says,
    says,
    why_not,
)


def metric(*criteria: Mapping[str, object], targets: Sequence[str] = (VAULT.id,)) -> Signal | Ignored:
    """What a metric alert on backup health is read as."""
    return parse_alert(fired("metric_alert_backup_health", *criteria, targets=targets), Source.ALERT)


# ---- metric alerts -------------------------------------------------------------------------------------------------

UNHEALTHY = {"healthStatus": "Persistent Unhealthy"}


@pytest.mark.parametrize(
    ("names", "targets", "expected"),
    [
        ({"backupInstanceUrl": VM.id}, [VAULT.id], THE_VM),
        ({"BACKUPINSTANCEURL": DISK.id.upper()}, [DISKS.id], THE_DISK),
        ({"backupInstanceUrl": VM.id}, [], THE_VM),
        ({"backupInstanceUrl": VM.id}, [DISKS.id], Says(DISKS.key)),
        ({"dataSourceURL": MACHINE_ID}, [VAULT.id], Says(VAULT.key, resource=MACHINE_ID.lower())),
        ({"dataSourceURL": MACHINE_ID}, [], Says(resource=MACHINE_ID.lower())),
        ({"backupInstanceUrl": "vm-01"}, [VAULT.id], THE_VAULT),
        ({}, [VAULT.id], THE_VAULT),
    ],
)
def test_backup_health_names_an_item_or_else_the_vault(
    names: Mapping[str, object], targets: Sequence[str], expected: Says
) -> None:
    """The metric knows no jobs."""
    assert says(metric({**UNHEALTHY, **names}, targets=targets)) == expected


def test_the_condition_that_is_not_healthy_counts() -> None:
    """A rule may have several."""
    healthy = {"healthStatus": "Healthy", "backupInstanceUrl": item(2).id}
    assert says(metric(healthy, {**UNHEALTHY, "backupInstanceUrl": VM.id})) == THE_VM


@pytest.mark.parametrize("status", ["Healthy", "healthy"])
def test_healthy_is_no_failure(status: str) -> None:
    """A rule without that dimension fires for every backup that ends well, too."""
    assert "Healthy" in why_not(metric({"healthStatus": status, "backupInstanceUrl": VM.id}))


def test_a_metric_alert_that_names_nothing_is_ignored() -> None:
    """Neither an item nor a vault."""
    assert "no item or vault" in why_not(metric(UNHEALTHY, targets=["/subscriptions/x"]))


@pytest.mark.parametrize("name", ["Transactions", "StorageHealthEvent", None])
def test_another_metric_is_ignored(name: str | None) -> None:
    """It says which metric came."""
    alert = payload("metric_alert_backup_health")
    alert["data"]["alertContext"]["condition"]["allOf"][0]["metricName"] = name
    assert f"an alert on {name or '?'}" in why_not(parse_alert(alert, Source.ALERT))


@pytest.mark.parametrize("dimensions_of", [{}, UNHEALTHY, {**UNHEALTHY, "backupInstanceUrl": VM.id}])
def test_an_alert_on_restores_leads_to_the_vault(dimensions_of: Mapping[str, object]) -> None:
    """The metric knows no jobs, and its item would lead to failed backups."""
    alert = fired("metric_alert_backup_health", dimensions_of, targets=[VAULT.id])
    alert["data"]["alertContext"]["condition"]["allOf"][0]["metricName"] = "RestoreHealthEvent"
    assert says(parse_alert(alert, Source.ALERT)) == THE_VAULT
