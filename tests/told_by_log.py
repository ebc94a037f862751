"""The log against the journal: each step that alert rules or the workbook read has its line, each line its step."""

import json
import logging
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from backup_retry.domain.journal import READ_BY_RULES, Step

_Said = tuple[str, str, str, str]


def amiss(lines: Iterable[Mapping[str, Any]], steps: Iterable[Step]) -> set[_Said]:
    """What only one of both says; a line may be there twice, since rules and workbook count incidents."""
    told = {
        (line["event"], line["incident"], line.get("reason", ""), line.get("detail", ""))
        for line in lines
        if line["event"] in READ_BY_RULES
    }
    return told ^ {
        (step.kind.value, step.incident_id, step.reason, step.detail)
        for step in steps
        if step.kind in READ_BY_RULES
    }


class AppLog(logging.Handler):
    """`with AppLog() as log`: what the app logs meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self._logger = logging.getLogger("backup_retry")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(json.loads(record.getMessage()))

    def __enter__(self) -> Self:
        self._before = self._logger.level, self._logger.propagate
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._logger.removeHandler(self)
        level, self._logger.propagate = self._before
        self._logger.setLevel(level)
