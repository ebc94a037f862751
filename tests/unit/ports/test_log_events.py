"""Log lines: one JSON object per step, which alert rules read."""

import json
import logging
from typing import Any

import pytest

from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.journal import Step, StepKind
from backup_retry.ports.log_events import LogEvent, line_of, log_event, log_line
from tests.builders import NOW, PASSES, attempt, failed, incident, item
from tests.world import World


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    """INFO is not shown by default."""
    caplog.set_level(logging.INFO, logger="backup_retry")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Every line that was logged, parsed."""
    return [json.loads(record.getMessage()) for record in caplog.records]


def test_an_event_is_one_json_object(caplog: pytest.LogCaptureFixture) -> None:
    """Times are ISO 8601, what JSON does not know is text, and letters beyond ASCII are JSON's escapes."""
    log_event(LogEvent.SWEEP_STARTED, since=NOW, item=item(), name="Jürgen", found=0)

    (line,) = lines(caplog)
    assert line == {
        "event": "sweep_started",
        "since": "2026-11-22T14:00:00+00:00",
        "item": str(item()),
        "name": "Jürgen",
        "found": 0,
    }
    assert caplog.records[0].getMessage().isascii()


def test_half_a_character_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """The worker's handler could not send it."""
    log_event(LogEvent.SIGNAL_REJECTED, problem="cut: \ud83d")

    assert caplog.records[0].getMessage().encode("utf-8")
    assert lines(caplog)[0]["problem"] == r"cut: \ud83d"


@pytest.mark.parametrize(
    "value", ["x" * 9_000, "ü" * 9_000, "\u202e" * 9_000, ["vm-01"] * 9_000, {"a": "x" * 9_000}]
)
def test_a_field_has_eight_kilobytes_at_most(caplog: pytest.LogCaptureFixture, value: object) -> None:
    """As it is written; the other fields are whole."""
    log_event(LogEvent.SIGNAL_REJECTED, problem=value, item="vm-01")

    (line,) = lines(caplog)
    assert 7_900 < len(json.dumps(line["problem"])) <= 8_000
    assert line["problem"].endswith("...")
    assert line["item"] == "vm-01"


def test_what_nobody_sees_is_written_out(caplog: pytest.LogCaptureFixture) -> None:
    """In lists, names and what becomes a text, too, so that it is seen where the line is parsed and shown."""
    log_event(
        LogEvent.SIGNAL_REJECTED,
        problem="a\u202eb",
        why=ValueError("a\u202eb"),
        vaults=["\x1b[2J"],
        decisions={"\u2066": 1},
    )

    (line,) = lines(caplog)
    assert (line["problem"], line["why"], line["vaults"], line["decisions"]) == (
        r"a\u202eb",
        r"a\u202eb",
        [r"\u001b[2J"],
        {r"\u2066": 1},
    )


def test_what_is_not_known_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Neither null nor empty text; nought and false are known."""
    log_event(LogEvent.RACE_LOST, job="", attempt=None, attempts=0, due=False)

    assert lines(caplog) == [{"event": "race_lost", "attempts": 0, "due": False}]


def test_percent_signs_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """Ids come percent-encoded."""
    log_event(LogEvent.SIGNAL_REJECTED, problem="%s %3Bd 100%")

    assert lines(caplog)[0]["problem"] == "%s %3Bd 100%"


def test_a_line_break_in_a_value_makes_no_second_line(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody can forge a log line with an alert."""
    log_event(LogEvent.SIGNAL_REJECTED, problem='x"}\n{"event": "forged"}')

    assert "\n" not in caplog.records[0].getMessage()


def test_the_level_is_the_callers(caplog: pytest.LogCaptureFixture) -> None:
    """Information, unless it is said otherwise."""
    log_event(LogEvent.SIGNAL_FAILED, level=logging.ERROR)
    log_event(LogEvent.SIGNAL_RECEIVED)

    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.INFO]


def test_a_step_is_logged_with_its_item_and_incident(caplog: pytest.LogCaptureFixture) -> None:
    """Everything that one needs to follow an incident."""
    step = Step(
        at=NOW,
        kind=StepKind.TRIGGERED,
        incident_id="incident-1",
        reason="retry",
        job_id="job-1",
        attempt_id="attempt-1",
    )

    log_line(line_of(incident(attempt(1)), step))

    assert lines(caplog) == [
        {
            "event": "retry_triggered",
            "incident": "incident-1",
            "item": item().id,
            "job": "job-1",
            "attempt": "attempt-1",
            "reason": "retry",
            "state": "waiting",
            "error": PASSES,
            "found_by": "alert",
            "attempts": 1,
        }
    ]


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (Outcome.NEEDS_ACTION, logging.WARNING),
        (Outcome.EXHAUSTED, logging.WARNING),
        (Outcome.RECOVERED, logging.INFO),
        (Outcome.RECOVERED_ELSEWHERE, logging.INFO),
        (Outcome.LEFT_ALONE, logging.INFO),
    ],
)
def test_what_needs_a_person_is_a_warning(
    caplog: pytest.LogCaptureFixture, outcome: Outcome, level: int
) -> None:
    """And nothing else is."""
    closed = incident().closed(Close(outcome=outcome, reason=Reason.EXHAUSTED, detail="read this"), NOW)

    step = Step(at=NOW, kind=StepKind.CLOSED, incident_id="incident-1", detail="read this")
    log_line(line_of(closed, step))

    assert [record.levelno for record in caplog.records] == [level]
    assert lines(caplog)[0]["outcome"] == outcome.value


async def test_every_step_of_the_journal_is_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The log and the journal tell the same story."""
    await world.handle(world.fails())

    assert [line["event"] for line in lines(caplog)] == list(await world.story())


async def test_losing_a_race_is_no_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody else is at work on the item: worth a line, not a warning."""
    await world.handle(world.fails())
    old = await world.incident()
    await world.handle(failed("job-2", started_at=NOW))
    world.runs(world.attempts[0])
    caplog.clear()

    await world.engine.advance(old)

    assert [line["event"] for line in lines(caplog)] == ["race_lost"]
    assert caplog.records[0].levelno == logging.INFO


def test_no_event_shares_its_name_with_a_step() -> None:
    """Alert rules tell them apart by name."""
    assert not {event.value for event in LogEvent} & {kind.value for kind in StepKind}
