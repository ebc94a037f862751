"""What a person sees of the night: what fails, how each failure ends, and the totals; all times are UTC."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.incident import Incident
from demo.scenario import Failure, Night
from demo.verdict import Row, Verdict

WIDTH = 80
_COLOURS = {
    "recovered": "green",
    "recovered_elsewhere": "green",
    "left_alone": "cyan",
    "needs_action": "yellow",
    "exhausted": "yellow",
}
_ENDS = {
    "recovered": "Recovered: {retries}",
    "recovered_elsewhere": "Recovered by another backup; no retry needed",
    "left_alone": "No action taken: a person cancelled the backup",
    "needs_action": "Action required: {error}",
    "exhausted": "Retries exhausted: {retries} ({error})",
}
_RESULTS = {
    AttemptResult.COMPLETED: "succeeded",
    AttemptResult.THROTTLED: "throttled by Azure",
    AttemptResult.NO_JOB: "never started",
}
#: how the alert of a failure arrives, in the order of the story
_ALERTS = ("once", "twice", "late", "never")
_NAMES_FROM, _TEXT_FROM = 10, 20
#: a terminal that leaves less than this wraps by itself
_NARROWEST = 20


class Story:
    """Tells the night as it goes on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def begins(self, night: Night, at: datetime) -> None:
        """The backups have started: which ones fail, by how Azure Monitor reports them."""
        items, vaults, failures = len(night.items), len(night.vaults), night.failures.values()
        told = f"{items} nightly backups start in {vaults} vaults; {len(failures)} fail. Their alerts arrive"
        self._print(_clock(at), told, "bold", _NAMES_FROM)
        for arrival in _ALERTS:
            names = sorted(each.item for each in failures if _arrival(each) == arrival)
            self._print(f"{'':<12}{arrival + ':':<8}", ", ".join(names), "default", _TEXT_FROM)

    def sweeps(self, at: datetime) -> None:
        """The daily sweep has been started."""
        told = "The daily sweep starts: it finds the failures that no alert reported."
        self._print(_clock(at), told, "bold", _NAMES_FROM)

    def tell(self, verdict: Verdict) -> None:
        """Each failure whose incident has been closed since the last call."""
        closed = [row for row in verdict.rows if row.closed_at and row.job not in self._told]
        for row in sorted(closed, key=lambda each: each.closed_at or each.failed_at):
            self._end(row)

    def ends(self, verdict: Verdict) -> None:
        """Whatever has not ended by now, and the totals."""
        self.tell(verdict)
        for row in verdict.rows:
            if row.job not in self._told:
                self._end(row)
        for line in totals(verdict):
            self._print("", line, "bold", 0)

    def _end(self, row: Row) -> None:
        self._told.add(row.job)
        text, style = how_it_ended(row), _COLOURS.get(row.outcome, "red")
        if not row.as_expected:
            expect = row.failure.expect
            text += f" - expected: {expect.outcome}, retries: {expect.attempts}, found by: {expect.found_by}"
            style = "bold red"
        self._print(f"{_clock(row.closed_at):<8}  {row.failure.item:<8}", text, style, _TEXT_FROM)

    def _print(self, beginning: str, text: str, style: str, indent: int) -> None:
        """A line, and what does not fit into it below its text."""
        first = f"{beginning:<{indent}}"
        room = max(_NARROWEST, self._console.width - len(first))
        for number, line in enumerate(textwrap.wrap(text, room, drop_whitespace=True) or [""]):
            shown = Text(first if number == 0 else " " * len(first))
            self._console.print(shown.append(line, style=style), soft_wrap=True)


def how_it_ended(row: Row) -> str:
    """A failure's end in one sentence."""
    incident = row.incident
    if incident is None:
        return "Missed: the app does not know of it"
    if incident.outcome is None:
        return f"Not closed: {incident.state.value}"
    told = _ENDS[incident.outcome.value].format(retries=_retries(incident), error=row.failure.error)
    return told + _circumstance(row.failure)


def totals(verdict: Verdict) -> Sequence[str]:
    """The night in two lines: what became of the failures, and what Azure's own record says about the retries."""
    outcomes = Counter(row.outcome for row in verdict.rows)
    not_retried = outcomes["recovered_elsewhere"] + outcomes["left_alone"]
    failures = (
        f"{len(verdict.rows)} failures: {outcomes['recovered']} recovered by a retry; "
        f"{not_retried} correctly not retried; {len(verdict.missed)} missed."
    )
    retries = (
        f"{outcomes['needs_action'] + outcomes['exhausted']} items need your attention. "
        f"Azure's job list: {verdict.triggers_seen_by_azure} retries; {len(verdict.double_triggers)} duplicates."
    )
    return failures, retries


def _arrival(failure: Failure) -> str:
    """How the alert comes; Azure Monitor raises none for a cancelled backup."""
    return "never" if failure.cancelled or failure.alert == "lost" else failure.alert


def _retries(incident: Incident) -> str:
    return ", ".join(f"retry {each.number} {_result(each)}" for each in incident.attempts)


def _result(attempt: Attempt) -> str:
    return _RESULTS.get(attempt.result, attempt.result.value)


def _circumstance(failure: Failure) -> str:
    if failure.trigger == "answer lost":
        return " (response lost)"
    return f" ({failure.retry_is} instead of {failure.backup})" if failure.retry_is else ""


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S}" if at else ""
