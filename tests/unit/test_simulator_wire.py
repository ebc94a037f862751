"""The formats of times and durations, and payloads against recorded ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulator import job_wire, wire
from simulator.estate import Azure
from simulator.estate_file import DEFAULT_ESTATE, EstateFile
from simulator.outcomes import JobStatus, Outcome
from tests.clock import Clock

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "azure" / "recordings"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(seconds=2.03), "PT2.03S"),
        (timedelta(minutes=1), "PT1M"),
        (timedelta(minutes=26, seconds=16.115631), "PT26M16.115631S"),
        (timedelta(hours=8, minutes=20, seconds=31.5), "PT8H20M31.5S"),
        (timedelta(hours=2, seconds=1), "PT2H1S"),
        (timedelta(seconds=-1), "PT0S"),
    ],
)
def test_durations_are_written_as_the_service_writes_them(length: timedelta, text: str) -> None:
    """ISO 8601, without parts that are zero."""
    assert wire.duration(length) == text


def test_times_have_seven_decimals() -> None:
    """As .NET writes them; Python has six."""
    assert wire.instant(datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)) == "2026-01-02T03:04:05.0006780Z"


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded replies are not at hand")
@pytest.mark.parametrize(
    ("recording", "outcome"),
    [
        ("iaasvm__get_job__completed.json", Outcome()),
        ("iaasvm__get_job__cancelled.json", Outcome(status=JobStatus.CANCELLED)),
    ],
)
def test_a_job_has_the_fields_of_recorded_jobs(recording: str, outcome: Outcome) -> None:
    """The same keys on all levels, and the same kinds of values."""
    recorded = json.loads((RECORDINGS / recording).read_text(encoding="utf-8"))["response"]["body"]
    clock = Clock()
    azure = Azure(EstateFile.read(DEFAULT_ESTATE).build(clock()))
    item = next(azure.items)
    item.next_outcomes.append(outcome)
    job = azure.trigger_backup(item, activity_id="a", expires=None, now=clock()).job
    clock.move(seconds=2)
    azure.advance(clock())
    shown = json.loads(json.dumps(job_wire.job_details(job, clock())))
    recorded["properties"]["extendedInfo"]["propertyBag"].pop("Backup Size", None)
    shown["properties"]["extendedInfo"]["propertyBag"].pop("Backup Size", None)
    assert shape(shown) == shape(recorded)


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded replies are not at hand")
@pytest.mark.parametrize(
    ("recording", "state"),
    [
        ("iaasvm__list_protected_items__protected_2025.json", "Protected"),
        ("iaasvm__list_protected_items__irpending_new.json", "IRPending"),
    ],
)
def test_an_item_has_the_fields_of_recorded_items(recording: str, state: str) -> None:
    """Apart from a few that nobody here asks for."""
    path = RECORDINGS / recording
    recorded = json.loads(path.read_text(encoding="utf-8"))["response"]["body"]["value"][0]["properties"]
    vault = {
        **DEFAULT_ESTATE["vaults"][0],
        "items": [{"vm": "vm", "resource_group": "rg", "protection_state": state}],
    }
    clock = Clock()
    azure = Azure(EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock()))
    shown = wire.item(next(azure.items), clock())["properties"]
    optional = {"healthDetails", "sourceSideScanning", "extendedProperties"}
    assert shown.keys() - optional == recorded.keys() - optional


def shape(value: Any) -> Any:
    """Keys and kinds of values; all entries of a list have one shape."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__
