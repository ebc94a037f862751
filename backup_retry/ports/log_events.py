"""One structured log line per step: a JSON object whose `event` is one of a documented list.

The list stands in docs/operations.md. Application Insights keeps the line as a trace message; alert rules and workbooks
read it with parse_json(message). It is ASCII, JSON escapes the rest, so that no handler can fail on it.
"""

import json
import logging
import traceback
from datetime import datetime
from enum import StrEnum

from backup_retry.domain.errors import BackupRetryError, in_words
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step, StepKind

logger = logging.getLogger("backup_retry")
#: of a traceback its end says where it was; a line of the log holds 32,768 characters
_TRACED = 8_000


class LogEvent(StrEnum):
    """Events that are no step of an incident (those are `incident.StepKind`)."""

    SIGNAL_RECEIVED = "signal_received"
    SIGNAL_IGNORED = "signal_ignored"
    SIGNAL_REJECTED = "signal_rejected"
    SIGNAL_FAILED = "signal_failed"
    SIGNAL_KEPT = "signal_kept"
    SIGNAL_OVERDUE = "signal_overdue"
    ROW_REJECTED = "row_rejected"
    FAILURE_KNOWN = "failure_known"
    RACE_LOST = "race_lost"
    UNKNOWN_ERROR_CODE = "unknown_error_code"
    SWEEP_STARTED = "sweep_started"
    SWEEP_COMPLETED = "sweep_completed"
    SWEEP_INCOMPLETE = "sweep_incomplete"
    SWEEP_SKIPPED = "sweep_skipped"
    SUBSCRIPTIONS_NOT_SWEPT = "subscriptions_not_swept"
    FOLLOW_UP_COMPLETED = "follow_up_completed"
    TURN_HELD = "turn_held"
    TURN_REPEATED = "turn_repeated"
    TURN_FAILED = "turn_failed"
    TURN_GIVEN_UP = "turn_given_up"
    POLICY_UNREAD = "policy_unread"
    STORM_BEGAN = "storm_began"
    STORM_ENDED = "storm_ended"
    STORM_NEEDS_PERSON = "storm_needs_person"
    NOTICE_GIVEN = "notice_given"
    NOTICE_UNSENT = "notice_unsent"
    DAILY_SUMMARY = "daily_summary"
    INCIDENT_FAILED = "incident_failed"
    ROW_FAILED = "row_failed"
    ROW_UNREADABLE = "row_unreadable"
    JOB_UNREADABLE = "job_unreadable"
    LEDGER_PURGED = "ledger_purged"
    PURGE_FAILED = "purge_failed"
    UNKNOWN_VAULTS = "unknown_vaults"
    VAULT_VANISHED = "vault_vanished"
    SETTINGS_WRONG = "settings_wrong"
    SETTING_RAISED = "setting_raised"


def log_event(event: LogEvent, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one event; values that JSON does not know are written as text."""
    _write(level, event.value, fields)


def log_failure(event: LogEvent, error: Exception, **fields: object) -> None:
    """Write why something failed; of what nobody foresaw, the traceback besides."""
    foreseen = isinstance(error, BackupRetryError)
    trace = "" if foreseen else "".join(traceback.format_exception(error))[-_TRACED:]
    log_event(event, level=logging.ERROR, problem=in_words(error), traceback=trace, **fields)


def log_step(incident: Incident, step: Step) -> None:
    """Write a step of an incident's journal; what needs a person is a warning."""
    outcome = incident.outcome if step.kind is StepKind.CLOSED else None
    needs_a_person = step.kind is StepKind.TOLD or (outcome is not None and outcome.needs_a_person)
    fields: dict[str, object] = {
        "incident": incident.id,
        "item": incident.item.id,
        "job": step.job_id,
        "attempt": step.attempt_id,
        "reason": step.reason,
        "detail": step.detail,
        "state": incident.state,
        "outcome": outcome,
        "error": incident.failure.error.label,
        "found_by": incident.found_by,
        "attempts": len(incident.attempts),
    }
    _write(logging.WARNING if needs_a_person else logging.INFO, step.kind.value, fields)


def _write(level: int, event: str, fields: dict[str, object]) -> None:
    present = {key: value for key, value in fields.items() if value not in (None, "")}
    logger.log(level, "%s", json.dumps({"event": event, **present}, default=_text))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
