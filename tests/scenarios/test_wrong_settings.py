"""A wrong setting under the host: each call that fails for it says so, as what is said at the start is dropped."""

import json
import re

import pytest

from tests.running_app import App
from tests.vm_estate import backup_failure

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_wrong_setting_is_said_by_health_webhook_and_log(app: App) -> None:
    """Under its own name, until it is mended; then the same alert is taken."""
    alert = backup_failure("vm-31", await app.fail("vm-31"))
    await app.stack.restart_host({"MAX_ATTEMPTS": "many"})

    async with app.http.get(f"{app.stack.run.host}/api/health") as answer:
        assert (answer.status, (await answer.json())["reason"]) == (503, "settings")
    refused = await app.alert(alert)
    assert (refused.status, "MAX_ATTEMPTS" in refused.body["error"]) == (503, True)
    await app._start("follow_up")

    async def three() -> list[str] | None:
        text = app.stack.host.log_file.read_text(encoding="utf-8")
        found = re.findall(r'\{"event": "settings_wrong".*\}', text)
        return found if len(found) == 3 else None

    said = await app.until(three)
    assert all("MAX_ATTEMPTS" in json.loads(line)["problem"] for line in said)

    await app.restart({"MAX_ATTEMPTS": "3"})
    assert (await app.alert(alert)).status == 202
