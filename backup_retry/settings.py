"""The app's settings: one frozen object, read from the environment once and validated at start."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from croniter import croniter
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backup_retry.errors import SettingsError
from backup_retry.hours import Hours, Window
from backup_retry.policy import JOB_RETENTION, Rules
from backup_retry.scope import REFUSE, Names, Scope
from backup_retry.time_zones import time_zone

_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SHORT_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[smhd])", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_NCRONTAB_FIELDS = 6
#: days that Azure keeps an on-demand recovery point of a VM at least and at most
_SHORTEST, _LONGEST = 7, 9999


def _duration(value: object) -> object:
    """15m, 24h, 14d beside the ISO 8601 durations (PT15M) that pydantic reads itself."""
    match = _SHORT_DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        return timedelta(**{_UNITS[match["unit"].lower()]: float(match["number"])}) if match else value
    except OverflowError as error:
        raise ValueError("is longer than any time can be") from error


def _words(value: object) -> object:
    return [word for word in re.split(r"[,;\s]+", value) if word] if isinstance(value, str) else value


def _ncrontab(value: str) -> str:
    if len(value.split()) != _NCRONTAB_FIELDS or not croniter.is_valid(value, second_at_beginning=True):
        raise ValueError("is no NCRONTAB expression: it takes six fields, seconds first, such as 0 0 5 * * *")
    return value


def _https(value: str) -> str:
    url = urlsplit(value)
    if url.scheme != "https" or not url.hostname:
        raise ValueError("is no https address, such as https://management.azure.com")
    return value.rstrip("/")


def _optional_https(value: str) -> str:
    return _https(value) if value else value


def _subscriptions(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _SUBSCRIPTION.fullmatch(value.removeprefix(REFUSE)):
            raise ValueError(f"{value!r} is no subscription id")
    return tuple(value.lower() for value in values)


def _list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _windows(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        Window.parse(value)
    return values


def _zone(value: str) -> str:
    time_zone(value)
    return value


def _retention(value: object) -> timedelta | None:
    if value is None or (isinstance(value, str) and value.strip().lower() == "policy"):
        return None
    text = str(value).strip().lower().removesuffix("d")
    if not text.isdecimal() or not _SHORTEST <= int(text) <= _LONGEST:
        raise ValueError(f"is neither policy nor a number of days from {_SHORTEST} to {_LONGEST}")
    return timedelta(days=int(text))


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("has to be nothing or longer")
    return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("has to be longer than nothing")
    return value


def _lookback(value: timedelta) -> timedelta:
    if value > JOB_RETENTION:
        raise ValueError("reaches back further than the 14 days that Azure keeps jobs")
    return _positive(value)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Ncrontab = Annotated[str, AfterValidator(_ncrontab)]
HttpsUrl = Annotated[str, AfterValidator(_https)]
NotNegative = Annotated[Duration, AfterValidator(_not_negative)]
NameList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_list)]
DailyCap = Annotated[int, Field(ge=0, le=24)]


class Settings(BaseSettings):
    """What an administrator can set; every field's environment variable is its name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    ledger_endpoint: HttpsUrl = Field(
        description="Table endpoint of the storage account that holds the ledger. Required."
    )
    arm_endpoint: HttpsUrl = Field(
        default="https://management.azure.com",
        description="Azure Resource Manager; another one for a sovereign cloud.",
    )
    scope_subscriptions: Annotated[NameList, AfterValidator(_subscriptions)] = Field(
        default=(),
        description="Subscription ids that may be touched, or with `!` not; signals of others are refused. "
        "Empty: all that the identity sees.",
    )
    scope_resource_groups: NameList = Field(
        default=(),
        description="Resource groups (of vault or machine) that may be touched, or with `!` not. Empty: all.",
    )
    scope_vaults: NameList = Field(
        default=(),
        description="Vaults that may be touched, or with `!` not; `*` and `?` as in file names. Empty: all.",
    )
    scope_workloads: NameList = Field(
        default=(), description="Workloads that may be touched, or with `!` not: `VM`. Empty: all."
    )
    sweep_schedule: Ncrontab = Field(
        default="0 0 5 * * *", description="When the sweep runs (NCRONTAB, UTC)."
    )
    sweep_lookback: Annotated[Duration, AfterValidator(_lookback)] = Field(
        default=timedelta(hours=24),
        description="How far back a sweep looks at least; a missed sweep is caught up by the next.",
    )
    follow_up_schedule: Ncrontab = Field(
        default="0 */5 * * * *", description="When open incidents are followed up (NCRONTAB, UTC)."
    )
    retry_backoff: Annotated[tuple[NotNegative, ...], NoDecode, BeforeValidator(_words)] = Field(
        default=(timedelta(0), timedelta(minutes=15), timedelta(minutes=60)),
        min_length=1,
        description="Wait before attempt 1, 2, 3 …, counted from the failure before it.",
    )
    max_attempts: int = Field(default=3, ge=1, le=9, description="Most retries of one incident.")
    daily_cap_vm: DailyCap = Field(
        default=3, description="Most retries of a VM in 24 hours, over all its incidents."
    )
    daily_cap_files: DailyCap = Field(default=6, description="The same for a file share.")
    daily_cap_databases: DailyCap = Field(default=3, description="The same for a database.")
    daily_cap_others: DailyCap = Field(default=3, description="The same for any other item.")
    schedule_margin: NotNegative = Field(
        default=timedelta(hours=1),
        description="An item whose own schedule runs within this time is left to it.",
    )
    retry_hours: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_list), AfterValidator(_windows)] = (
        Field(
            default=(),
            description="Hours in which retries may start, such as `20:00-06:00`; several are separated by commas. "
            "Empty: always.",
        )
    )
    retry_time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="Time zone of `RETRY_HOURS`, by its IANA or Windows name."
    )
    storm_size: int = Field(
        default=20,
        ge=2,
        description="So many items of a vault that fail alike are a storm: one is retried first.",
    )
    storm_window: PositiveDuration = Field(
        default=timedelta(minutes=30), description="Within this time failures count as simultaneous."
    )
    retention: Annotated[timedelta | None, BeforeValidator(_retention)] = Field(
        default=None,
        description="A retry's recovery point is kept as long as the item's policy keeps a daily one (`policy`), "
        "or this many days (7 to 9999).",
    )
    dry_run: bool = Field(
        default=False, description="Everything but the trigger: incidents say what would have been done."
    )
    eventgrid_topic_endpoint: Annotated[str, AfterValidator(_optional_https)] = Field(
        default="", description="Event Grid topic that outcomes are published to. Empty: none."
    )
    claim_lease: PositiveDuration = Field(
        default=timedelta(minutes=5),
        description="How long a claim may stay unanswered before its process counts as dead.",
    )
    settle_after: PositiveDuration = Field(
        default=timedelta(minutes=10),
        description="How long a retry's job may take to appear before it counts as never started.",
    )

    @property
    def rules(self) -> Rules:
        """The policy's numbers."""
        return Rules(
            backoff=self.retry_backoff,
            max_attempts=self.max_attempts,
            claim_lease=self.claim_lease,
            settle_after=self.settle_after,
            retention=self.retention,
            daily_caps=self._daily_caps,
            schedule_margin=self.schedule_margin,
            hours=Hours(
                windows=tuple(Window.parse(each) for each in self.retry_hours),
                zone=time_zone(self.retry_time_zone),
            ),
            storm_size=self.storm_size,
            storm_window=self.storm_window,
            scope=self.scope,
            dry_run=self.dry_run,
        )

    @property
    def scope(self) -> Scope:
        """What this app may touch."""
        return Scope(
            subscriptions=Names(patterns=self.scope_subscriptions),
            resource_groups=Names(patterns=self.scope_resource_groups),
            vaults=Names(patterns=self.scope_vaults),
            workloads=Names(patterns=self.scope_workloads),
        )

    @property
    def swept_subscriptions(self) -> tuple[str, ...]:
        """The subscriptions that the sweep asks about; none: all that the identity can see."""
        return tuple(each for each in self.scope_subscriptions if not each.startswith(REFUSE))

    @property
    def _daily_caps(self) -> dict[str, int]:
        return {
            "VM": self.daily_cap_vm,
            "AzureFileShare": self.daily_cap_files,
            "SQLDataBase": self.daily_cap_databases,
            "SAPHanaDatabase": self.daily_cap_databases,
            "": self.daily_cap_others,
        }


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings from the environment.

    Raises:
        SettingsError: one or more settings are missing or wrong; the message names each.
    """
    try:
        return Settings(**dict(overrides or {}))
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors()]
        raise SettingsError("Settings: " + "; ".join(problems)) from error


def _problem(detail: Any) -> str:  # noqa: ANN401 (pydantic's ErrorDetails)
    name = str(detail["loc"][0]).upper() if detail["loc"] else "?"
    if detail["type"] == "missing":
        return f"{name} is not set"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{name}={detail['input']!r}: {message}"
