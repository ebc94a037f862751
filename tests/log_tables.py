"""The table AppTraces of a Log Analytics workspace, filled from the log of the Functions host, and queries on it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb_kql

from tests.bicep_files import BICEP

QUERIES = BICEP / "queries"
#: as Application Insights numbers severities
_SEVERITIES = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "ERROR": 3, "CRITICAL": 4}
_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (?P<level>[A-Z]+) (?P<logger>[\w.]+): (?P<text>.*)"
)


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A row of AppTraces."""

    at: datetime
    message: str
    severity: int = 1


def read_log(file: Path) -> list[LogLine]:
    """The lines of a host's log; what does not look like one, such as a traceback, belongs to the line before."""
    lines: list[LogLine] = []
    for written in file.read_text(encoding="utf-8").splitlines():
        match = _LINE.fullmatch(written)
        if match:
            at = datetime.strptime(match["at"], "%Y-%m-%d %H:%M:%S,%f").astimezone(UTC)
            lines.append(LogLine(at=at, message=match["text"], severity=_SEVERITIES[match["level"]]))
    return lines


def queries() -> Sequence[Path]:
    """Every query of the alert rules and the workbook."""
    return sorted(QUERIES.rglob("*.kql"))


class LogTables:
    """A workspace in memory, in which it is as late as the caller says."""

    def __init__(self, lines: Iterable[LogLine]) -> None:
        self._connection = duckdb_kql.connect()
        self._connection.execute(
            "CREATE TABLE AppTraces (TimeGenerated TIMESTAMP, Message VARCHAR, SeverityLevel INTEGER)"
        )
        rows = [(line.at.astimezone(UTC).replace(tzinfo=None), line.message, line.severity) for line in lines]
        if rows:
            self._connection.executemany("INSERT INTO AppTraces VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Let the memory go."""
        self._connection.close()

    def run(
        self, query: str, now: datetime, window: timedelta = timedelta(days=30)
    ) -> list[Mapping[str, Any]]:
        """The rows of `alerts/name` or `workbook/name`, over the lines of so long a time before `now`."""
        text = (QUERIES / f"{query}.kql").read_text(encoding="utf-8")
        begin, end = (f"datetime({at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ})" for at in (now - window, now))
        # As an alert rule's window and a workbook's time range do it.
        within = f"| where TimeGenerated > {begin} and TimeGenerated <= {end}"
        windowed = text.replace("\nAppTraces\n", f"\nAppTraces\n{within}\n")
        found = duckdb_kql.query(self._connection, windowed, allow_write=False, query_now=now)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
