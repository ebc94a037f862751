"""Policies as the vaults send them: when backups are made, and how long they are kept."""

from typing import Any

import pytest

from simulator.data_protection import vault_wire
from simulator.estate.estate_file import EstateError, EstateFile
from simulator.estate.inventory import Vault
from simulator.recovery_services import policy_wire
from tests.clock import Clock

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
AKS = "Microsoft.ContainerService/managedClusters"
Json = dict[str, Any]


def built(policy: Json, kind: str = "recovery_services") -> Vault:
    """A vault with a policy."""
    vault = {"subscription": SUBSCRIPTION, "resource_group": "rg", "name": "v", "kind": kind}
    estate = {"subscriptions": [{"id": SUBSCRIPTION}], "vaults": [vault | {"policies": [policy]}]}
    [found] = EstateFile.read(estate).build(Clock()()).vaults
    return found


def shown(**policy: Any) -> Json:
    """What a Recovery Services vault sends of a policy."""
    vault = built({"name": "Own", **policy})
    properties: Json = policy_wire.policy(vault.policies[-1], vault)["properties"]
    return properties


def test_a_weekly_policy_keeps_whole_weeks() -> None:
    """And the first backup of a month for longer, where that is wanted."""
    said = shown(frequency="Weekly", run_days=["Friday"], retention_days=80, retention_months=12)
    assert (said["schedulePolicy"]["scheduleRunFrequency"], said["schedulePolicy"]["scheduleRunDays"]) == (
        "Weekly",
        ["Friday"],
    )
    kept = said["retentionPolicy"]
    assert kept["weeklySchedule"]["retentionDuration"] == {"count": 12, "durationType": "Weeks"}
    assert kept["monthlySchedule"]["retentionDuration"] == {"count": 12, "durationType": "Months"}
    assert "dailySchedule" not in kept


def test_an_hourly_policy_for_vms_is_of_the_second_version() -> None:
    """It has an interval and a window instead of times."""
    said = shown(frequency="Hourly", interval_hours=6, window_hours=12, run_time="08:00")
    window = {
        "interval": 6,
        "scheduleWindowStartTime": "2022-05-13T08:00:00Z",
        "scheduleWindowDuration": 12,
    }
    assert (said["policyType"], said["schedulePolicy"]) == (
        "V2",
        {
            "schedulePolicyType": "SimpleSchedulePolicyV2",
            "scheduleRunFrequency": "Hourly",
            "hourlySchedule": window,
        },
    )


@pytest.mark.parametrize(
    ("workload", "days", "kinds"),
    [
        ("SQLDataBase", {"differential_days": ["Monday"]}, ["Full", "Differential", "Log"]),
        ("SAPHanaDatabase", {"incremental_days": ["Monday"]}, ["Full", "Incremental", "Log"]),
    ],
)
def test_a_policy_for_databases_has_a_schedule_for_each_kind(
    workload: str, days: Json, kinds: list[str]
) -> None:
    """Each with its own days."""
    parts = shown(workload=workload, frequency="Weekly", log_minutes=15, **days)["subProtectionPolicy"]
    assert [each["policyType"] for each in parts] == kinds
    assert [each["schedulePolicy"].get("scheduleRunDays") for each in parts] == [["Sunday"], ["Monday"], None]


def test_tagged_snapshots_may_go_to_the_vault_as_well() -> None:
    """The first of each day has the tag, and a rule with two stores."""
    policy = {"name": "Own", "workload": AKS, "retention_tag": "Daily", "vault_days": 84}
    vault = built(policy, kind="backup")
    rules = vault_wire.policy(vault.policies[0], vault)["properties"]["policyRules"]
    backup, _, daily = rules
    assert [each["tagInfo"]["tagName"] for each in backup["trigger"]["taggingCriteria"]] == [
        "Daily",
        "Default",
    ]
    assert [each["sourceDataStore"]["dataStoreType"] for each in daily["lifecycles"]] == [
        "OperationalStore",
        "VaultStore",
    ]


@pytest.mark.parametrize(
    ("policy", "kind", "why"),
    [
        ({"incremental_days": ["Monday"]}, "recovery_services", "VM has no incremental_days"),
        (
            {"workload": "SQLDataBase", "incremental_days": ["Monday"]},
            "recovery_services",
            "no incremental_days",
        ),
        ({"workload": "SQLDataBase", "frequency": "Hourly"}, "recovery_services", "no Hourly backups"),
        ({"frequency": "Weekly"}, "backup", "period says it"),
        ({"vault_days": 84}, "backup", "is for a retention_tag"),
        ({"vault_days": 84, "retention_tag": "Daily"}, "recovery_services", "of a Backup vault"),
    ],
)
def test_a_policy_that_no_vault_has_is_refused(policy: Json, kind: str, why: str) -> None:
    """The reason says what does not fit."""
    with pytest.raises(EstateError, match=why):
        built({"name": "Own", **policy}, kind=kind)
