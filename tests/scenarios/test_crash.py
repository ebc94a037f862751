"""The host is killed between the claim and Azure's answer; Azure's own record shows what happened."""

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.incident import State
from tests.running_app import App, Json
from tests.vm_estate import backup_failure, item_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def killed_while_triggering(app: App, vm: str, *faults: Json) -> None:
    """A failure is alerted, and the host dies after Azure has had its POST and before it has read the answer."""
    match = f"POST .*{vm}/backup"
    await app.arm(
        {"name": "latency", "seconds": 0.3, "match": match}, *({**each, "match": match} for each in faults)
    )
    call = asyncio.create_task(app.alert(backup_failure(vm, await app.fail(vm))))
    await app.until(lambda: seen(app, vm))
    os.killpg(app.stack.host.pid, signal.SIGSTOP)
    await app.until(lambda: acted_on(app, vm))
    await app.stack.kill_host()
    with pytest.raises(aiohttp.ClientError):
        await call
    assert (await app.incident(vm)).state is State.CLAIMED
    await app.restart()
    await app.arm()


async def seen(app: App, vm: str) -> bool | None:
    """Whether the POST has arrived."""
    return bool(await app.posts(vm)) or None


async def acted_on(app: App, vm: str) -> bool | None:
    """Whether the POST has taken effect or was dropped."""
    [post] = await app.posts(vm)
    return post["fault"] == "drop_request" or bool(await app.retries(vm)) or None


async def test_a_trigger_that_took_effect_is_not_repeated(app: App) -> None:
    """The follow-up finds its job in the vault, by the id that was claimed."""
    await killed_while_triggering(app, "vm-01")
    closed = await app.closed("vm-01")
    [retry], [post] = await app.retries("vm-01"), await app.posts("vm-01")
    assert (closed.outcome, len(closed.attempts)) == (Outcome.RECOVERED, 1)
    assert retry["activity_id"] == post["client_request_id"] == closed.attempts[0].id


async def test_a_trigger_without_effect_is_made_up_for(app: App) -> None:
    """Once the vault has shown for long enough that there is no job, a second attempt is made."""
    await killed_while_triggering(app, "vm-02", {"name": "drop_request"})
    closed = await app.closed("vm-02")
    [retry], posts = await app.retries("vm-02"), await app.posts("vm-02")
    results = [attempt.result for attempt in closed.attempts]
    assert (closed.outcome, results) == (Outcome.RECOVERED, [AttemptResult.NO_JOB, AttemptResult.COMPLETED])
    assert [post["client_request_id"] for post in posts] == [attempt.id for attempt in closed.attempts]
    assert retry["activity_id"] == closed.attempts[1].id


async def test_the_alert_delivered_again_after_the_crash_starts_nothing(app: App) -> None:
    """Azure repeats what was not answered; the claim is on record."""
    await killed_while_triggering(app, "vm-03")
    again = await app.alert(backup_failure("vm-03", (await app.jobs("vm-03"))[0]["name"]))
    assert (again.status, again.result["decision"]) == (202, "already_handled")
    assert (await app.closed("vm-03")).outcome is Outcome.RECOVERED
    assert len(await app.posts("vm-03")) == 1


def worker_of(app: App) -> int:
    """The process in which the host runs the app."""
    host = app.stack.host.pid
    return int(Path(f"/proc/{host}/task/{host}/children").read_text(encoding="utf-8"))


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are looked for in /proc")
async def test_what_a_dying_worker_was_told_is_found_by_the_sweep(app: App) -> None:
    """The host answers 500, which Azure does not repeat, and has another worker; nothing of the call is stored."""

    async def reads() -> list[object]:
        found: list[object] = await app._sim(
            "GET", "requests", params={"path": "/backupJobs", "method": "GET"}
        )
        return found

    job, before = await app.fail("vm-04"), len(await reads())
    await app.arm({"name": "latency", "seconds": 1.5, "match": "GET .*backupJobs"})
    call = asyncio.create_task(app.alert(backup_failure("vm-04", job)))

    async def asked() -> bool | None:
        return len(await reads()) > before or None

    await app.until(asked)
    os.kill(worker_of(app), signal.SIGKILL)
    assert (await call).status == 500
    assert await app.remembered(item_id("vm-04")) is None
    await app.arm()

    await app.sweep()

    assert (await app.closed("vm-04")).outcome is Outcome.RECOVERED
    assert len(await app.posts("vm-04")) == 1
