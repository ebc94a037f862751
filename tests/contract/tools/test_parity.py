"""The simulator's answers beside recorded ones, and the command that reports on them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import RECORDINGS, needs_recordings
from tools.parity import __main__ as command
from tools.parity.document import DOCUMENT, rewritten
from tools.parity.explanations import EXPLANATIONS
from tools.parity.report import Verdict

JOB = "iaasvm__get_job__completed.json"
OWN = Path(__file__).parents[2] / "payloads" / "parity" / JOB


@needs_recordings
async def test_nothing_differs_from_the_recordings_without_a_reason() -> None:
    """No reason is without a difference either, and docs/simulator.md says what was found."""
    found = await command.report(RECORDINGS)
    findings = [each for row in found for each in row.findings]
    assert len(findings) == len(list(RECORDINGS.glob("*.json")))
    assert {each.recording: each.differences for each in findings if each.differences} == {}
    assert {why for each in findings for _, why in each.explained} == {each.reason for each in EXPLANATIONS}
    assert rewritten(DOCUMENT.read_text(encoding="utf-8"), found) == DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for recordings; the result is written beside it."""
    monkeypatch.setattr(command, "RESULT", tmp_path / "build" / "parity.json")
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


def record(folder: Path, **properties: object) -> None:
    """Put our own recording there, with some properties of the job as they are not simulated."""
    said = json.loads(OWN.read_text(encoding="utf-8"))
    said["response"]["body"]["properties"] |= properties
    (folder / JOB).write_text(json.dumps(said), encoding="utf-8")


def result(folder: Path) -> Any:
    """What the JSON says of the endpoints that were recorded."""
    said = json.loads((folder.parent / "build" / "parity.json").read_text(encoding="utf-8"))
    return [(row["verdict"], row["recordings"]) for row in said if row["recordings"]]


def test_an_answer_that_differs_in_nothing_is_full(recordings: Path) -> None:
    """The exit code says so."""
    record(recordings)
    assert command.main(["--recordings", str(recordings)]) == 0
    [(verdict, [found])] = result(recordings)
    assert (verdict, found) == (
        "full",
        {"name": "iaasvm__get_job__completed", "verdict": "full", "differences": [], "explained": []},
    )


def test_what_differs_is_named(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the table, in the JSON and by the exit code."""
    record(recordings, jobType="AzureIaaSVMJobV2", colour=None)
    assert command.main(["--recordings", str(recordings)]) == 1
    [(verdict, [found])] = result(recordings)
    assert (verdict, found["differences"]) == (
        "partial",
        [
            "body.properties.jobType value: 'AzureIaaSVMJobV2' recorded, 'AzureIaaSVMJob' simulated",
            "body.properties.colour missing",
        ],
    )
    assert Verdict.PARTIAL in capsys.readouterr().out


def test_without_recordings_there_is_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what to do."""
    assert command.main(["--recordings", str(tmp_path / "nowhere")]) == 2
    assert "--recordings" in capsys.readouterr().err
