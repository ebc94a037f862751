"""A sweep by name: when it runs, from when to when, and what it looks at."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, model_validator
from pydantic_settings import NoDecode

from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.ledger import Beat
from backup_retry.settings.named_entries import NamedEntry, entries_of
from backup_retry.settings.setting_types import Lookback, NameList, Ncrontab, SubscriptionList

#: the one that SWEEP_SCHEDULE and SWEEP_LOOKBACK describe
DAILY = "daily"
#: the one of every hour, and the one after a silence: light ones, for what never reached the app
LOOK_BACK, AFTER_SILENCE = "look_back", "after_silence"
_RESERVED = {
    DAILY: "reserved for the sweep of SWEEP_SCHEDULE",
    LOOK_BACK: "reserved for the sweep of LOOK_BACK_SCHEDULE",
    AFTER_SILENCE: "reserved for the sweep that runs when the follow-up stops",
}
_DAY = timedelta(days=1)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("must be a letter, then letters, digits and _ (a to z), at most 31 characters")
    if value in _RESERVED:
        raise ValueError(f"{value} is {_RESERVED[value]}")
    return value


class SweepProfile(NamedEntry):
    """One entry of SWEEP_PROFILES."""

    name: Annotated[str, AfterValidator(_name)]
    schedule: Ncrontab
    #: before it starts and from its expiry on, the timer fires and nothing is swept
    starts: AwareDatetime | None = None
    expires: AwareDatetime | None = None
    #: empty: all that the app's own scope allows
    subscriptions: SubscriptionList = ()
    vaults: NameList = ()
    workloads: NameList = ()
    lookback: Lookback = timedelta(hours=24)

    @model_validator(mode="after")
    def _expires_after_it_starts(self) -> Self:
        if self.starts and self.expires and self.expires <= self.starts:
            raise ValueError("expires before it starts")
        return self

    @property
    def function(self) -> str:
        """The name of its timer's function in Azure, and of its turn."""
        return "sweep" if self.name == DAILY else f"sweep_{self.name}"

    @property
    def beat(self) -> str:
        """The name of its heartbeat: how far one profile has looked says nothing about another."""
        return Beat.SWEEP if self.name == DAILY else f"{Beat.SWEEP}-{self.name}"

    @property
    def incomplete_beat(self) -> str:
        """The name of what is left instead by a sweep that could not look at everything."""
        return Beat.INCOMPLETE_SWEEP if self.name == DAILY else f"{Beat.INCOMPLETE_SWEEP}-{self.name}"

    @property
    def first_beat(self) -> str:
        """The name of how far back its first sweep looked: until one is complete, no later one looks less far."""
        return Beat.FIRST_SWEEP if self.name == DAILY else f"{Beat.FIRST_SWEEP}-{self.name}"

    @property
    def furthest(self) -> timedelta:
        """How far back it looks at most where one was missed or left something out; the daily sweep does the rest."""
        return _DAY if self.name == LOOK_BACK else JOB_RETENTION

    @property
    def scope(self) -> Scope:
        """What it looks at; the app's own scope counts besides."""
        return Scope(
            subscriptions=Names(patterns=self.subscriptions),
            vaults=Names(patterns=self.vaults),
            workloads=Names(patterns=self.workloads),
        )

    def in_season(self, now: datetime) -> bool:
        """True from its start to its expiry."""
        return (self.starts is None or self.starts <= now) and (self.expires is None or now < self.expires)


SweepProfiles = Annotated[tuple[SweepProfile, ...], NoDecode, BeforeValidator(entries_of(SweepProfile))]


def daily(schedule: str = "0 0 5 * * *", lookback: timedelta = timedelta(hours=24)) -> SweepProfile:
    """The profile that is always there; nothing else may have its name."""
    return SweepProfile.model_construct(name=DAILY, schedule=schedule, lookback=lookback)


def look_back(schedule: str = "") -> SweepProfile:
    """The light sweep of each hour: what has just failed and never reached the app."""
    return SweepProfile.model_construct(name=LOOK_BACK, schedule=schedule, lookback=timedelta(hours=2))


def after_silence() -> SweepProfile:
    """The sweep of what ended while nothing was followed up; it has no timer."""
    return SweepProfile.model_construct(name=AFTER_SILENCE, schedule="", lookback=timedelta(0))
