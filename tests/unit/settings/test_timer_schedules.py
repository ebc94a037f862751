"""The timers that the host finds: one for each sweep and one for the follow-up, whatever the settings say."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
#: what the host asks of an app when it loads it, and what a call of a timer's function comes to
LIST = """
import asyncio, json, logging, sys
import azure.functions as func
lines = []
class Lines(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())
logging.getLogger().addHandler(Lines())
import function_app
from backup_retry.domain.errors import SettingsError
comes = {
    "timerTrigger": None,
    "httpTrigger": func.HttpRequest(method="POST", url="/api/x", body=b"{}", route_params={"id": "x"}),
    "eventGridTrigger": func.EventGridEvent(id="1", data={}, topic="", subject="", event_type="x",
        event_time=None, data_version="1"),
}
async def call(function):
    lines.clear()
    try:
        answer = await function.get_user_function()(comes[function.get_trigger().type])
    except SettingsError as error:
        return {"said": str(error), "logged": list(lines)}
    return {"status": answer.status_code, "said": answer.get_body().decode(), "logged": list(lines)}
found = function_app.app.get_functions()
timers = {each.get_function_name(): each for each in found if each.get_trigger().type == "timerTrigger"}
print(json.dumps({
    "schedules": {name: each.get_trigger().schedule for name, each in timers.items()},
    "functions": len(found),
    "repeated": [name for name, each in timers.items() if each.get_settings_dict("retry_policy")],
    "at_load": list(lines),
    "called": {each.get_function_name(): asyncio.run(call(each)) for each in found} if sys.argv[1:] else {},
}))
"""


def loaded(*, call: bool = False, **settings: str) -> dict[str, Any]:
    """What the host finds with these settings."""
    ran = subprocess.run(
        [sys.executable, "-c", LIST, *(["call"] if call else [])],
        cwd=ROOT,
        env={"PATH": os.defpath, "LEDGER_ENDPOINT": "https://ledger.test", **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_there_is_a_timer_for_each_profile() -> None:
    """Beside the daily sweep and the follow-up, with its own schedule and name; the host repeats sweeps that fail."""
    profiles = [{"name": name, "schedule": f"0 {minute} * * * *"} for minute, name in enumerate(("a", "b2"))]
    found = loaded(SWEEP_PROFILES=json.dumps(profiles), SWEEP_SCHEDULE="0 30 4 * * *")
    assert found["repeated"] == ["sweep", "sweep_look_back", "sweep_a", "sweep_b2"]
    assert found["schedules"] == {
        "sweep": "0 30 4 * * *",
        "sweep_look_back": "0 20 * * * *",
        "sweep_a": "0 0 * * * *",
        "sweep_b2": "0 1 * * * *",
        "follow_up": "0 */5 * * * *",
    }


@pytest.mark.parametrize(
    "wrong", [{"SWEEP_PROFILES": '[{"name": "a"}]'}, {"MAX_ATTEMPTS": "many"}, {"LEDGER_ENDPOINT": ""}]
)
def test_a_wrong_setting_leaves_the_app_its_functions(wrong: dict[str, str]) -> None:
    """Without functions nobody sees what is wrong."""
    found = loaded(call=False, **wrong)
    assert found["schedules"] == {
        "sweep": "0 0 5 * * *",
        "sweep_look_back": "0 20 * * * *",
        "follow_up": "0 */5 * * * *",
    }
    assert found["functions"] == loaded()["functions"]


@pytest.mark.parametrize(
    ("setting", "schedule"),
    [
        ({}, "0 20 * * * *"),
        ({"LOOK_BACK_SCHEDULE": ""}, None),
        ({"LOOK_BACK_SCHEDULE": "0 5 * * * *"}, "0 5 * * * *"),
    ],
)
def test_the_look_back_is_on_unless_its_schedule_is_empty(
    setting: dict[str, str], schedule: str | None
) -> None:
    """Unlike other settings, which have their default then."""
    assert loaded(call=False, **setting)["schedules"].get("sweep_look_back") == schedule


def test_each_call_that_fails_for_a_wrong_setting_says_so_in_the_log() -> None:
    """Once, while it lives: the host drops what is logged while it loads the app."""
    found = loaded(call=True, MAX_ATTEMPTS="many")

    assert found["at_load"] == []
    for name, call in found["called"].items():
        events = [json.loads(line) for line in call["logged"]]
        wrong = [each["problem"] for each in events if each["event"] == "settings_wrong"]
        assert (name, len(wrong)) == (name, 1)
        assert "MAX_ATTEMPTS" in wrong[0]


def test_what_is_wrong_with_the_settings_is_said_under_its_own_name() -> None:
    """By webhook and page; by health without a name, which is nobody's business."""
    called = loaded(call=True, MAX_ATTEMPTS="many")["called"]

    answers = ("alerts", "health", "status", "status_json", "incident")
    assert {name: called[name]["status"] for name in answers} == dict.fromkeys(answers, 503)
    assert json.loads(called["health"]["said"]).keys() == {"version", "package", "reason"}
    assert json.loads(called["health"]["said"])["reason"] == "settings"
    for name in ("alerts", "status", "status_json", "incident"):
        assert "MAX_ATTEMPTS" in called[name]["said"]
        assert "ledger" not in called[name]["said"].lower()
