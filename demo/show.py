"""What a person sees of the night: its events as they happen, one table, one line of totals."""

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from backup_retry.domain.arm_ids import ProtectedItem
from demo.verdict import Row, Verdict

_EVENT = re.compile(r"backup_retry: (\{.*\})$")
_COLOURS = {
    "recovered": "green",
    "recovered_elsewhere": "green",
    "left_alone": "cyan",
    "needs_action": "yellow",
    "exhausted": "yellow",
}
_WORDS = {
    "failure_noted": "failed: {detail}",
    "retry_triggered": "retry {attempts} started",
    "retry_unclear": "no clear answer to retry {attempts}: asking the vault before anything else",
    "retry_throttled": "Azure is busy: waiting as long as it asks",
    "retry_found": "the vault shows the job of retry {attempts}",
    "retry_ended": "retry {attempts}: {detail}",
    "incident_closed": "closed: {outcome} ({reason})",
}


class Story:
    """Tells the app's log as it grows."""

    def __init__(self, log_file: Path, console: Console) -> None:
        self._log_file = log_file
        self._console = console
        self._read = 0

    def tell(self, elapsed: float) -> None:
        """Print what has happened since the last call."""
        with self._log_file.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith("\n"):
                    break
                self._read += len(line.encode("utf-8", errors="replace"))
                self._tell_line(line.rstrip(), elapsed)

    def _tell_line(self, line: str, elapsed: float) -> None:
        found = _EVENT.search(line)
        event = json.loads(found[1]) if found else {}
        words = _WORDS.get(event.get("event", ""))
        if words is None:
            return
        item = ProtectedItem.parse(event["item"])
        name = item.friendly_name if item else event["item"]
        text = words.format_map(Counter() | event)
        colour = _COLOURS.get(event.get("outcome", ""), "default")
        self._console.print(f"[dim]{elapsed:5.1f} s[/]  {name:<8}  [{colour}]{text}[/]", highlight=False)


def table(verdict: Verdict) -> Table:
    """One line per failed backup."""
    grid = Table("item", "error", "heard from", "attempts", "outcome", "after", title="One bad night")
    for row in sorted(verdict.rows, key=lambda each: (each.outcome, each.failure.item)):
        grid.add_row(*_cells(row), style=None if row.as_expected else "bold red")
    return grid


def _cells(row: Row) -> list[str]:
    incident = row.incident
    outcome = row.outcome if row.as_expected else f"{row.outcome} (expected {row.failure.expect})"
    return [
        row.failure.item,
        row.failure.error,
        incident.found_by.value if incident else "nobody",
        str(len(incident.attempts)) if incident else "0",
        f"[{_COLOURS.get(row.outcome, 'red')}]{outcome}[/]",
        _seconds(row.time_to_recovery),
    ]


def _seconds(time: timedelta | None) -> str:
    return f"{time.total_seconds():.1f} s" if time else ""


def totals(verdict: Verdict, seconds: float) -> str:
    """The night in one line."""
    outcomes = Counter(row.outcome for row in verdict.rows)
    people = outcomes["needs_action"] + outcomes["exhausted"]
    return (
        f"{len(verdict.rows)} failed backups: {outcomes['recovered']} recovered by a retry, "
        f"{outcomes['recovered_elsewhere'] + outcomes['left_alone']} rightly left alone, {people} need a person. "
        f"Azure saw {verdict.triggers_seen_by_azure} triggers, {len(verdict.double_triggers)} doubled; "
        f"{len(verdict.missed)} failures missed; {seconds:.0f} s."
    )
