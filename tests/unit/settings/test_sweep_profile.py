"""Sweep profiles: read from one setting, and refused with the profile and the field that are wrong."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from backup_retry.domain.errors import SettingsError
from backup_retry.policy.scope import Names
from backup_retry.ports.ledger import Beat
from backup_retry.settings.loading import load_settings
from backup_retry.settings.settings import Settings
from backup_retry.settings.sweep_profile import SweepProfile
from tests.builders import SUBSCRIPTION

HOURLY = {"name": "hourly", "schedule": "0 0 * * * *"}
SEASON = {"starts": "2026-12-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z"}


def settings(*profiles: object, **others: object) -> Settings:
    """The settings with these profiles."""
    return load_settings(
        {"ledger_endpoint": "https://ledger.test", "sweep_profiles": json.dumps(profiles), **others}
    )


def test_without_profiles_there_is_the_daily_sweep_alone() -> None:
    """Of SWEEP_SCHEDULE and SWEEP_LOOKBACK, with the heartbeat that it always had."""
    found = load_settings({"ledger_endpoint": "https://ledger.test", "sweep_lookback": "36h"})
    assert found.sweep_profiles == ()
    daily = found.daily_sweep
    assert (daily.name, daily.schedule, daily.lookback) == ("daily", "0 0 5 * * *", timedelta(hours=36))
    assert daily.beat == Beat.SWEEP


def test_a_profile_says_when_and_where_it_looks() -> None:
    """Lists may be text, too; a lookback is written as everywhere."""
    entry = HOURLY | SEASON | {"subscriptions": [SUBSCRIPTION], "vaults": "prod-*,!prod-lab"}
    (profile,) = settings(entry | {"workloads": ["VM"], "lookback": "2h"}).sweep_profiles
    assert (profile.beat, profile.lookback) == ("sweep-hourly", timedelta(hours=2))
    assert profile.scope.subscriptions == Names(patterns=(SUBSCRIPTION,))
    assert profile.scope.vaults == Names(patterns=("prod-*", "!prod-lab"))
    assert profile.scope.workloads == Names(patterns=("VM",))
    assert profile.starts == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("month", "day", "expected"),
    [(11, 30, False), (12, 1, True), (12, 31, True), (1, 1, False)],
)
def test_a_profile_has_a_season(month: int, day: int, expected: bool) -> None:
    """From its start on, and no longer on its expiry."""
    profile = SweepProfile.model_validate(HOURLY | SEASON)
    assert profile.in_season(datetime(2027 if month == 1 else 2026, month, day, tzinfo=UTC)) == expected


def test_a_profile_without_dates_is_always_in_season() -> None:
    """As the daily one is."""
    assert SweepProfile.model_validate(HOURLY).in_season(datetime(1999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param({"name": "Hourly!"}, "profile Hourly!: name: must be a letter", id="name"),
        pytest.param({"name": "a" * 32}, f"profile {'a' * 32}: name", id="long name"),
        pytest.param(
            {"name": "daily"}, "profile daily: name: daily is reserved for the sweep of", id="the daily one"
        ),
        pytest.param(
            {"schedule": "hourly"}, "profile hourly: schedule: is not an NCRONTAB schedule", id="schedule"
        ),
        pytest.param({"schedule": None}, "profile hourly: schedule:", id="no schedule"),
        pytest.param({"starts": "soon"}, "profile hourly: starts:", id="starts"),
        pytest.param({"starts": "2026-12-01T00:00:00"}, "profile hourly: starts:", id="not a time zone"),
        pytest.param(
            {"starts": SEASON["expires"], "expires": SEASON["starts"]},
            "profile hourly: expires before it starts",
            id="expires",
        ),
        pytest.param({"subscriptions": ["prod"]}, "subscriptions: 'prod' is not a subscription ID", id="id"),
        pytest.param({"lookback": "15d"}, "profile hourly: lookback: exceeds the 14 days", id="lookback"),
        pytest.param({"colour": "red"}, "profile hourly: colour:", id="unknown field"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_name_and_field(entry: dict[str, object], said: str) -> None:
    """Before anything runs."""
    with pytest.raises(SettingsError) as caught:
        settings(HOURLY | {"name": "fine"}, HOURLY | entry)
    assert "SWEEP_PROFILES" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ('{"name": "hourly"}', "is not a JSON array"),
        ("[7]", "profile 1:"),
        (json.dumps([HOURLY, HOURLY]), "profile hourly: the name is used twice"),
    ],
)
def test_what_is_no_list_of_profiles_is_refused(text: str, said: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(SettingsError, match=said):
        load_settings({"ledger_endpoint": "https://ledger.test", "sweep_profiles": text})


def test_announcing_needs_a_topic_and_knows_no_workloads() -> None:
    """Both are said at start, not found out at five in the morning."""
    with pytest.raises(SettingsError, match="needs EVENTGRID_TOPIC_ENDPOINT"):
        settings(sweep_dispatch="eventgrid")
    topic = {"sweep_dispatch": "eventgrid", "eventgrid_topic_endpoint": "https://topic.test"}
    with pytest.raises(SettingsError, match="profile hourly: workloads"):
        settings(HOURLY | {"workloads": ["VM"]}, **topic)
    assert settings(HOURLY, **topic).sweep_profiles[0].name == "hourly"
