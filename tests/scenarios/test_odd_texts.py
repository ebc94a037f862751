"""Half a character, as of a text that was cut in the middle of an emoji, under the host, whose log cannot carry one."""

import pytest

from backup_retry.domain.decisions import Outcome
from tests.running_app import App
from tests.vm_estate import backup_failure

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_alert_with_half_a_character_is_handled(app: App) -> None:
    """Answered with success, and its failure recovers."""
    alert = backup_failure("vm-21", await app.fail("vm-21"))
    alert["data"]["essentials"]["alertId"] += "\ud83d"

    assert (await app.alert(alert)).status == 202
    assert (await app.closed("vm-21")).outcome is Outcome.RECOVERED
