"""Policies of backup vaults: their backup rules, schedules and retention tags."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from azure.mgmt.dataprotection import models

from backup_retry.azure.data_protection_wire import read_policy
from backup_retry.domain.schedule import BackupPolicy, Repeating
from tests.data_protection_answers import REST, Json, body_of
from tests.payloads import payload
from tests.recorded import needs_recordings


def policy_of(row: Json) -> BackupPolicy:
    """A policy as the adapter reads it."""
    return read_policy(models.BaseBackupPolicyResource(row).properties or {})


# ---- policies ----------------------------------------------------------------------------------------------

BERLIN = ZoneInfo("Europe/Berlin")


def repeated(start: str, **period: int) -> Repeating:
    """A schedule that starts then."""
    return Repeating(start=datetime.fromisoformat(start), period=timedelta(**period))


FOUR_HOURS = repeated("2020-04-05T13:00:00+00:00", hours=4)
WEEKLY = repeated("2026-03-01T20:00:00+01:00", weeks=1)
DAILY = repeated("2026-03-01T02:00:00+01:00", days=1)
VAULTED = repeated("2023-06-28T07:30:00+00:00", days=1)
OURS = {
    "every four hours": BackupPolicy(
        schedules={"backuphourly": (FOUR_HOURS,), "": (FOUR_HOURS,)},
        base_retention=timedelta(days=7),
        rules={"BackupHourly": "Default"},
    ),
    "weekly and daily": BackupPolicy(
        schedules={"backupweekly": (WEEKLY,), "backupdaily": (DAILY,), "": (WEEKLY, DAILY)},
        zone=BERLIN,
        base_retention=timedelta(days=90),
        rules={"BackupWeekly": "Default", "BackupDaily": "Daily"},
    ),
    "operational only": BackupPolicy(schedules={"": ()}, rules={}),
    "two stores": BackupPolicy(
        schedules={"backupdaily": (VAULTED,), "": (VAULTED,)},
        base_retention=timedelta(days=7),
        rules={"BackupDaily": "Default"},
    ),
    "on demand only": BackupPolicy(schedules={"backupadhoc": (), "": ()}, rules={"BackupAdHoc": "Default"}),
    "unreadable schedule": BackupPolicy(rules={"BackupDaily": "Default"}),
    "unknown zone": BackupPolicy(rules={"BackupDaily": "Default"}),
    "bare": BackupPolicy(),
}


@pytest.mark.parametrize("name", payload("data_protection/policies"))
def test_policies_of_all_kinds_are_read(name: str) -> None:
    """Rules by name with their tags; a schedule that cannot be read takes no rule with it."""
    read = policy_of({"name": "x", "properties": payload("data_protection/policies")[name]})
    assert replace(read, problem="") == OURS[name]
    assert bool(read.problem) is (name in {"unreadable schedule", "unknown zone", "bare"})


@pytest.mark.parametrize(
    "properties", [{}, {"policyRules": None}, {"policyRules": []}, {"policyRules": [None]}]
)
def test_a_policy_without_any_rule_says_nothing(properties: Json) -> None:
    """It is no proof that there is nothing to run: each of Azure's has at least a rule of how long to keep things."""
    assert read_policy(properties) == BackupPolicy(problem="It has no rules.")


@pytest.mark.parametrize(
    ("criterion", "long_term"),
    [
        ({"absoluteCriteria": ["FirstOfDay"]}, False),
        ({"absoluteCriteria": ["FirstOfWeek"]}, False),
        ({"daysOfTheWeek": ["Sunday"], "monthsOfYear": None}, False),
        ({"absoluteCriteria": ["FirstOfMonth"]}, True),
        ({"absoluteCriteria": ["FirstOfYear"]}, True),
        ({"weeksOfTheMonth": ["First"], "daysOfTheWeek": ["Sunday"]}, True),
        ({"daysOfMonth": [{"date": 1, "isLast": False}], "monthsOfYear": ["January"]}, True),
    ],
)
def test_tags_of_months_and_years_are_told_apart(criterion: Json, long_term: bool) -> None:
    """By what they are given to, whatever they are called."""
    tagged = [
        {"isDefault": True, "tagInfo": {"tagName": "Default"}, "taggingPriority": 99},
        {"isDefault": False, "tagInfo": {"tagName": "Kept"}, "criteria": [criterion], "taggingPriority": 20},
    ]
    rule = {"objectType": "AzureBackupRule", "name": "Nightly", "trigger": {"taggingCriteria": tagged}}
    read = read_policy({"policyRules": [rule]})
    assert read.long_term_tags == (frozenset({"Kept"}) if long_term else frozenset())


def test_a_daily_run_keeps_its_hour_in_the_policys_zone() -> None:
    """02:00 in Berlin is 01:00 UTC in winter and midnight UTC in summer."""
    policy = OURS["weekly and daily"]
    for after, run in (
        (datetime(2026, 3, 20, 12, tzinfo=UTC), datetime(2026, 3, 21, 1, tzinfo=UTC)),
        (datetime(2026, 7, 20, 12, tzinfo=UTC), datetime(2026, 7, 21, 0, tzinfo=UTC)),
    ):
        assert policy.next_run(after, "BackupDaily") == run
    assert DAILY.start.time() == time(2, 0)


@needs_recordings
@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("dpp_disk__put_policy__every_4_hours", OURS["every four hours"]),
        ("dpp_blob__put_policy__vaulted_daily", OURS["two stores"]),
    ],
)
def test_recorded_policies_are_read_as_they_stand(name: str, policy: BackupPolicy) -> None:
    """Two retention rules may have one name: the one of the store that is written to counts."""
    assert policy_of(body_of(name)) == policy


@needs_recordings
def test_the_specifications_policy_is_read() -> None:
    """Of two tags the default one; its offset stands where no zone is named."""
    body = json.loads((REST / "dpp_policy_spec.json").read_text(encoding="utf-8"))
    weekly = repeated("2019-11-20T08:00:00-08:00", weeks=1)
    assert policy_of(body) == BackupPolicy(
        schedules={"backupweekly": (weekly,), "": (weekly,)},
        base_retention=timedelta(weeks=1),
        rules={"BackupWeekly": "Default"},
    )
