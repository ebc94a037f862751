"""A group of items by name: when they are retried, how often, and until when."""

from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from backup_retry.domain.time_zones import time_zone
from backup_retry.policy.hours import Hours, Window, time_of_day
from backup_retry.policy.profiles import Profile
from backup_retry.policy.rules import Rules
from backup_retry.settings.named_entries import NamedEntry, entries_of
from backup_retry.settings.setting_types import Deadline, TimeZone, Windows

#: characters that a tag's value has in Azure at most
_LONGEST = 256


def deadline_of(text: str) -> time | None:
    """The time of day in a setting; None where it is empty."""
    return time_of_day(text) if text else None


def _name(value: str) -> str:
    folded = value.strip().casefold()
    if not folded or len(folded) > _LONGEST:
        raise ValueError(f"is not a valid tag value: use 1 to {_LONGEST} characters")
    return folded


class RetryProfile(NamedEntry):
    """One entry of RETRY_PROFILES; what it leaves out holds as the settings have it."""

    #: the value of the tag `backup-retry-profile`, without case
    name: Annotated[str, AfterValidator(_name)]
    hours: Windows = ()
    #: of the hours and of the deadline
    time_zone: TimeZone = ""
    attempts: int = Field(default=0, ge=1, le=9)
    deadline: Deadline = ""

    def over(self, rules: Rules) -> Profile:
        """The whole profile, completed by the rules of the settings; an empty text means "at any hour", "none"."""
        own, given = self, self.model_fields_set
        windows = tuple(map(Window.parse, own.hours)) if "hours" in given else rules.hours.windows
        zone = time_zone(own.time_zone) if own.time_zone else rules.hours.zone
        deadline = deadline_of(own.deadline) if "deadline" in given else rules.deadline
        return Profile(
            max_attempts=own.attempts or rules.max_attempts,
            hours=Hours(windows=windows, zone=zone),
            deadline=deadline,
        )


RetryProfiles = Annotated[tuple[RetryProfile, ...], NoDecode, BeforeValidator(entries_of(RetryProfile))]
