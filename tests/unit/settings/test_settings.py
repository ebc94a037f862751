"""The settings: what is read, what stands where nothing is set, and that every bad value names its setting."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from backup_retry.domain.alert_dimensions import Dimensions, Meaning
from backup_retry.domain.errors import SettingsError
from backup_retry.policy.rules import Rules
from backup_retry.settings.clouds import CLOUDS
from backup_retry.settings.loading import load_settings
from backup_retry.settings.settings import Settings
from tests.builders import OTHER_SUBSCRIPTION, SUBSCRIPTION

LEDGER = "https://ledger.table.core.windows.net"


@pytest.fixture(autouse=True)
def _only_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which nothing is set but what has to be."""
    for name in Settings.model_fields:
        for variable in [each for each in os.environ if each.lower() == name]:
            monkeypatch.delenv(variable)
    monkeypatch.setenv("LEDGER_ENDPOINT", LEDGER)


def test_the_defaults_are_the_documented_ones() -> None:
    """Only the ledger has to be named."""
    settings = load_settings()

    assert settings.ledger_endpoint == LEDGER
    assert settings.cloud == CLOUDS["AzurePublic"]
    assert settings.swept_subscriptions == ()
    assert (settings.sweep_schedule, settings.sweep_lookback) == ("0 0 5 * * *", timedelta(hours=24))
    assert settings.follow_up_schedule == "0 */5 * * * *"


def test_the_default_rules_are_the_policys_own() -> None:
    """Backoff 0, 15 and 60 minutes, three attempts: in one place only."""
    assert load_settings().rules == Rules()


def test_the_ledger_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one setting without a default."""
    monkeypatch.delenv("LEDGER_ENDPOINT")

    with pytest.raises(SettingsError, match="LEDGER_ENDPOINT is not set"):
        load_settings()


def test_an_empty_setting_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deployment templates write empty strings."""
    monkeypatch.setenv("MAX_ATTEMPTS", "")
    assert load_settings().max_attempts == 3

    monkeypatch.setenv("LEDGER_ENDPOINT", "")
    with pytest.raises(SettingsError, match="LEDGER_ENDPOINT is not set"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEDGER_ENDPOINT", "http://ledger.example"),
        ("LEDGER_ENDPOINT", "ledger.example"),
        ("LEDGER_ENDPOINT", "https://"),
        ("ARM_ENDPOINT", "http://management.azure.com"),
        ("ARM_ENDPOINT", "https://management.azure.com:port"),
        ("HEARTBEAT_URL", "http://monitor.example/ping"),
        ("HEARTBEAT_URL", "https:///ping"),
        ("HEARTBEAT_URL", "https://monitor.example:port/ping"),
        ("HEARTBEAT_URL", "https://monitor.example:0/ping"),
        ("HEARTBEAT_URL", "https://[::1/ping"),
        ("AZURE_CLOUD", "Azure"),
        ("SCOPE_SUBSCRIPTIONS", "all"),
        ("SCOPE_SUBSCRIPTIONS", f"{SUBSCRIPTION},x"),
        ("SCOPE_SUBSCRIPTIONS", SUBSCRIPTION + "0"),
        ("SWEEP_SCHEDULE", "0 5 * * *"),
        ("SWEEP_SCHEDULE", "0 0 25 * * *"),
        ("SWEEP_SCHEDULE", "daily"),
        ("SWEEP_LOOKBACK", "a day"),
        ("SWEEP_LOOKBACK", "0s"),
        ("SWEEP_LOOKBACK", "-PT1H"),
        ("SWEEP_LOOKBACK", "15d"),
        ("SWEEP_LOOKBACK", "99999999999999d"),
        ("FOLLOW_UP_SCHEDULE", "*/5 * * * *"),
        ("RETRY_BACKOFF", "soon"),
        ("RETRY_BACKOFF", "0m, 15x"),
        ("RETRY_BACKOFF", ","),
        ("RETRY_BACKOFF", "0m, -PT15M"),
        ("MAX_ATTEMPTS", "0"),
        ("MAX_ATTEMPTS", "10"),
        ("MAX_ATTEMPTS", "three"),
        ("RETENTION", "6"),
        ("SCOPE_SUBSCRIPTIONS", "!all"),
        ("DAILY_CAP_VM", "-1"),
        ("DAILY_CAP_OTHERS", "25"),
        ("SCHEDULE_MARGIN", "-1h"),
        ("RETRY_HOURS", "evenings"),
        ("RETRY_HOURS", "20:00-06:00, 7-9"),
        ("RETRY_TIME_ZONE", "Mars/Olympus"),
        ("STORM_SIZE", "1"),
        ("STORM_WINDOW", "0s"),
        ("LOG_ALERT_DIMENSIONS", "RunId"),
        ("LOG_ALERT_DIMENSIONS", "machine: Computer"),
        ("LOG_ALERT_DIMENSIONS", "job: RunId; item: RunId"),
        ("DRY_RUN", "perhaps"),
        ("EVENTGRID_TOPIC_ENDPOINT", "http://topic.example"),
        ("RETENTION", "10000"),
        ("RETENTION", "forever"),
        ("CLAIM_LEASE", "0m"),
        ("CLAIM_LEASE", "never"),
        ("SETTLE_AFTER", "0m"),
        ("SETTLE_AFTER", "-PT5M"),
    ],
)
def test_a_bad_value_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The administrator reads which setting it is, by the name it is set under."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert name in str(caught.value)


@pytest.mark.parametrize("value", ["http://monitor.example/s3cret", "https://[s3cret"])
def test_a_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """What is wrong with it is said in logs and by the health answer; nor does the settings' own text show it."""
    monkeypatch.setenv("HEARTBEAT_URL", value)
    with pytest.raises(SettingsError, match="HEARTBEAT_URL: ") as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("HEARTBEAT_URL", "https://monitor.example/s3cret/")
    assert load_settings().heartbeat_url == "https://monitor.example/s3cret/"
    assert "s3cret" not in repr(load_settings())


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one after the other, start by start."""
    monkeypatch.setenv("MAX_ATTEMPTS", "0")
    monkeypatch.setenv("SWEEP_SCHEDULE", "daily")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert "MAX_ATTEMPTS" in str(caught.value)
    assert "SWEEP_SCHEDULE" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("36 h", timedelta(hours=36)),
        ("1.5H", timedelta(minutes=90)),
        ("14d", timedelta(days=14)),
        ("PT15M", timedelta(minutes=15)),
        ("P1D", timedelta(days=1)),
        (" 2h ", timedelta(hours=2)),
    ],
)
def test_durations_are_short_or_iso(monkeypatch: pytest.MonkeyPatch, value: str, expected: timedelta) -> None:
    """15m beside PT15M."""
    monkeypatch.setenv("SWEEP_LOOKBACK", value)

    assert load_settings().sweep_lookback == expected


@pytest.mark.parametrize("value", ["0s, 2m, 1h", "0s 2m 1h", "PT0S;PT2M;PT1H"])
def test_the_backoff_is_a_list_of_durations(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Separated by commas, semicolons or blanks."""
    monkeypatch.setenv("RETRY_BACKOFF", value)

    assert load_settings().rules.backoff == (timedelta(0), timedelta(minutes=2), timedelta(hours=1))


def test_the_rules_are_made_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them reaches the policy."""
    for name, value in {
        "RETRY_BACKOFF": "1m",
        "MAX_ATTEMPTS": "2",
        "CLAIM_LEASE": "7m",
        "SETTLE_AFTER": "16m",
        "RETENTION": "9",
    }.items():
        monkeypatch.setenv(name, value)

    assert load_settings().rules == Rules(
        backoff=(timedelta(minutes=1),),
        max_attempts=2,
        claim_lease=timedelta(minutes=7),
        settle_after=timedelta(minutes=16),
        retention=timedelta(days=9),
    )


@pytest.mark.parametrize(
    ("settle_after", "difference", "used", "noted"),
    [
        ("", "", 15, False),
        ("10m", "", 15, True),
        ("15m", "", 15, False),
        ("20m", "", 20, False),
        ("20m", "20m", 30, True),
        ("2m", "0s", 2, False),
    ],
)
def test_a_settling_time_that_clocks_do_not_allow_is_raised_and_noted(
    monkeypatch: pytest.MonkeyPatch, settle_after: str, difference: str, used: float, noted: bool
) -> None:
    """Not refused: version 0.1.0 took it, and an app that does not start retries nothing."""
    monkeypatch.setenv("SETTLE_AFTER", settle_after)
    monkeypatch.setenv("CLOCK_DIFFERENCE", difference)
    settings = load_settings()

    assert settings.rules.settle_after == timedelta(minutes=used)
    assert [note.partition("=")[0] for note in settings.notes] == (["SETTLE_AFTER"] if noted else [])


def test_without_subscriptions_everything_visible_is_in_scope() -> None:
    """The identity's own roles are the border."""
    assert load_settings().scope.allows_subscription(SUBSCRIPTION)


def test_with_subscriptions_only_those_are_in_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every casing."""
    monkeypatch.setenv("SCOPE_SUBSCRIPTIONS", f" {SUBSCRIPTION.upper()} ,")
    settings = load_settings()

    assert settings.swept_subscriptions == (SUBSCRIPTION,)
    assert settings.scope.allows_subscription(SUBSCRIPTION.upper())
    assert not settings.scope.allows_subscription(OTHER_SUBSCRIPTION)


def test_a_trailing_slash_of_an_endpoint_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal shows table endpoints with one."""
    monkeypatch.setenv("LEDGER_ENDPOINT", LEDGER + "/")

    assert load_settings().ledger_endpoint == LEDGER


def test_settings_cannot_be_changed() -> None:
    """One frozen object a process."""
    settings = load_settings()

    with pytest.raises(ValueError, match="frozen"):
        settings.max_attempts = 9


def test_dimensions_are_added_to_the_built_in_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a log search alert may name besides."""
    assert load_settings().dimensions == Dimensions()
    monkeypatch.setenv("LOG_ALERT_DIMENSIONS", "job: RunId; vault: Tresor")

    assert load_settings().dimensions.added == {"RunId": Meaning.JOB, "Tresor": Meaning.VAULT}


@pytest.mark.parametrize(("days", "kept"), [("0", None), ("15", 15), ("90", 90), ("3650", 3650)])
def test_closed_incidents_are_kept_for_days_or_for_ever(
    monkeypatch: pytest.MonkeyPatch, days: str, kept: int | None
) -> None:
    """Nought is for ever."""
    monkeypatch.setenv("KEEP_DAYS", days)

    assert load_settings().incident_retention == (timedelta(days=kept) if kept else None)


@pytest.mark.parametrize("days", ["1", "14", "-1", "3651", "many"])
def test_what_azure_still_shows_is_not_forgotten(monkeypatch: pytest.MonkeyPatch, days: str) -> None:
    """A failed job is shown for 14 days: forgotten earlier, it would be taken for new."""
    monkeypatch.setenv("KEEP_DAYS", days)

    with pytest.raises(SettingsError, match="KEEP_DAYS"):
        load_settings()


def test_a_sweep_ends_before_the_host_ends_it() -> None:
    """With time for what is under way."""
    host = json.loads((Path(__file__).parents[3] / "host.json").read_text(encoding="utf-8"))
    hours, minutes, seconds = (int(part) for part in host["functionTimeout"].split(":"))
    ended = timedelta(hours=hours, minutes=minutes, seconds=seconds)

    assert load_settings().sweep_time_limit <= ended - timedelta(minutes=5)
