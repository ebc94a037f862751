"""`python -m tools.event_schemas --check|--write`: the JSON Schemas in docs/events, one for each type of event.

Each file stands by itself, so that a reader needs no other; what fields of several types mean is written here once.
`--check` ends with 1 where a file is not what this module says.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.failure_batches import FAILURE_FOUND, MOST_FAILURES
from backup_retry.domain.notices import SOURCE, NoticeKind
from backup_retry.ports.inbox import SIGNAL_DEFERRED
from backup_retry.ports.turns import TURN_DUE
from backup_retry.settings.timer_status import TimerState
from tools.generated import check_or_write

DIRECTORY = Path(__file__).parents[1] / "docs" / "events"

Schema = dict[str, Any]


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _number(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def _time(description: str) -> Schema:
    return {"type": "string", "format": "date-time", "description": description}


def _list(description: str, items: Schema, most: int | None = None) -> Schema:
    bound = {} if most is None else {"maxItems": most}
    return {"type": "array", "items": items, **bound, "description": description}


def _object(fields: Mapping[str, Schema], *, optional: Sequence[str] = (), description: str = "") -> Schema:
    """An object; a reader has to expect fields that are not in it, as a newer version may add some."""
    required = [name for name in fields if name not in optional]
    said = {"description": description} if description else {}
    return {"type": "object", **said, "required": required, "properties": dict(fields)}


def _nullable(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _with_nulls(fields: Mapping[str, Schema], *names: str) -> dict[str, Schema]:
    return {name: _nullable(each) if name in names else each for name, each in fields.items()}


_OUTCOMES = ", ".join(Outcome)
#: what an event about an incident says
_INCIDENT: Mapping[str, Schema] = {
    "incidentId": _text("The incident: from an item's first failed job until it is closed."),
    "itemId": _text("ARM id of the protected item."),
    "vaultId": _text("ARM id of the vault."),
    "jobId": _text("The failed backup job, as the vault names it."),
    "firstFailedAt": _time("When the incident's first failed job ended."),
    "error": _text("Azure's error code of the last failure."),
    "errorMessage": _text("Azure's own message, which may be empty."),
    "cause": _text("What messages are grouped by: the error code, or the reason of a wait."),
    "attempts": _number("How many retries were started for this incident."),
    "outcome": _nullable(_text(f"How the incident ended: {_OUTCOMES}. null: it is open.")),
    "reason": _text("The reason code of the last decision, as docs/operations.md lists them."),
    "remedy": _text("What to do, or what was decided, in a sentence."),
    "times": _number("How often in a row the item has failed with this error."),
    "chronic": {
        "type": "boolean",
        "description": "True where it has failed so three nights in a row or more.",
    },
    "lastRecoveryPointAt": _nullable(
        _time("When the item's last recovery point was made. null: unknown, or there is none.")
    ),
    "secondsSinceLastRecoveryPoint": _nullable(
        _number("The same as an age, when the event was made. null: unknown.")
    ),
    "link": _text(
        "The incident's page, or the status page of its vault; left out where the app has no address."
    ),
}
#: what a digest reports about each of its items
_OF_A_DIGEST = ("incidentId", "itemId", "jobId", "firstFailedAt", "attempts", "reason", "remedy")
_WITHOUT_AN_INCIDENT = (
    "incidentId",
    "itemId",
    "vaultId",
    "jobId",
    "firstFailedAt",
)
_MESSAGE: Mapping[str, Schema] = {
    **_with_nulls(_INCIDENT, *_WITHOUT_AN_INCIDENT),
    "items": _number("Of a digest: how many items it is about."),
    "incidents": _list(
        "Of a digest: the incidents, the first 200 of them.",
        _object(_with_nulls({name: _INCIDENT[name] for name in _OF_A_DIGEST}, *_WITHOUT_AN_INCIDENT)),
        200,
    ),
}
_STORM: Mapping[str, Schema] = {
    **_INCIDENT,
    "items": _number("How many items of the vault fail with this error."),
    "itemIds": _list("Their ARM ids, the first 100 of them.", {"type": "string"}, 100),
    "canaryItemId": _text("ARM id of the item that is retried first, for all of them."),
    "stormBeganAt": _time("When enough items had failed to count as a failure storm."),
}
_DAY: Mapping[str, Schema] = {
    "day": {"type": "string", "format": "date", "description": "The day on which it was sent, in UTC."},
    "recovered": _number("Incidents of the last 24 hours that recovered."),
    "byUs": _number("How many of them recovered by a retry of this app."),
    "needsAction": _number(
        "Items that need attention: reported or open in the last 24 hours, and not recovered since."
    ),
    "chronic": _number("Items whose retries were exhausted three nights in a row."),
    "open": _number("Incidents that are open."),
    "unprotected": _nullable(_number("Items without a recent recovery point. null: not counted yet.")),
    "overdue": _nullable(
        _number("Items whose backup is overdue or that were never backed up. null: not counted yet.")
    ),
    "items": _list("ARM ids of the items that need attention, the first 50 of them.", {"type": "string"}, 50),
    "sweeps": _list(
        "The sweeps.",
        _object(
            {
                "name": _text("Its name, as the status page has it."),
                "state": _text(f"How it is: {', '.join(TimerState)}."),
                "last": _nullable(_time("When the last complete one began. null: none yet.")),
            }
        ),
    ),
}
_FOUND: Mapping[str, Schema] = {
    "jobId": _text("ARM id of the failed backup job, or its name if vaultId names the vault."),
    "itemId": _nullable(_text("ARM id of the protected item; null: whoever found the job does not know it.")),
}


def _event(kind: str, title: str, data: Schema, *, has_subject: bool = True) -> Schema:
    """A CloudEvent of that type: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md."""
    envelope = {
        "specversion": {"const": "1.0", "description": "The version of CloudEvents."},
        "type": {"const": kind, "description": "What has happened."},
        "source": {"const": SOURCE, "description": "This app."},
        "id": _text("Identifies the event: one that is sent twice has the same id both times."),
        "time": _time("When it happened."),
        "subject": _text("ARM id of the item that it is about, else of the vault, else the app."),
        "data": data,
    }
    if not has_subject:
        del envelope["subject"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:azure-backup-retry:event:{kind}",
        "title": kind,
        "description": title,
        **_object(envelope),
    }


def _of_incident(title: str) -> tuple[str, Schema]:
    return title, _object(_INCIDENT, optional=["link"])


def _of_message(title: str) -> tuple[str, Schema]:
    return title, _object(_MESSAGE, optional=["cause", "times", "chronic", "link", "items", "incidents"])


def _of_storm(title: str) -> tuple[str, Schema]:
    return title, _object(_STORM, optional=["link"])


_NOTICES: Mapping[str, tuple[str, Schema]] = {
    NoticeKind.RETRY_TRIGGERED: _of_incident("Azure accepted a retry."),
    NoticeKind.RECOVERED: _of_incident("The item has a good recovery point again."),
    NoticeKind.NEEDS_PERSON: _of_message(
        "Somebody has to act: on an incident, on several of one cause (a digest), or on the app itself (no incident)."
    ),
    NoticeKind.EXHAUSTED: _of_message(
        "All retries of an incident failed, or of several with one cause (a digest)."
    ),
    NoticeKind.STORM_BEGAN: _of_storm(
        "Many items of a vault fail with one error: one of them is retried first."
    ),
    NoticeKind.STORM_NEEDS_PERSON: _of_storm("A failure storm lasts, and retries do not help."),
    NoticeKind.STORM_ENDED: _of_storm(
        "The item that was retried first has recovered: the others are retried."
    ),
    NoticeKind.UNKNOWN_VAULTS: (
        "Alerts name vaults that the app's identity cannot see.",
        _object(
            {
                "vaults": _number("How many."),
                "vaultIds": _list("ARM ids of the first ten.", {"type": "string"}, 10),
            }
        ),
    ),
    NoticeKind.DAILY_SUMMARY: ("The last 24 hours in numbers, once a day.", _object(_DAY)),
}
#: what the app tells itself
_OWN: Mapping[str, tuple[str, Schema]] = {
    FAILURE_FOUND: (
        "Failed backup jobs were found: by a sweep, or by whoever else publishes it. The app retries them.",
        {
            **_object(
                {
                    "failures": _list(
                        "What a sweep has found.", _object(_FOUND, description="One failure."), MOST_FAILURES
                    ),
                    **_FOUND,
                    "vaultId": _text("ARM id of the vault, where neither job nor item says it."),
                },
                optional=["failures", "vaultId", *_FOUND],
            ),
            "anyOf": [{"required": [name]} for name in ("failures", "jobId", "itemId", "vaultId")],
        },
    ),
    SIGNAL_DEFERRED: (
        "A deferred alert is to be processed now. It is for the app itself.",
        _object({"key": _text("Its row in the inbox.")}),
    ),
    TURN_DUE: (
        "A timer has not fired: its work is to be done now. It is for the app itself.",
        _object(
            {"turn": _text("The timer's function."), "slice": _number("Which part of the work, from 0.")}
        ),
    ),
}


def schemas() -> Mapping[str, Schema]:
    """Each type of event with its schema."""
    notices = {kind: _event(kind, *said) for kind, said in _NOTICES.items()}
    return notices | {kind: _event(kind, *said, has_subject=False) for kind, said in _OWN.items()}


def file_of(kind: str) -> Path:
    """Where a type's schema is kept."""
    return DIRECTORY / f"{kind.removeprefix('BackupRetry.')}.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or rewrite the files; the exit code."""
    wanted = {file_of(kind): json.dumps(each, indent=2) + "\n" for kind, each in schemas().items()}
    return check_or_write("tools.event_schemas", wanted, arguments)


if __name__ == "__main__":
    sys.exit(main())
