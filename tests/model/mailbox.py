"""The mails of a simulated month: the alert rules of `watch.bicep`, evaluated over the lines that the app wrote.

A mail is a row of a rule's query, over the rule's window, as often as the rule is evaluated; a row that the evaluation
before had as well is no further mail, since rules are stateful. Rows are told apart by the rule's dimensions.
"""

import json
import logging
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from tests.bicep_files import BICEP
from tests.log_tables import QUERIES, LogLine, LogTables
from tests.model.agenda import Agenda

_RULE = re.compile(
    r"name: '(?P<name>[\w-]+)'.*?alerts/(?P<query>\w+)\.kql'.*?every: 'PT(?P<every>\w+)'.*?"
    r"window: 'PT(?P<window>\w+)'.*?dimensions: (?P<dimensions>\[.*?\]|\w+)",
    re.DOTALL,
)
_EVENT = re.compile(r'"event": "(\w+)"')
#: rules that tell of backups; the others watch the app itself, whose host is not in the model
_OF_BACKUPS = frozenset({"incident_closed", "notice_given", "storm_began", "storm_needs_person"})


@dataclass(frozen=True)
class Rule:
    """An alert rule."""

    name: str
    query: str
    every: timedelta
    window: timedelta
    dimensions: Sequence[str]

    @property
    def events(self) -> frozenset[str]:
        """The events whose lines its query reads."""
        text = (QUERIES / "alerts" / f"{self.query}.kql").read_text(encoding="utf-8")
        return frozenset(_EVENT.findall(text))


def rules() -> list[Rule]:
    """The rules that tell of backups, as they are deployed."""
    text = (BICEP / "modules" / "watch.bicep").read_text(encoding="utf-8")
    named: dict[str, str] = dict(re.findall(r"^var (\w+) = (\[.*\])$", text, re.MULTILINE))
    found = [
        Rule(
            match["name"],
            match["query"],
            _duration(match["every"]),
            _duration(match["window"]),
            re.findall(r"'(\w+)'", named.get(match["dimensions"]) or match["dimensions"]),
        )
        for match in _RULE.finditer(text)
    ]
    return [rule for rule in found if rule.events & _OF_BACKUPS]


def _duration(iso: str) -> timedelta:
    """Of the end of an ISO 8601 duration: 15M, 1H."""
    unit = {"M": "minutes", "H": "hours"}[iso[-1]]
    return timedelta(**{unit: int(iso[:-1])})


class _Lines(logging.Handler):
    """Keeps what is written, at virtual times."""

    def __init__(self, agenda: Agenda, events: frozenset[str]) -> None:
        super().__init__()
        self._agenda, self._events = agenda, events
        self.lines: list[LogLine] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        message = record.getMessage()
        event = _EVENT.search(message)
        if event and event[1] in self._events:
            self.lines.append(LogLine(at=self._agenda.time, message=message))


@contextmanager
def written(agenda: Agenda) -> Iterator[list[LogLine]]:
    """The lines that the app writes meanwhile and that a rule of backups reads."""
    logger = logging.getLogger("backup_retry")
    handler = _Lines(agenda, frozenset().union(*(rule.events for rule in rules())))
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


class Mail(NamedTuple):
    """An e-mail, by what tells a person which cause it is of."""

    rule: str
    vault: str
    error: str
    #: of the rule's evaluation
    day: date


def mails(lines: Sequence[LogLine]) -> list[Mail]:
    """The mails that the rules send over these lines."""
    sent: list[Mail] = []
    for rule in rules():
        read = sorted(
            (line for line in lines if json.loads(line.message)["event"] in rule.events),
            key=lambda line: line.at,
        )
        sent += _mails_of(rule, read)
    return sent


def _mails_of(rule: Rule, lines: Sequence[LogLine]) -> Iterator[Mail]:
    if not lines:
        return
    times, tables = [line.at for line in lines], LogTables(lines)
    fired, now = set[tuple[str, ...]](), lines[0].at + rule.every
    while now <= times[-1] + rule.window:
        rows = tables.run(f"alerts/{rule.query}", now, rule.window) if _any(times, now, rule.window) else []
        fires = {tuple(str(row[name]) for name in rule.dimensions) for row in rows}
        for new in fires - fired:
            said = dict(zip(rule.dimensions, new, strict=True))
            yield Mail(rule.name, said["vault"], said["error"], now.date())
        fired, now = fires, now + rule.every
    tables.close()


def _any(times: Sequence[datetime], now: datetime, window: timedelta) -> bool:
    return bisect_left(times, now - window) < bisect_right(times, now)
