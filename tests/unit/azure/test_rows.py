"""The ledger's rows: what 0.1.0 wrote is read without loss, and nothing that is written is too long or broken."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from backup_retry.azure import cause_rows, control_rows, report_rows
from backup_retry.azure import incident_rows as rows
from backup_retry.azure.table_columns import (
    SCHEMA,
    Columns,
    Row,
    Unreadable,
    fit,
    json_text,
    new_row,
    written,
)
from backup_retry.azure.table_quarantine import READERS, kind_of
from backup_retry.azure.tables import CONTROL
from backup_retry.domain.acknowledgements import Acknowledgement
from backup_retry.domain.causes import Cause
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.jobs import JobError
from backup_retry.domain.journal import Step, StepKind
from backup_retry.domain.notices import NoticeKind
from backup_retry.domain.pauses import Pause
from backup_retry.ports.inbox import DeferredSignal
from backup_retry.ports.turns import Lease
from tests.builders import NOW, attempt, failed, incident, item, vault
from tests.stored_rows import FIRST, stored

Stored = Mapping[str, Any]
#: what says nothing of what a row holds
_KEYS = {"PartitionKey", "RowKey", "write", "came_again"}
_UTF_16_UNITS = 32_768


def _again_opened(row: Stored) -> Row:
    opened = report_rows.read_opened(row)
    return {"item": opened.item.id, "incident": opened.incident_id, "at": written(opened.at)}


def _again_closed(row: Stored) -> Row:
    closed = report_rows.read_closed(row)
    times = {
        name: at
        for name in ("first_failed_at", "opened_at", "closed_at", "last_good_at")
        if (at := getattr(closed, name))
    }
    same = ("found_by", "error", "last_error", "attempts", "outcome", "reason", "detail")
    return {
        "item": closed.item.id,
        "first_job": closed.first_job_id,
        **{name: written(at) for name, at in times.items()},
        **{name: getattr(closed, name) for name in same},
    }


def _again_attempt(row: Stored) -> Row:
    incident_id, read = rows.read_attempt(row)
    return rows.attempt_row(replace(incident(), id=incident_id), read)


#: reads a row of a kind and writes it again
AGAIN: Mapping[str, Callable[[Stored], Row]] = {
    "head": lambda row: rows.head_row(rows.read_head(row)),
    "attempt": _again_attempt,
    "step": lambda row: rows.step_row(incident(), rows.read_step(row), write="", index=0),
    "notice": lambda row: {**rows.notice_row(incident(), rows.read_notice(row)), "incident": row["incident"]},
    "open": _again_opened,
    "journal": _again_closed,
    "pause": lambda row: control_rows.pause_row(control_rows.read_pause(row)),
    "beat": lambda row: control_rows.beat_row(*control_rows.read_beat(row)),
    "storm": lambda row: control_rows.storm_row(control_rows.read_storm(row)),
    "signal": lambda row: control_rows.signal_row(control_rows.read_signal(row)),
}
OF_0_1_0 = [(kind_of(table, row), row) for table, row in stored(FIRST)]


#: kinds of rows that 0.1.0 did not write
_NEWER = {"arrival", "cause", "day", "lease", "line", "protection", "unsent", "vault"}


@pytest.mark.parametrize("kind", sorted(READERS.keys() - _NEWER))
def test_what_0_1_0_wrote_is_read_without_loss(kind: str) -> None:
    """Written again, each column says the same."""
    found = [row for each, row in OF_0_1_0 if each == kind]
    assert found
    for row in found:
        again = AGAIN[kind](row)
        assert {name: again.get(name) for name in row if name not in _KEYS} == {
            name: value for name, value in row.items() if name not in _KEYS
        }


def test_a_lease_is_written_and_read_without_loss() -> None:
    """Of a turn that has begun, and of one that nobody has run."""
    begun = Lease(turn="sweep_a", holder="w", until=NOW, began=NOW, starts=2, told_at=NOW)
    for lease in (begun, Lease(turn="sweep")):
        assert control_rows.read_lease(control_rows.lease_row(lease)) == lease


def test_a_cause_is_written_and_read_without_loss() -> None:
    """Whatever its code is called; and the notice that waits for it, which is read as an incident's is."""
    told = notice(NoticeKind.EXHAUSTED, incident(), NOW)
    cause = Cause(key="kind|vault|Ünlike /#?", since=NOW, until=NOW, first=told.id)
    row = cause_rows.cause_row(cause)
    assert cause_rows.cause_row(cause_rows.read_cause(row)) == row
    held = cause_rows.held_row(told)
    assert (rows.read_notice(held), kind_of(CONTROL, held)) == (told, "notice")


@pytest.mark.parametrize("until", [None, NOW])
def test_an_acknowledgement_is_written_and_read_without_loss(until: datetime | None) -> None:
    """In the incident's head, and in the journal's row once it is closed."""
    known = Acknowledgement(by="eve", note="Monday", error="", until=until)
    closed = incident().closed(Close(outcome=Outcome.EXHAUSTED, reason=Reason.EXHAUSTED), NOW)
    ended = replace(closed, acknowledged=known)
    assert rows.read_head(rows.head_row(ended)).acknowledged == ended.acknowledged
    assert report_rows.read_closed(report_rows.journal_row(ended)).acknowledged == ended.acknowledged


def test_every_row_says_its_schema() -> None:
    """So that a later version can tell whose it is."""
    assert new_row("p", "r", at=1) == {"PartitionKey": "p", "RowKey": "r", "schema": SCHEMA, "at": 1}


# ---- one column at a time ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2026-11-22T14:00:00.000000Z", NOW),
        ("2026-11-22T15:00:00+01:00", NOW),
        ("2026-11-22 14:00", NOW),
        (NOW, NOW),
        ("9999-12-31T23:59:59Z", datetime(9998, 1, 1, tzinfo=UTC)),
        *(
            (value, None)
            for value in ("tomorrow", "24.12.2026", "", 5, True, b"x", "0001-01-01T00:00:00+14:00")
        ),
    ],
)
def test_a_time_is_read_from_what_can_be_one(value: object, read: datetime | None) -> None:
    """Text in ISO 8601 or a DateTime column; None: it cannot be read."""
    assert _read(lambda columns: columns.time("at"), at=value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3, 3),
        ((2**40, "Edm.Int64"), 2**40),
        (3.0, 3),
        ("3", 3),
        *((each, None) for each in ("many", 3.5, True, b"3")),
    ],
)
def test_a_number_is_read_from_what_can_be_one(value: object, read: int | None) -> None:
    """Whatever type of column holds it."""
    assert _read(lambda columns: columns.number("at"), at=value) == read


@pytest.mark.parametrize(
    ("value", "read"), [("because", "because"), (5, "5"), (NOW, "2026-11-22T14:00:00.000000Z"), (b"x", None)]
)
def test_a_text_is_read_from_what_can_be_one(value: object, read: str | None) -> None:
    """A number that a hand wrote where a text belongs is one."""
    assert _read(lambda columns: columns.text("at"), at=value) == read


@pytest.mark.parametrize(
    "read", [lambda columns: columns.time("at", NOW), lambda columns: columns.text("at", "x")]
)
def test_what_is_missing_has_its_default(read: Callable[[Columns], object]) -> None:
    """Null is missing as well."""
    assert _read(read) == _read(read, at=None) != None  # noqa: E711 (None: it cannot be read)


def test_a_word_of_another_version_makes_a_row_unreadable() -> None:
    """And says so."""
    with pytest.raises(Unreadable, match="column outcome contains 'vanished'"):
        Columns({"outcome": "vanished"}).word("outcome", Outcome)


def test_a_reason_of_another_version_stays_its_code() -> None:
    """It equals none of ours, and is written again as it came."""
    reason = Reason.read("moon_phase")
    assert (reason.value, str(reason), reason in set(Reason)) == ("moon_phase", "moon_phase", False)
    assert Reason.read("paused") is Reason.PAUSED


def _read(read: Callable[[Columns], object], **columns: object) -> object:
    """What the column says; None where it cannot be read."""
    try:
        return read(Columns(columns))
    except Unreadable:
        return None


# ---- limits ------------------------------------------------------------------------------------------------


def units(text: str) -> int:
    """So much room the tables count for it."""
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("letter", ["x", "ü", "🧨", "\ud83e", '"', "\x00"])
@pytest.mark.parametrize("length", [0, 1, 32_700, 32_701, 40_000])
def test_a_text_is_cut_between_two_characters(letter: str, length: int) -> None:
    """It fits, begins as it did, and can be sent."""
    kept = fit(letter * length)
    assert units(kept) <= _UTF_16_UNITS
    assert kept.startswith((letter if letter != "\ud83e" else "\ufffd") * min(length, 16_000))


@pytest.mark.parametrize("letter", ["x", "🧨", '"', "\x00", "\ud83e"])
def test_json_is_shortened_and_never_cut(letter: str) -> None:
    """A message of 40,000 characters loses its end; all the rest is there."""
    said = {"errorMessage": letter * 40_000, "items": ["i"] * 40_000, "attempts": 3, "remedy": "Do it."}
    text = json_text(said)
    assert units(text) <= _UTF_16_UNITS
    read = json.loads(text)
    assert (read["attempts"], read["remedy"][:2], read["items"][0]) == (3, "Do", "i")
    assert json.loads(json_text({"remedy": "Do it.", "at": None})) == {"remedy": "Do it.", "at": None}


@pytest.mark.parametrize("letter", ["x", "🧨", "\ud83e"])
def test_no_column_of_any_row_is_too_long(letter: str) -> None:
    """Whatever Azure or a person has written into it."""
    text = letter * 40_000
    long = replace(
        incident(attempt(), failure=replace(failed(), error=JobError(title=text, message=text, advice=text))),
        detail=text,
    )
    step = Step(at=NOW, kind=StepKind.NOTED, incident_id=long.id, reason=text, detail=text)
    exhausted = Close(outcome=Outcome.EXHAUSTED, reason=Reason.EXHAUSTED, detail=text)
    written_rows = [
        rows.head_row(long),
        rows.step_row(long, step, write="w", index=0),
        rows.notice_row(long, notice(NoticeKind.EXHAUSTED, long, NOW, remedy=text)),
        rows.job_row(item(), text),
        report_rows.journal_row(long.closed(exhausted, NOW)),
        control_rows.pause_row(Pause(by=text, why=text)),
        control_rows.signal_row(
            DeferredSignal(kept_at=NOW, fields=control_rows.signal_fields({"label": text}))
        ),
    ]
    for row in written_rows:
        assert [
            name for name, value in row.items() if isinstance(value, str) and units(value) > _UTF_16_UNITS
        ] == []
        assert len(row["RowKey"]) <= 512


def test_a_long_notice_and_a_long_signal_are_read_again() -> None:
    """Shortened, and whole."""
    long = notice(NoticeKind.EXHAUSTED, incident(), NOW, remedy="x" * 40_000)
    read = rows.read_notice(rows.notice_row(incident(), long))
    assert (read.id, read.data["incidentId"], read.data["remedy"][:9]) == (long.id, "incident-1", "x" * 9)
    fields = control_rows.signal_fields({"vault": vault().id, "label": "x" * 40_000})
    assert (
        control_rows.read_signal(control_rows.signal_row(DeferredSignal(kept_at=NOW, fields=fields))).fields
        == fields
    )


@pytest.mark.parametrize("job_id", ["a/b", "a#b", "a?b", "a\\b", "\x00", "x" * 2000, "Ünique"])
def test_a_job_id_unlike_azures_makes_a_key_that_the_tables_take(job_id: str) -> None:
    """The same for the same id, and another for another."""
    key = rows.job_key(job_id)
    assert key == rows.job_key(job_id.upper().lower()) != rows.job_key(f"{job_id}.")
    assert key.isascii()
    assert not set(key) & set("/\\#?")
    assert rows.job_key("D1F0-AB") == "job-d1f0-ab"


def test_half_a_character_in_a_row_is_made_whole() -> None:
    """In a text, in a list and in an object, whoever wrote it."""
    columns = Columns({"text": "\ud83d", "texts": '["\\ud83d"]', "mapping": '{"a": "\\ud83d"}'})
    assert (columns.text("text"), columns.texts("texts")) == ("\ufffd", ("\ufffd",))
    assert columns.mapping("mapping") == {"a": "\ufffd"}
