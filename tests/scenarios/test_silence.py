"""The app was away while backups failed: what never reached it is retried as soon as it is back."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from backup_retry.domain.decisions import Outcome
from tests.running_app import App, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

_AWAY = timedelta(hours=1)
_FAILED = [f"vm-{number:02}" for number in range(1, 7)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app with a follow-up every five minutes, whose silence it can tell."""
    async with running(tmp_path_factory.mktemp("stack"), {"FOLLOW_UP_SCHEDULE": "0 */5 * * * *"}) as started:
        yield started


async def test_what_failed_while_the_app_was_down_is_retried_within_one_follow_up(app: App) -> None:
    """Down for an hour while six backups fail and no alert gets through: the daily sweep is hours away."""
    await app.follow_up()
    swept = (await app.health())["last_sweep"]
    await app.stack.kill_host()
    for number, vm in enumerate(_FAILED):
        await app.fail(vm, age_seconds=(number + 0.5) * _AWAY.total_seconds() / len(_FAILED))
    await app.silent_since(datetime.now(UTC) - _AWAY)
    await app.restart()

    began = time.monotonic()
    await app.follow_up()
    seconds = time.monotonic() - began

    assert [len(await app.posts(vm)) for vm in _FAILED] == [1] * len(_FAILED)
    assert seconds < 30
    [line] = [each for each in app.lines("sweep_completed") if each["profile"] == "after_silence"][-1:]
    assert line["found"] == len(_FAILED)
    assert (await app.health())["last_sweep"] == swept
    assert (await app.closed(_FAILED[0])).outcome is Outcome.RECOVERED
    assert [len(await app.posts(vm)) for vm in _FAILED] == [1] * len(_FAILED)
