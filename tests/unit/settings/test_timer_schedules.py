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
logging.basicConfig(format="%(message)s")
import function_app
from backup_retry.domain.errors import SettingsError
async def call(function):
    try:
        await function.get_user_function()(None)
    except SettingsError as error:
        return str(error)
found = function_app.app.get_functions()
timers = {each.get_function_name(): each for each in found if each.get_trigger().type == "timerTrigger"}
print(json.dumps({
    "schedules": {name: each.get_trigger().schedule for name, each in timers.items()},
    "functions": len(found),
    "raised": {name: asyncio.run(call(each)) for name, each in timers.items()} if sys.argv[1:] else {},
}))
"""


def loaded(*, call: bool = False, **settings: str) -> tuple[dict[str, Any], str]:
    """What the host finds with these settings, and what is logged."""
    ran = subprocess.run(
        [sys.executable, "-c", LIST, *(["call"] if call else [])],
        cwd=ROOT,
        env={"PATH": os.defpath, "LEDGER_ENDPOINT": "https://ledger.test", **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found, ran.stderr


def test_there_is_a_timer_for_each_profile() -> None:
    """Beside the daily sweep and the follow-up, with its own schedule and name."""
    profiles = [{"name": name, "schedule": f"0 {minute} * * * *"} for minute, name in enumerate(("a", "b2"))]
    found, _ = loaded(SWEEP_PROFILES=json.dumps(profiles), SWEEP_SCHEDULE="0 30 4 * * *")
    assert found["schedules"] == {
        "sweep": "0 30 4 * * *",
        "sweep_a": "0 0 * * * *",
        "sweep_b2": "0 1 * * * *",
        "follow_up": "0 */5 * * * *",
        "kept_signals": "0 */5 * * * *",
    }


@pytest.mark.parametrize(
    "wrong", [{"SWEEP_PROFILES": '[{"name": "a"}]'}, {"MAX_ATTEMPTS": "many"}, {"LEDGER_ENDPOINT": ""}]
)
def test_a_wrong_setting_leaves_the_app_its_functions(wrong: dict[str, str]) -> None:
    """Without functions nobody sees what is wrong: it is logged, and each call says it again."""
    found, logged = loaded(call=True, **wrong)
    (name,) = wrong
    five_minutes = "0 */5 * * * *"
    assert found["schedules"] == {
        "sweep": "0 0 5 * * *",
        "follow_up": five_minutes,
        "kept_signals": five_minutes,
    }
    assert all(name in raised for raised in found["raised"].values())
    assert '"event": "settings_wrong"' in logged
    assert name in logged
    assert found["functions"] == loaded()[0]["functions"]
