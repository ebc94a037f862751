"""What a sweep saw and did, and how the log tells it."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backup_retry.engine.unit_of_work import Report
from backup_retry.ports.log_events import FIELD_BYTES, LogEvent, log_event

#: what a field of the log has room for, less what tells how many problems are left out
_LOGGED_CHARACTERS = FIELD_BYTES - 200


@dataclass(kw_only=True)
class SweepReport:
    """What a sweep saw and did."""

    profile: str
    began: datetime
    since: datetime
    found: int = 0
    #: how many of those found have been looked at, or announced
    seen: int = 0
    #: how often the engine decided what
    decisions: Counter[str] = field(default_factory=Counter)
    #: what the engine made of each failure; empty where nobody wants to read it
    handled: list[Report] = field(default_factory=list)
    #: vaults that the time limit has left to the next sweep
    vaults_left: int = 0
    #: True when it has left rows of Resource Graph unread
    rows_left: bool = False
    #: how often something went wrong that nobody foresaw
    faults: int = 0
    #: what could not be looked at, and why
    problems: list[str] = field(default_factory=list)

    @property
    def out_of_time(self) -> bool:
        """True when the time limit has left something."""
        return bool(self.vaults_left or self.rows_left)

    @property
    def complete(self) -> bool:
        """True when nothing was left out: only then does the next sweep start where this one ended."""
        return not self.problems

    def end(self) -> None:
        """Say what the time limit has left, if it has."""
        if not self.out_of_time:
            return
        more = " and those that Resource Graph had not listed yet" if self.rows_left else ""
        self.problems.append(
            f"The time limit is reached: {self.seen} of {self.found} failed jobs were processed, "
            f"{self.vaults_left} vaults{more} are left. The next sweep continues."
        )

    def log(self) -> None:
        """Write the sweep's last line."""
        log_event(
            LogEvent.SWEEP_COMPLETED if self.complete else LogEvent.SWEEP_INCOMPLETE,
            level=logging.INFO if self.complete else logging.ERROR,
            profile=self.profile,
            since=self.since,
            found=self.found,
            seen=self.seen,
            decisions=self.decisions,
            faults=self.faults or None,
            problems=list(_fitting(self.problems)),
        )


def _fitting(problems: Sequence[str]) -> Iterator[str]:
    """As many problems as one line holds, and how many more there are; the last one is always told."""
    *others, last = problems or [""]
    last = last[: _LOGGED_CHARACTERS // 6]
    room = _LOGGED_CHARACTERS - _written(last)
    for number, problem in enumerate(others):
        room -= _written(problem) + len(", ")
        if room < 0:
            yield f"… and {len(others) - number} more problems"
            break
        yield problem
    if last:
        yield last


def _written(text: str) -> int:
    """How long it is in the line, where a letter beyond ASCII takes six characters."""
    return len(json.dumps(text))
