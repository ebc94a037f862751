"""What the Functions library makes of an event, in each version that requirements.txt allows."""

import json
from pathlib import Path

import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from packaging.requirements import Requirement

REQUIREMENTS = Path(__file__).parents[3] / "requirements.txt"
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/tests",
    "type": "BackupRetry.FailureFound",
    "subject": "vault-1",
    "time": "2026-03-13T02:00:00.1234567Z",
    "data": {"jobId": "job"},
}


def test_a_cloud_event_keeps_its_type() -> None:
    """Without it the app would take the event for one that is not meant for it."""
    event = EventGridEventInConverter.decode(Datum(json.dumps(CLOUD_EVENT), "json"), trigger_metadata=None)
    assert getattr(event, "type", None) == CLOUD_EVENT["type"]
    assert (event.id, event.subject, event.get_json()) == ("1", "vault-1", {"jobId": "job"})


@pytest.mark.parametrize(
    ("version", "allowed"),
    [("1.26.0", True), ("2.0.0", False), ("2.1.0", True), ("2.2.0", True), ("2.3.0", True), ("3.0.0", False)],
)
def test_a_version_that_loses_the_type_is_not_installed(version: str, allowed: bool) -> None:
    """2.0 reads a CloudEvent as an event in Event Grid's own schema, whose type is None; CI tries the others."""
    [line] = (
        each for each in REQUIREMENTS.read_text(encoding="utf-8").splitlines() if "azure-functions" in each
    )
    assert Requirement(line).specifier.contains(version) is allowed
