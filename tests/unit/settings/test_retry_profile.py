"""Retry profiles: hours, attempts and a deadline for a group, completed by the settings."""

import json
from datetime import time

import pytest

from backup_retry.domain.errors import SettingsError
from backup_retry.policy.hours import Window
from backup_retry.policy.rules import Rules
from backup_retry.settings.loading import load_settings

PRODUCTION = {
    "name": "Production",
    "hours": "20:00-06:00",
    "time_zone": "W. Europe Standard Time",
    "attempts": 2,
    "deadline": "06:00",
}
COMMON = {"retry_hours": "18:00-08:00", "retry_deadline": "07:30", "retry_time_zone": "Asia/Tokyo"}


def rules(*profiles: object, **others: object) -> Rules:
    """The policy's numbers with these profiles."""
    said = {"retry_profiles": json.dumps(profiles), **others}
    return load_settings({"ledger_endpoint": "https://ledger.test", **said}).rules


def test_a_profile_has_hours_attempts_and_a_deadline_of_its_own() -> None:
    """By its name without case, on the clock of its place."""
    found = rules(PRODUCTION).of_profile("production")
    assert (found.max_attempts, found.deadline) == (2, time(6))
    assert (found.hours.windows, found.hours.zone.key) == ((Window.parse("20:00-06:00"),), "Europe/Berlin")


@pytest.mark.parametrize(
    ("entry", "attempts", "hours", "zone", "deadline"),
    [
        ({}, 3, "18:00-08:00", "Asia/Tokyo", "07:30"),
        ({"attempts": 1}, 1, "18:00-08:00", "Asia/Tokyo", "07:30"),
        ({"time_zone": "Europe/Paris"}, 3, "18:00-08:00", "Europe/Paris", "07:30"),
        ({"hours": ["01:00-02:00", "03:00-04:00"]}, 3, "01:00-02:00, 03:00-04:00", "Asia/Tokyo", "07:30"),
        # said to have none, although the settings have some
        ({"hours": "", "deadline": ""}, 3, "at any hour", "Asia/Tokyo", None),
    ],
)
def test_what_a_profile_leaves_out_holds_as_the_settings_have_it(
    entry: dict[str, object], attempts: int, hours: str, zone: str, deadline: str | None
) -> None:
    """An empty text is no omission."""
    found = rules({"name": "test", **entry}, **COMMON).of_profile("test")
    assert (found.max_attempts, found.hours.in_words, found.hours.zone.key) == (attempts, hours, zone)
    assert (f"{found.deadline:%H:%M}" if found.deadline else None) == deadline


@pytest.mark.parametrize("name", ["", "produktion"])
def test_who_names_no_known_profile_has_the_settings(name: str) -> None:
    """A slip on a tag changes nothing."""
    common = rules(PRODUCTION, **COMMON)
    assert common.of_profile(name) is common


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ('{"production": {}}', "is not a JSON array"),
        ('[{"hours": "20:00-06:00"}]', "profile 1: name: Field required"),
        ('[{"name": " "}]', "name: is not a valid tag value"),
        ('[{"name": "a"}, {"name": "A"}]', "profile a: the name is used twice"),
        ('[{"name": "a", "hours": "night"}]', "profile a: hours: 'night' is not a time window"),
        ('[{"name": "a", "deadline": "6 am"}]', "profile a: deadline: '6 am' is not a time of day"),
        ('[{"name": "a", "deadline": "25:00"}]', "profile a: deadline: '25:00' is not a time of day"),
        ('[{"name": "a", "deadline": 6}]', "profile a: deadline:"),
        ('[{"name": "a", "time_zone": "Mars"}]', "profile a: time_zone:"),
        ('[{"name": "a", "attempts": 0}]', "profile a: attempts:"),
        ('[{"name": "a", "attempts": 10}]', "profile a: attempts:"),
        ('[{"name": "a", "max_attempts": 2}]', "profile a: max_attempts:"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_name_and_field(text: str, said: str) -> None:
    """Before anything runs."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"ledger_endpoint": "https://ledger.test", "retry_profiles": text})
    assert "RETRY_PROFILES" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("retry_mode", "perhaps", "RETRY_MODE='perhaps'"),
        ("retry_deadline", "late", "RETRY_DEADLINE='late': 'late' is not a time of day"),
    ],
)
def test_a_wrong_mode_or_deadline_is_refused(name: str, value: str, said: str) -> None:
    """With the setting and its value."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"ledger_endpoint": "https://ledger.test", name: value})
    assert said in str(caught.value)
