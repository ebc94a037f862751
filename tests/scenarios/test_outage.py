"""The ledger does not answer: nothing is triggered, and whoever reports a failure is asked to come back."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.running_app import Answer, App, Json
from tests.vm_estate import backup_failure

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: when an action group gives up, and counts the call as failed
_AZURE_WAITS_SECONDS = 10.0


async def delivered(app: App, alert: Json) -> Answer:
    """The answer to an alert that Azure would still have waited for."""
    async with asyncio.timeout(_AZURE_WAITS_SECONDS):
        return await app.alert(alert)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that neither answers nor closes its connections."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_ledger_that_hangs_does_not_hang_the_webhook(app: App) -> None:
    """503 before Azure gives up; the next delivery is handled."""
    assert (await app.failed_and_alerted("vm-01")).status == 202
    alert = backup_failure("vm-02", await app.fail("vm-02"))
    with frozen(app.ledger_pid):
        answer = await delivered(app, alert)
    assert answer.status == 503
    assert await app.posts("vm-02") == []
    again = await delivered(app, alert)
    assert again.status == 202
    assert len(await app.posts("vm-02")) == 1


async def test_without_a_ledger_nothing_is_triggered(app: App) -> None:
    """The webhook and the health answer say 503, Azure sees no POST. The last test of its stack."""
    assert (await app.failed_and_alerted("vm-03")).status == 202
    alert = backup_failure("vm-04", await app.fail("vm-04"))
    os.kill(app.ledger_pid, signal.SIGKILL)
    answer = await delivered(app, alert)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert await app.health_status() == 503
    assert await app.posts("vm-04") == []
