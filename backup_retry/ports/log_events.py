"""One structured log line per step: a JSON object whose `event` is one of a documented list.

The list is in docs/operations.md. Application Insights keeps the line as a trace message; alert rules and workbooks
read it with parse_json(message). It is ASCII, JSON escapes the rest, so that no handler can fail on it.
"""

import json
import logging
import re
import traceback
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from backup_retry.domain.errors import BackupRetryError, in_words
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import LogLine, Step, StepKind
from backup_retry.domain.texts import valid, visible

logger = logging.getLogger("backup_retry")
#: bytes of a field, as it is written; whoever sends a text of a megabyte has it in the log in part
FIELD_BYTES = 8_000
#: of a traceback its end says where it was
_TRACED = 7_000
_CUT = "..."
_WHOLE_CHARACTERS = re.compile(r"(?:[^\\]|\\u[0-9a-f]{4}|\\[^u])*")
_NAMESPACE = UUID("b1f9b3a5-52a4-4c55-9e0f-3a3f6b7e1c27")


class LogEvent(StrEnum):
    """Events that are no step of an incident (those are `incident.StepKind`)."""

    SIGNAL_RECEIVED = "signal_received"
    SIGNAL_IGNORED = "signal_ignored"
    SIGNAL_REJECTED = "signal_rejected"
    SIGNAL_FAILED = "signal_failed"
    SIGNAL_KEPT = "signal_kept"
    SIGNAL_OVERDUE = "signal_overdue"
    DRILL_RECEIVED = "drill_received"
    ALERTS_MISSING = "alerts_missing"
    DEAD_LETTER_HANDLED = "dead_letter_handled"
    DEAD_LETTER_UNREADABLE = "dead_letter_unreadable"
    DEAD_LETTERS_UNSEEN = "dead_letters_unseen"
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
    TURN_DUE = "turn_due"
    TIMER_STOPPED = "timer_stopped"
    TURN_HELD = "turn_held"
    TURN_REPEATED = "turn_repeated"
    TURN_FAILED = "turn_failed"
    TURN_GIVEN_UP = "turn_given_up"
    POLICY_UNREAD = "policy_unread"
    PROTECTION_COUNTED = "protection_counted"
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
    HEARTBEAT_FAILED = "heartbeat_failed"
    SETTINGS_WRONG = "settings_wrong"
    SETTING_RAISED = "setting_raised"


def log_event(event: LogEvent, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one event; values that JSON does not know are written as text."""
    _write(level, _present({"event": event.value, **fields}))


def log_failure(event: LogEvent, error: Exception, **fields: object) -> None:
    """Write why something failed; of what nobody foresaw, the traceback besides."""
    foreseen = isinstance(error, BackupRetryError)
    trace = "" if foreseen else "".join(traceback.format_exception(error))[-_TRACED:]
    log_event(event, level=logging.ERROR, problem=in_words(error), traceback=trace, **fields)


def line_of(incident: Incident, step: Step, *, is_quiet: bool = False) -> LogLine:
    """The line of a step of an incident's journal; what requires action and was not sent yet is a warning."""
    outcome = incident.outcome if step.kind is StepKind.CLOSED else None
    has_to_know = outcome is not None and outcome.needs_a_person and not is_quiet
    needs_a_person = step.kind is StepKind.TOLD or has_to_know
    fields: dict[str, object] = {
        "event": step.kind.value,
        "incident": incident.id,
        "item": incident.item.id,
        "job": step.job_id,
        "attempt": step.attempt_id,
        "reason": step.reason,
        "detail": step.detail,
        "state": incident.state.value,
        "outcome": outcome.value if outcome else None,
        "opened_at": _text(incident.opened_at) if outcome else None,
        "closed_at": _text(incident.closed_at) if outcome else None,
        "error": incident.failure.error.label,
        "found_by": incident.found_by.value,
        "attempts": len(incident.attempts),
        "quiet": True if outcome is not None and is_quiet else None,
    }
    present = _present(fields)
    line_id = str(uuid5(_NAMESPACE, _json(present)))
    return LogLine(id=line_id, is_warning=needs_a_person, fields=present)


def log_line(line: LogLine) -> None:
    """Write a finished line."""
    _write(logging.WARNING if line.is_warning else logging.INFO, line.fields)


def _present(fields: dict[str, object]) -> dict[str, object]:
    return {key: _fit(value) for key, value in fields.items() if value not in (None, "")}


def _write(level: int, fields: dict[str, object]) -> None:
    logger.log(level, "%s", _json(fields))


def _fit(value: object) -> object:
    """A field as the log may have it: no character that nobody sees, and no more than it has room for."""
    shown = _shown(value)
    if len(_json(shown)) <= FIELD_BYTES:
        return shown
    written = _json(shown if isinstance(shown, str) else _json(shown))
    whole = _WHOLE_CHARACTERS.match(written, 1, FIELD_BYTES - len(_CUT) - 1)
    return valid(json.loads(f'"{whole[0]}"')) + _CUT if whole else _CUT


def _shown(value: object) -> object:
    match value:
        case str():
            return visible(value)
        case Mapping():
            return {visible(str(name)): _shown(each) for name, each in value.items()}
        case list() | tuple():
            return [_shown(each) for each in value]
        case _:
            return value


def _json(value: object) -> str:
    return json.dumps(value, default=_text)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else visible(str(value))
