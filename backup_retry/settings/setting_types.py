"""What settings are made of: durations, schedules, lists and addresses, read from text and validated."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from backup_retry.domain.alert_dimensions import Dimensions
from backup_retry.domain.time_zones import time_zone
from backup_retry.policy.hours import Window, time_of_day
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.policy.scope import REFUSE
from backup_retry.settings.clouds import cloud_name
from backup_retry.settings.ncrontab import check_schedule

_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SHORT_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[smhd])", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
#: days that Azure keeps an on-demand recovery point of a VM at least and at most
_SHORTEST, _LONGEST = 7, 9999

#: what is forgotten earlier could be taken for new while Azure still shows it
_FEWEST_DAYS = 15


def _duration(value: object) -> object:
    """15m, 24h, 14d in addition to the ISO 8601 durations (PT15M) that pydantic reads itself."""
    match = _SHORT_DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        return timedelta(**{_UNITS[match["unit"].lower()]: float(match["number"])}) if match else value
    except OverflowError as error:
        raise ValueError("is too long") from error


def _words(value: object) -> object:
    return [word for word in re.split(r"[,;\s]+", value) if word] if isinstance(value, str) else value


def _https(value: str) -> str:
    url = urlsplit(value)
    if url.scheme != "https" or not url.hostname or url.port == 0:
        raise ValueError("is not an https URL")
    return value.rstrip("/")


def _optional_schedule(value: str) -> str:
    return check_schedule(value) if value else value


def _optional_https(value: str) -> str:
    return _https(value) if value else value


def _whole_https(value: str) -> str:
    """An address that is taken as it stands: of a monitor's, even a slash at the end may matter."""
    _optional_https(value)
    return value


def _subscriptions(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _SUBSCRIPTION.fullmatch(value.removeprefix(REFUSE)):
            raise ValueError(f"{value!r} is not a subscription ID")
    return tuple(value.lower() for value in values)


def _list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _windows(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        Window.parse(value)
    return values


def _deadline(value: str) -> str:
    if value:
        time_of_day(value)
    return value


def _dimensions(value: str) -> str:
    Dimensions.parse(value)
    return value


def _zone(value: str) -> str:
    time_zone(value)
    return value


def _retention(value: object) -> timedelta | None:
    if value is None or (isinstance(value, str) and value.strip().lower() == "policy"):
        return None
    text = str(value).strip().lower().removesuffix("d")
    if not text.isdecimal() or not _SHORTEST <= int(text) <= _LONGEST:
        raise ValueError(f"is not `policy` or a number of days from {_SHORTEST} to {_LONGEST}")
    return timedelta(days=int(text))


def _keep_days(value: int) -> int:
    if 0 < value < _FEWEST_DAYS:
        raise ValueError(f"is not 0 or at least {_FEWEST_DAYS}: Azure keeps a failed job for 14 days")
    return value


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("must not be negative")
    return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be positive")
    return value


def _lookback(value: timedelta) -> timedelta:
    if value > JOB_RETENTION:
        raise ValueError("exceeds the 14 days for which Azure keeps jobs")
    return _positive(value)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Ncrontab = Annotated[str, AfterValidator(check_schedule)]
OptionalNcrontab = Annotated[str, AfterValidator(_optional_schedule)]
HttpsUrl = Annotated[str, AfterValidator(_https)]
CloudName = Annotated[str, AfterValidator(cloud_name)]
NotNegative = Annotated[Duration, AfterValidator(_not_negative)]
OptionalHttpsUrl = Annotated[str, AfterValidator(_optional_https)]
OptionalWholeUrl = Annotated[str, AfterValidator(_whole_https)]
NameList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_list)]
SubscriptionList = Annotated[NameList, AfterValidator(_subscriptions)]
Lookback = Annotated[Duration, AfterValidator(_lookback)]
Backoff = Annotated[tuple[NotNegative, ...], NoDecode, BeforeValidator(_words)]
Windows = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_list), AfterValidator(_windows)]
DimensionNames = Annotated[str, AfterValidator(_dimensions)]
Deadline = Annotated[str, AfterValidator(_deadline)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Retention = Annotated[timedelta | None, BeforeValidator(_retention)]
KeepDays = Annotated[int, Field(ge=0, le=3650), AfterValidator(_keep_days)]
DailyCap = Annotated[int, Field(ge=0, le=24)]
#: set to an empty text they are switched off; any other one has its default then
_EMPTY_IS_OFF = frozenset({"look_back_schedule"})


def emptied(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that are switched off by an empty text, which pydantic takes for unset."""
    return {
        name.lower(): "" for name, value in environment.items() if not value and name.lower() in _EMPTY_IS_OFF
    }
