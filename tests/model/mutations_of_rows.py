"""Deliberate faults in how rows of the earlier version are read."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from backup_retry.azure import incident_rows
from backup_retry.azure.table_columns import Unreadable
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.incident import Incident
from tests.model.mutation import Mutation


def _refuse_earlier_heads() -> AbstractContextManager[Any]:
    """An incident without a schema is unreadable."""
    read = incident_rows.read_head

    def strictly(row: Mapping[str, Any]) -> Incident:
        if "schema" not in row:
            raise Unreadable("it has no column schema")
        return read(row)

    return patch.object(incident_rows, "read_head", strictly)


def _take_earlier_attempts_for_over() -> AbstractContextManager[Any]:
    """An attempt that an earlier version has claimed counts as one that started nothing."""
    read = incident_rows.read_attempt

    def optimistic(row: Mapping[str, Any]) -> tuple[str, Attempt]:
        incident, attempt = read(row)
        over = "schema" not in row and attempt.result is AttemptResult.RUNNING
        return incident, replace(attempt, result=AttemptResult.NO_JOB) if over else attempt

    return patch.object(incident_rows, "read_attempt", optimistic)


def mutations_of_rows() -> Sequence[Mutation]:
    """All of them, made anew."""
    return [
        Mutation("refuse earlier heads", _refuse_earlier_heads(), seed=5, on_tables=True),
        Mutation("take earlier attempts for over", _take_earlier_attempts_for_over(), seed=5, on_tables=True),
    ]
