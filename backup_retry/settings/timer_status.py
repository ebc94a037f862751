"""Whether the timers have run when they should have, and whether the sweeps saw everything: values in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from backup_retry.ports.ledger import Beat, gave_up, known, stood_in, stopped
from backup_retry.settings.ncrontab import turn_before, turns_before
from backup_retry.settings.settings import Settings
from backup_retry.settings.sweep_profile import DAILY, SweepProfile, after_silence, look_back

#: a timer may start late, and clocks differ
_GRACE = timedelta(minutes=15)
#: so many turns of a timer without a run are a silence
_SILENT = 3
#: a timer of seconds that is a moment late is no silence
_LEAST_SILENCE = timedelta(minutes=2)
#: between the second clock's word and the beginning of the run that it starts
_START = timedelta(minutes=2)


class TimerState(StrEnum):
    """How a timer stands."""

    WELL = "well"
    #: its newest turn has passed without a run
    LATE = "late"
    #: it does not fire: the second clock has started its newest turn
    STOPPED = "stopped"
    #: it has begun and died, and so did each that was started in its place
    DIED = "died"
    #: its newest run left something out
    INCOMPLETE = "incomplete"
    #: its first turn is still to come
    NOT_YET = "not_yet"
    #: it has expired
    OVER = "over"


@dataclass(frozen=True, kw_only=True)
class Timer:
    """What its heartbeats say about a timer."""

    #: in a person's words: sweep, follow-up, sweep prod_hourly
    label: str
    schedule: str
    #: when its last complete run began
    last: datetime | None
    #: when a later run began that left something out
    incomplete: datetime | None
    #: True: its newest turn has brought no complete run
    late: bool
    state: TimerState
    #: before that it is not to run
    starts: datetime | None = None
    #: since when it has not fired, while the second clock starts its turns
    stopped: datetime | None = None

    @property
    def function(self) -> str:
        """The name of its function in Azure, such as sweep_prod_hourly."""
        return self.label.replace("-", "_").replace(" ", "_")

    @property
    def name(self) -> str:
        """The label, of the one sweep that has no name of its own as well: daily sweep."""
        return "daily sweep" if self.label == "sweep" else self.label

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs: `state`, `schedule`, `last`, `late`, `incomplete`, `stopped`; times in ISO 8601."""
        return {
            "state": self.state.value,
            "schedule": self.schedule,
            "last": self.last.isoformat() if self.last else None,
            "late": self.late,
            "incomplete": self.incomplete.isoformat() if self.incomplete else None,
            "stopped": self.stopped.isoformat() if self.stopped else None,
        }

    @property
    def is_overdue(self) -> bool:
        """True where its newest turn has passed and nobody has run it."""
        return self.state is TimerState.LATE or (self.state is TimerState.STOPPED and self.late)

    @property
    def needs_a_person(self) -> bool:
        """True where it does not do what it should."""
        return self.state in _SENTENCES

    @property
    def trouble(self) -> str:
        """What is wrong with it in a word: overdue, stopped, failing or incomplete; "" where nothing is."""
        return _TROUBLES.get(self.state, self.state.value) if self.needs_a_person else ""

    @property
    def sentence(self) -> str:
        """What is wrong with it; "" where nothing is."""
        since = f"{self.stopped:%Y-%m-%d %H:%M} UTC" if self.stopped else ""
        return _SENTENCES[self.state].format(self.name, since) if self.needs_a_person else ""

    @property
    def remedy(self) -> str:
        """What a person should do about it, with code between backticks; "" where nothing is to do."""
        return _REMEDIES[self.state].format(self.function) if self.needs_a_person else ""


_TROUBLES = {TimerState.LATE: "overdue", TimerState.DIED: "failing"}
_SENTENCES = {
    TimerState.LATE: "The {} is overdue.",
    TimerState.STOPPED: "The timer of the {} has not fired since {}. An Azure Monitor alert rule starts it instead.",
    TimerState.DIED: "The last {} failed each time it was started.",
    TimerState.INCOMPLETE: "The last {} did not complete.",
}
_REMEDIES = {
    TimerState.LATE: "Check that the app is running, and look for errors of the function `{}` in Application Insights.",
    TimerState.STOPPED: "Its work starts some minutes late. Restart the app; if the function `{}` still does not run, "
    "redeploy it, or open a support request with Azure.",
    TimerState.DIED: "Look for what stops the worker, such as too little memory or `functionTimeout`, in the log of "
    "the function `{}`. The next run tries again.",
    TimerState.INCOMPLETE: "The log says what it left out: "
    "`AppTraces | where Message has 'sweep_incomplete'`. The next complete run catches up.",
}


def is_silent(schedule: str, last: datetime | None, now: datetime) -> bool:
    """True where three turns have come since a timer last ran: one that never ran has been silent from the first."""
    if last is None:
        return True
    third_last = turns_before(schedule, now, _SILENT)
    return third_last is not None and last < third_last and now - last >= _LEAST_SILENCE


def overdue(settings: Settings, beats: Mapping[str, datetime], now: datetime) -> Sequence[Timer]:
    """The timers that have missed turns, and do so for long enough that somebody else has to start their work."""
    follow_up = settings.follow_up_schedule
    return [
        each
        for each in timers(settings, beats, now)
        if (is_silent(follow_up, each.last, now) if each.function == Beat.FOLLOW_UP else each.is_overdue)
    ]


def _stopped(function: str, last: datetime | None, beats: Mapping[str, datetime]) -> datetime | None:
    """Since when a timer has not fired, where the second clock has started its newest turn."""
    started = beats.get(stood_in(function))
    fired = started is None or (last is not None and last >= started + _START)
    return None if fired else beats.get(stopped(function))


def timers(settings: Settings, beats: Mapping[str, datetime], now: datetime) -> Sequence[Timer]:
    """The daily sweep, the follow-up, then every other sweep; `beats` as Reports.beats has them.

    The sweep after a silence has no timer: it is among them while it has left something out.
    """
    last = beats.get(Beat.FOLLOW_UP)
    follow_up = timer(
        "follow-up",
        settings.follow_up_schedule,
        now,
        last=last,
        stopped=_stopped(Beat.FOLLOW_UP, last, beats),
        known=beats.get(known(Beat.FOLLOW_UP)),
    )
    daily, *others = (
        timer(
            "sweep" if profile.name == DAILY else f"sweep {profile.name}",
            profile.schedule,
            now,
            last=beats.get(profile.beat),
            incomplete=beats.get(profile.incomplete_beat),
            died=beats.get(gave_up(profile.function)),
            stopped=_stopped(
                profile.function,
                max(
                    filter(None, (beats.get(profile.beat), beats.get(profile.incomplete_beat))), default=None
                ),
                beats,
            ),
            known=beats.get(known(profile.function)),
            profile=profile,
            takes=settings.sweep_time_limit,
        )
        for profile in (*settings.timed_sweeps, *_left_open(beats))
    )
    return [daily, follow_up, *others]


def _left_open(beats: Mapping[str, datetime]) -> Sequence[SweepProfile]:
    """The sweep after a silence, where it left something out that no other sweep has made up for."""
    silence = after_silence()
    left = beats.get(silence.incomplete_beat)
    whole = [beats[name] for name in (silence.beat, look_back().beat, Beat.SWEEP) if name in beats]
    return [silence] if left is not None and all(at < left for at in whole) else []


def timer(
    label: str,
    schedule: str,
    now: datetime,
    *,
    last: datetime | None,
    incomplete: datetime | None = None,
    died: datetime | None = None,
    stopped: datetime | None = None,
    known: datetime | None = None,
    profile: SweepProfile | None = None,
    takes: timedelta = timedelta(0),
) -> Timer:
    """How a timer stands; `schedule` is NCRONTAB, in UTC.

    A heartbeat holds the time at which its run began and is left when the run ends: within `takes`. One that never ran
    has missed no turn before it was `known`.
    """
    starts = profile.starts if profile else None
    ran = max(filter(None, (last, incomplete)), default=None)
    first = max(filter(None, (starts, None if ran else known)), default=None)
    turn = turn_before(schedule, now - _GRACE - takes)
    due = None if turn is None or (first and turn < first) else turn
    if profile and profile.expires and profile.expires <= now:
        state = TimerState.OVER
    elif starts and due is None and (ran is None or ran < starts):
        state = TimerState.NOT_YET
    elif stopped:
        state = TimerState.STOPPED
    elif died and (ran is None or ran < died):
        state = TimerState.DIED
    elif _missed(due, ran):
        state = TimerState.LATE
    else:
        state = TimerState.INCOMPLETE if ran and ran == incomplete else TimerState.WELL
    return Timer(
        label=label,
        schedule=schedule,
        last=last,
        incomplete=incomplete if ran == incomplete else None,
        late=_missed(due, last) and state is not TimerState.OVER,
        state=state,
        starts=starts,
        stopped=stopped if state is TimerState.STOPPED else None,
    )


def _missed(due: datetime | None, run: datetime | None) -> bool:
    return due is not None and (run is None or run < due - _GRACE)
