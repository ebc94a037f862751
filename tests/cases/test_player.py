"""The player itself: what it accepts, what it prints, and that its Azure answers as Azure does."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cases.__main__ import main
from tests.cases.case import NotACaseError, read_case
from tests.cases.player import play_file
from tests.cases.resource_manager import Call, ResourceManager
from tests.clock import Clock

FILES = Path(__file__).parent / "files"
ROOT = Path(__file__).parents[2]
VAULT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/v-1"
KEYS = ["file", "refused", "ignored", "deferred", "decisions", "posts", "notices", "incidents", "problems"]
ITEM = f"{VAULT}/backupFabrics/Azure/protectionContainers/c/protectedItems/vm;rg;vm-1"


def case(directory: Path, **content: Any) -> Path:
    """A file with this in it."""
    path = directory / "case.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def changed(directory: Path, name: str, **keys: Any) -> Path:
    """One of the cases with other values for some keys."""
    return case(directory, **{**json.loads((FILES / f"{name}.json").read_text(encoding="utf-8")), **keys})


def manager(**part: Any) -> ResourceManager:
    """A Resource Manager of one Recovery Services vault."""
    made = ResourceManager(Clock())
    made.learn({"rsv": part}, None)
    return made


def job(name: str, **properties: Any) -> dict[str, Any]:
    began = {"startTime": "2026-11-22T13:00:00Z"}
    return {"id": f"{VAULT}/backupJobs/{name}", "name": name, "properties": {**began, **properties}}


def names(listed: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in listed["value"]]


# ---- the command ---------------------------------------------------------------------------------------------


def test_json_is_one_object_a_line_for_each_file() -> None:
    """With the keys that other programs read, and nothing else on the standard output."""
    files = [str(FILES / "plain_failure.json"), str(FILES / "alert_of_another_shape.json")]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.cases", "--json", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    played, parsed = [json.loads(line) for line in ran.stdout.splitlines()]
    incident = played["incidents"][0]
    assert ran.stderr == ""
    assert list(played) == KEYS
    assert list(played["decisions"][0]) == ["decision", "reason", "item", "detail"]
    assert list(incident) == ["item", "state", "reason", "outcome", "attempts", "detail"]
    assert (incident["outcome"], incident["attempts"]) == ("recovered", 1)
    assert list(played["posts"][0]) == ["at", "path", "body"]
    assert played["posts"][0]["at"] == "2026-10-05T06:00:00+00:00"
    assert played["notices"] == {"BackupRetry.Recovered": 1, "BackupRetry.RetryTriggered": 1}
    assert (len(parsed["ignored"]), parsed["posts"], parsed["problems"]) == (1, [], [])


def test_a_file_that_cannot_be_played_holds_up_no_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The reason is on the standard error, the exit code says that one was left out."""
    exported = tmp_path / "export.json"
    exported.write_text("[]", encoding="utf-8")
    assert (
        main(["--json", str(tmp_path / "none.json"), str(exported), str(FILES / "sap_ase_database.json")])
        == 1
    )
    said = capsys.readouterr()
    assert [json.loads(line)["file"] for line in said.out.splitlines()] == ["sap_ase_database.json"]
    assert "none.json: cannot be read: No such file or directory" in said.err
    assert "export.json: is no case: a case is a JSON object, this is a list" in said.err


def test_a_reader_is_told_the_story(capsys: pytest.CaptureFixture[str]) -> None:
    """What was decided and when, what was started, what was told."""
    assert main([str(FILES / "plain_failure.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("=== plain_failure.json: A machine's backup failed")
    assert "  decision: triggered, retry: VM;iaasvmcontainerv2;rg-web;web-07" in lines
    assert any(line.startswith("  backup started at 05 Oct 06:00: ") for line in lines)
    assert "  notices: BackupRetry.Recovered 1, BackupRetry.RetryTriggered 1" in lines


def test_what_is_not_understood_is_said_and_the_rest_is_played(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A key of a later format costs itself; one that begins with an underscore is a comment."""
    later = {"weather": "rain", "_note": "none", "settings": {"MAX_TRIES": 1}, "dpp": {"vaults": []}}
    path = changed(tmp_path, "plain_failure", **later, advance=[{"minutes": 1, "moon": 1}])
    assert main([str(path)]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.removeprefix(f"{path}: ") for line in said] == [
        "weather is not understood and not played",
        "dpp.vaults is not understood and not played",
        "advance[0].moon is not understood and not played",
        "settings.MAX_TRIES is not understood and not played",
    ]


# ---- what it accepts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"rsv": {}}, "is no case: nothing arrives"),
        ({"alerts": [], "now": "soon"}, "now is 'soon'; it takes a time"),
        ({"alerts": [], "rsv": []}, "rsv is a list; it takes a JSON object"),
        (
            {"alerts": [], "dpp": {"jobs": [{"properties": {}}]}},
            "dpp.jobs: one of them has neither an id nor a name",
        ),
        ({"alerts": [], "rows": ["a"]}, "rows holds a text; it takes JSON objects"),
        ({"alerts": [], "advance": ["later"]}, "advance[0] is a text; a step is a JSON object"),
        (
            {"alerts": [], "advance": [{"minutes": "5"}]},
            "advance[0]: {'minutes': '5'} is no time that passes",
        ),
        ({"alerts": [], "advance": [{"set": [{"job": "a"}]}]}, "advance[0].set takes objects"),
        ({"alerts": [], "rsv": {"trigger": {"status": "ok"}}}, "rsv.trigger: status is 'ok'"),
    ],
)
def test_an_error_says_where_and_what(content: dict[str, Any], problem: str, tmp_path: Path) -> None:
    """Whoever writes a case finds what to change."""
    with pytest.raises(NotACaseError) as error:
        read_case(case(tmp_path, **content))
    assert str(error.value).startswith(problem)


async def test_settings_that_the_app_would_not_start_with_are_no_case(tmp_path: Path) -> None:
    """The message is the app's own."""
    with pytest.raises(NotACaseError, match="settings: Settings: MAX_ATTEMPTS=0"):
        await play_file(changed(tmp_path, "plain_failure", settings={"MAX_ATTEMPTS": 0}))


async def test_a_text_is_a_body_as_it_came(tmp_path: Path) -> None:
    """A rejected body is told with the parser's own words, alone or beside others."""
    account = await play_file(case(tmp_path, alerts="no JSON"))
    assert len(account.refused) == 1
    assert "not JSON" in account.refused[0]


async def test_settings_may_be_written_as_in_the_environment(tmp_path: Path) -> None:
    """Their names have no case, their values may be text."""
    account = await play_file(changed(tmp_path, "plain_failure", settings={"DRY_RUN": "true"}, advance=[]))
    assert account.posts == []
    assert account.incidents[0]["reason"] == "dry_run"


async def test_a_fault_of_the_players_own_azure_is_not_taken_for_an_outage(tmp_path: Path) -> None:
    """It would look like an app that waits; so the file cannot be played."""
    answers = [{"match": "/backupjobs", "status": "two hundred"}]
    with pytest.raises(ValueError, match="two hundred"):
        await play_file(changed(tmp_path, "plain_failure", answers=answers))


# ---- its Azure -----------------------------------------------------------------------------------------------


def test_a_vault_shows_its_own_jobs_only() -> None:
    """Two vaults of a case do not mix; a job without an id is shown wherever it is asked for."""
    arm = manager(jobs=[job("1"), {"name": "2"}, {**job("3"), "id": f"{VAULT}-b/backupJobs/3"}])
    assert names(arm.answer(Call(method="GET", path=f"{VAULT.upper()}/backupJobs")).body) == ["1", "2"]


def test_a_list_begins_where_the_filter_says() -> None:
    """Recovery Services filters by the start of a job."""
    arm = manager(jobs=[job("1"), job("2", startTime="2026-11-21T23:00:00Z")])
    window = {"$filter": "startTime eq '2026-11-22 12:00:00 AM' and endTime eq '2026-11-23 12:00:00 AM'"}
    assert names(arm.answer(Call(method="GET", path=f"{VAULT}/backupJobs", query=window)).body) == ["1"]


@pytest.mark.parametrize("name", ["job-1", f"{VAULT}/backupJobs/JOB-1"])
def test_a_job_changes_by_its_name_or_its_id(name: str) -> None:
    """Whichever a step has at hand."""
    made = manager(
        jobs=[{"id": f"{VAULT}/backupJobs/job-1", "name": "job-1", "properties": {"status": "InProgress"}}]
    )
    made.change(name, {"status": "Failed"})
    answer = made.answer(Call(method="GET", path=f"{VAULT}/backupJobs/job-1"))
    assert answer.body["properties"]["status"] == "Failed"


def test_a_job_that_fails_by_itself_runs_for_a_while() -> None:
    """It bears the request's id, and its failure is shown once its end is reached."""
    clock = Clock()
    arm = ResourceManager(clock)
    failed = job("1", status="Failed", containerName="rg;vm-1", errorDetails=[{"errorTitle": "A"}])
    arm.learn({"rsv": {"jobs": [failed], "trigger": [{"status": 202, "fail": "B"}]}}, None)
    accepted = arm.answer(
        Call(method="POST", path=f"{ITEM}/backup", headers={"x-ms-client-request-id": "mine"})
    )
    operation = arm.answer(Call(method="GET", path=accepted.headers["Azure-AsyncOperation"])).body
    path = f"{VAULT}/backupJobs/{operation['properties']['jobId']}"
    running = arm.answer(Call(method="GET", path=path)).body["properties"]
    clock.move(minutes=20)
    ended = arm.answer(Call(method="GET", path=path)).body["properties"]
    assert (running["status"], running["activityId"], "errorDetails" in running) == (
        "InProgress",
        "mine",
        False,
    )
    assert (ended["status"], ended["errorDetails"]) == ("Failed", [{"errorTitle": "B"}])


def test_an_answer_of_its_own_goes_first_so_many_times() -> None:
    """Odd answers of any call are told by a part of its path."""
    arm = manager(jobs=[])
    arm.learn({}, [{"match": "/BACKUPJOBS", "method": "get", "status": 503, "body": "<html>", "times": 1}])
    call = Call(method="GET", path=f"{VAULT}/backupJobs")
    assert [arm.answer(call).status, arm.answer(call).status] == [503, 200]


async def test_cases_are_played_one_after_the_other_in_one_process() -> None:
    """Whatever a case sets up is gone with it."""
    paths = [FILES / "dry_run_turned_off.json", FILES / "plain_failure.json"]
    first = [await play_file(path) for path in paths]
    again = [await play_file(path) for path in reversed(paths)]
    await asyncio.sleep(0)
    assert [len(each.posts) for each in first] == [len(each.posts) for each in reversed(again)]
