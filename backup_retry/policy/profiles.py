"""Retries by group: production may want other hours and an earlier end than test."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from backup_retry.domain.tags import PROFILE, Tag
from backup_retry.policy.hours import Hours


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What holds for a group; what it does not say itself stands here as the settings have it."""

    max_attempts: int
    hours: Hours
    #: no retry starts after it, see `policy.deadline`; None: there is none
    deadline: time | None = None

    @property
    def in_words(self) -> str:
        """Its numbers, for an incident's story."""
        retries = "1 retry" if self.max_attempts == 1 else f"{self.max_attempts} retries"
        ends = f", none after {self.deadline:%H:%M}" if self.deadline else ""
        return f"{retries} at most, {self.hours.in_words}{ends} ({self.hours.zone.key})"


def profile_held(tag: Tag | None, profiles: Mapping[str, Profile]) -> str:
    """Which profile holds, and by which tag, for an incident's story; an unknown name is said."""
    if tag is None:
        return "The profile tag was removed: the app's settings apply."
    named = f"{PROFILE} = {tag.value} on {tag.resource_id}"
    known = profiles.get(tag.value)
    return (
        f"{named}: {known.in_words}."
        if known
        else f"{named} is not in RETRY_PROFILES: the app's settings apply."
    )
