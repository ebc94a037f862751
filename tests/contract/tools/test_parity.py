"""The simulator's answers beside recorded ones, and the command that reports on them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import needs_recordings
from tools.parity import __main__ as command
from tools.parity.comparison import compare, routes
from tools.parity.document import DOCUMENT, rewritten
from tools.parity.explanations import EXPLANATIONS
from tools.parity.report import Verdict, rows

JOB = "iaasvm__get_job__completed.json"
OWN = Path(__file__).parents[2] / "payloads" / "parity" / JOB


@needs_recordings
async def test_nothing_differs_from_the_recordings_without_a_reason() -> None:
    """Of those that somebody has looked at; no reason is without a difference, and the document says what was found."""
    known = set(command.LOOKED_AT.read_text(encoding="utf-8").split())
    found = await compare(each for each in command.files(command.folders()) if each.stem in known)
    assert [str(each) for each in found if each.verdict is Verdict.DIFFERS or not each.endpoint] == []
    if {each.recording for each in found} == known:
        assert {why for each in found for why in each.reasons} == {each.reason for each in EXPLANATIONS}
        text = DOCUMENT.read_text(encoding="utf-8")
        assert rewritten(text, rows(found, await routes())) == text


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for recordings; the result is written beside it."""
    monkeypatch.setattr(command, "RESULT", tmp_path / "build" / "parity.json")
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


def record(folder: Path, name: str = JOB, **properties: object) -> None:
    """Put our own recording there, with some properties of the job as they are not simulated."""
    said = json.loads(OWN.read_text(encoding="utf-8"))
    said["response"]["body"]["properties"] |= properties
    (folder / name).write_text(json.dumps(said), encoding="utf-8")


def result(folder: Path) -> Any:
    """What the JSON says of the endpoints that were recorded."""
    said = json.loads((folder.parent / "build" / "parity.json").read_text(encoding="utf-8"))
    return [(row["verdict"], row["recordings"]) for row in said if row["recordings"]]


def test_each_recording_has_a_line_and_the_last_is_the_sum(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By any name; what differs is named there and in the JSON, and the exit code says so."""
    record(recordings)
    record(recordings, "other.json", jobType="AzureIaaSVMJobV2", colour=None)
    assert command.main(["--recordings", str(recordings)]) == 1
    differences = [
        "body.properties.jobType value: 'AzureIaaSVMJobV2' recorded, 'AzureIaaSVMJob' simulated",
        "body.properties.colour missing",
    ]
    assert capsys.readouterr().out.splitlines() == [
        "iaasvm__get_job__completed: full",
        f"other: differs: {'; '.join(differences)}",
        "1 full, 0 explained, 1 differ, 0 not served of 2",
    ]
    [(verdict, found)] = result(recordings)
    assert (verdict, [each["differences"] for each in found]) == ("differs", [[], differences])


#: What is wrong with a file: its text, and what its line says.
BROKEN = {
    "empty": ("", "not served: not a recorded call: it is not JSON"),
    "no_json": ("\x00{", "not served: not a recorded call: it is not JSON"),
    "deep": ("[" * 100_000, "not served: not a recorded call: it is not JSON"),
    "list": ("[]", "not served: not a recorded call: request is not an object"),
    "no_answer": ('{"request": {}}', "not served: not a recorded call: response is not an object"),
    "no_address": (
        '{"request": {"method": "GET"}, "response": {"status": 200}}',
        "not served: not a recorded call: uri is not a text",
    ),
    "odd_address": (
        '{"request": {"method": "GET", "uri": "https://[::/x"}, "response": {"status": 200}}',
        "not served: not a recorded call: request.uri",
    ),
    "odd_status": (
        '{"request": {"method": "GET", "uri": "/x"}, "response": {"status": "200"}}',
        "not served: not a recorded call: status is not a number",
    ),
}


def test_a_broken_file_is_told_on_its_line(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It stops nothing and fails nothing; files of other folders are told in the same run."""
    for name, (text, _) in BROKEN.items():
        (recordings / f"{name}.json").write_text(text, encoding="utf-8")
    (recordings / "bytes.json").write_bytes(b"\xff\xfe")
    other = recordings.parent / "recordings_2"
    other.mkdir()
    record(other)
    assert command.main(["--recordings", str(recordings), "--recordings", str(other)]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    for name, (_, line) in BROKEN.items():
        assert [each for each in lines if each.startswith(f"{name}: {line}")]
    assert (lines[-1], total) == (
        "iaasvm__get_job__completed: full",
        f"1 full, 0 explained, 0 differ, {len(BROKEN) + 1} not served of {len(BROKEN) + 2}",
    )


ODD_BODIES: dict[str, Any] = {
    "null": None,
    "text": "gone",
    "list": [1, None],
    "no properties": {"id": 1},
    "odd row": {"value": [None, 3, {"properties": None}]},
    "no rows": {"value": []},
    "half a letter": {"\ud800": "\ud800", "properties": {"\ud800": "\ud800"}},
    "odd job": {"properties": {"startTime": "soon", "status": [], "backupManagementType": {}}},
}


def test_an_answer_nobody_can_make_sense_of_stops_nothing(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind of call is compared with it, or says why not."""
    vault = "/subscriptions/1/resourceGroups/g/providers/Microsoft.{}/{}/v"
    rsv, backup = vault.format("RecoveryServices", "vaults"), vault.format("DataProtection", "backupVaults")
    calls = [f"GET {rsv}{each}" for each in ("", "/backupJobs", "/backupJobs/j", "/backupProtectedItems")]
    calls += [f"GET {rsv}{each}" for each in ("/backupPolicies", "/backupOperations/o")]
    calls += [f"GET {backup}{each}" for each in ("", "/backupJobs", "/backupInstances", "/backupPolicies/p")]
    calls += [f"POST {backup}/backupInstances/i/backup", "POST /providers/Microsoft.ResourceGraph/resources"]
    for number, call in enumerate(calls):
        method, path = call.split()
        for name, body in ODD_BODIES.items():
            request = {"method": method, "uri": f"https://management.azure.com{path}?api-version=2024-04-01"}
            said = {"request": request, "response": {"status": 200, "body": body}}
            (recordings / f"{number} {name}.json").write_text(json.dumps(said), encoding="utf-8")
    command.main(["--recordings", str(recordings)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(calls) * len(ODD_BODIES) + 1
    assert lines[-1].endswith(f"of {len(lines) - 1}")


def test_without_recordings_there_is_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what to do."""
    assert command.main(["--recordings", str(tmp_path / "nowhere")]) == 2
    assert "--recordings" in capsys.readouterr().err
