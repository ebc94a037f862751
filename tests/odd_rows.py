"""Rows that this version did not write so: by another version, by a hand, or by a fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from azure.data.tables import EdmType, EntityProperty

from backup_retry.azure import control_rows, report_rows
from backup_retry.azure import incident_rows as rows
from backup_retry.azure.table_columns import Row
from backup_retry.azure.tables import CONTROL, INCIDENTS, JOURNAL, OPEN
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.journal import Step, StepKind
from backup_retry.domain.notices import NoticeKind
from backup_retry.domain.pauses import Pause
from backup_retry.policy.storm import Storm
from backup_retry.ports.inbox import DeferredSignal
from backup_retry.ports.ledger import Beat
from backup_retry.ports.log_events import line_of
from tests.builders import NOW, OTHER_SUBSCRIPTION, minutes
from tests.failures import claimed, closed, failed_job, opened, vm_item

#: as Edm.DateTime
PAST = datetime(2026, 11, 1, tzinfo=UTC)
#: as Edm.Int64
MANY = EntityProperty(2**40, EdmType.INT64)
CUT = '{"errorMessage": "x'


@dataclass(frozen=True, kw_only=True)
class Odd:
    """One row: which one, and what is odd about it."""

    kind: str
    #: the columns that differ; None: it lacks that one
    columns: Mapping[str, Any]
    #: this version can make sense of it
    readable: bool = False
    #: it keeps every item from being retried
    holds_all: bool = False
    #: it lacks every column
    empty: bool = False
    #: a key that is not the usual one
    partition: str = ""
    beat: str = Beat.FOLLOW_UP

    def __str__(self) -> str:
        """As the name of a test."""
        what = (
            "empty"
            if self.empty
            else ",".join(f"{name}={value!r:.24}" for name, value in self.columns.items())
        )
        return f"{self.kind}-{self.beat if self.kind == 'beat' else ''}{what}{self.partition}"


def lacks(kind: str, /, *columns: str, readable: bool = False) -> Odd:
    """A row without these columns."""
    return Odd(kind=kind, columns=dict.fromkeys(columns), readable=readable)


def says(kind: str, /, *, readable: bool = False, **columns: object) -> Odd:
    """A row with other values in these columns."""
    return Odd(kind=kind, columns=columns, readable=readable)


SIGNALS: Sequence[Odd] = [
    lacks("signal", "kept_at"),
    lacks("signal", "signal"),
    *(says("signal", kept_at=value) for value in ("yesterday", 5, True)),
    says("signal", kept_at=NOW, readable=True),
    *(
        says("signal", signal=text)
        for text in ("alert", "[]", "{}", "5", "null", '{"source": "phone"}', '{"vault": null}')
    ),
    says("signal", signal='{"vault": "vault-1"}'),
    says("signal", signal=b"{}"),
    Odd(kind="signal", columns={}, empty=True),
]
PAUSES: Sequence[Odd] = [
    Odd(kind="pause", columns={"until": "tomorrow"}, holds_all=True),
    says("pause", until="24.12.2026", scope=OTHER_SUBSCRIPTION),
    says("pause", until=5, scope=OTHER_SUBSCRIPTION),
    says("pause", until=PAST, readable=True),
    says("pause", starts="next week", scope=OTHER_SUBSCRIPTION),
    says("pause", starts=PAST, readable=True),
    says("pause", until="2026-11-01", by=5, why=None, readable=True),
    Odd(kind="pause", columns={"scope": b"x"}, holds_all=True),
]
BEATS: Sequence[Odd] = [
    odd
    for beat in (Beat.FOLLOW_UP, Beat.SWEEP)
    for odd in (
        Odd(kind="beat", beat=beat, columns={"at": "x"}),
        Odd(kind="beat", beat=beat, columns={"at": None}),
        Odd(kind="beat", beat=beat, columns={"at": 7}),
        Odd(kind="beat", beat=beat, columns={"at": PAST}, readable=True),
        Odd(kind="beat", beat=beat, columns={}, empty=True),
    )
]
STORMS: Sequence[Odd] = [
    Odd(kind="storm", columns={}, empty=True),
    says("storm", vault=5),
    says("storm", canary="vm-1"),
    says("storm", began_at="x"),
    says("storm", led_at="9999-99-99"),
    says("storm", size="many"),
    says("storm", told="perhaps"),
    says("storm", code="of another storm"),
    says("storm", began_at=PAST, size=MANY, new_in_9=True, readable=True),
]
INDEX: Sequence[Odd] = [
    lacks("open", "item"),
    says("open", item=5),
    says("open", item="x"),
    lacks("open", "incident"),
    lacks("open", "at"),
    says("open", at="x"),
    says("open", at=NOW, readable=True),
    Odd(kind="open", columns={}, empty=True),
]
CLOSED: Sequence[Odd] = [
    lacks("journal", "item"),
    says("journal", item=5),
    says("journal", item="x"),
    says("journal", outcome="vanished"),
    says("journal", reason="because", readable=True),
    says("journal", closed_at="x"),
    says("journal", closed_at=NOW, readable=True),
    says("journal", attempts="many"),
    lacks("journal", "attempts", readable=True),
    says("journal", attempts=MANY, readable=True),
    says("journal", error=5, last_error=6, readable=True),
    Odd(kind="journal", columns={}, empty=True),
    Odd(kind="journal", columns={"item": None}, partition="2025-01-01"),
    Odd(kind="journal", columns={"item": 5}, partition="2025-01-01"),
    Odd(kind="journal", columns={}, partition="0 is no day"),
]
HEADS: Sequence[Odd] = [
    says("head", state="sleeping"),
    says("head", state="closed"),
    says("head", reason="moon_phase", readable=True),
    says("head", item="x"),
    lacks("head", "due"),
    says("head", due="soon"),
    says("head", due="0001-01-01T00:00:00+14:00"),
    says("head", due=PAST, readable=True),
    says("head", found_by="pigeon"),
    says("head", error_code="abc", readable=True),
    says("head", error_code=MANY, readable=True),
    says("head", weighed_before="{x"),
    says("head", weighed_before='{"best": "yesterday"}'),
    says("head", job_status="Paused"),
    says("head", asked_at="yesterday"),
    says("head", asked_at=PAST, approved_by=5, profile="night", readable=True),
    lacks(
        "head", "reason", "detail", "found_by", "opened_at", "job_rule", "first_error_title", readable=True
    ),
    says("head", schema=9, rounds=3, mood="well", readable=True),
    Odd(kind="head", columns={}, empty=True),
]
OTHERS: Sequence[Odd] = [
    Odd(kind="attempt", columns={}, empty=True),
    says("attempt", result="lost"),
    says("attempt", number="first"),
    lacks("attempt", "operation", "job", readable=True),
    says("notice", data=CUT),
    says("notice", data="[]"),
    says("notice", kind="BackupRetry.New"),
    lacks("notice", "data", readable=True),
    says("line", fields=CUT),
    lacks("line", "fields"),
    lacks("line", "warning", readable=True),
    says("step", kind="danced"),
    says("step", at="x"),
    lacks("step", "reason", "detail", "job", "attempt", readable=True),
]
ODD_ROWS = [*SIGNALS, *PAUSES, *BEATS, *STORMS, *INDEX, *CLOSED, *HEADS, *OTHERS]
TABLES = {"open": OPEN, "journal": JOURNAL} | dict.fromkeys(
    ("head", "attempt", "notice", "line", "step"), INCIDENTS
)
_EARLIER_PAUSE = Pause(by="alice", why="maintenance", until=NOW - minutes(1))


def troubled() -> Incident:
    """The open incident of a new item, with an attempt that failed; a notice and a line are still to be told."""
    begun = opened(failed_job(vm_item(), NOW - minutes(40)))
    over = claimed(begun).attempt_ended(AttemptResult.FAILED, NOW - minutes(10))
    due = over.waiting(NOW - minutes(1), Reason.BACKOFF)
    told = due.with_notices(notice(NoticeKind.RETRY_TRIGGERED, due, NOW - minutes(20)))
    return told.with_lines(line_of(due, Step(at=NOW, kind=StepKind.TOLD, incident_id=due.id)))


def row_of(odd: Odd, incident: Incident) -> tuple[str, Row]:
    """The odd row and its table."""
    usual = _usual(odd, incident)
    key = {name: usual[name] for name in ("PartitionKey", "RowKey")}
    if odd.partition:
        key["PartitionKey"] = odd.partition
    columns = {} if odd.empty else usual | dict(odd.columns)
    row = {name: value for name, value in (columns | key).items() if value is not None}
    return TABLES.get(odd.kind, CONTROL), row


def _usual(odd: Odd, incident: Incident) -> Row:
    """A row of that kind as it should be."""
    signal = {"source": "alert", "vault": incident.item.vault.id, "job": "job-odd", "label": "odd"}
    step = Step(at=NOW, kind=StepKind.WAITING, incident_id=incident.id)
    return {
        "signal": control_rows.signal_row(DeferredSignal(kept_at=NOW, fields=signal)),
        "pause": control_rows.pause_row(_EARLIER_PAUSE),
        "beat": control_rows.beat_row(odd.beat, NOW - minutes(5)),
        "storm": control_rows.storm_row(_storm(incident)),
        "open": report_rows.open_row(incident, NOW),
        "journal": report_rows.journal_row(replace(closed(incident), id=str(uuid4()))),
        "head": rows.head_row(incident),
        "attempt": rows.attempt_row(incident, incident.attempts[-1]),
        "notice": rows.notice_row(incident, incident.notices[-1]),
        "line": rows.line_row(incident, incident.lines[-1]),
        "step": rows.step_row(incident, step, write="odd", index=0),
    }[odd.kind]


def _storm(incident: Incident) -> Storm:
    return Storm(
        vault=incident.item.vault,
        code="UserErrorOfAnOddStorm",
        began_at=NOW,
        size=25,
        canary=incident.item,
        canary_incident=incident.id,
        led_at=NOW,
    )
