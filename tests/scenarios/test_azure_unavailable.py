"""The real app while Azure is down, slow, throttled or unclear. Each test has VMs of its own."""

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome
from tests.running_app import App, Json
from tests.vm_estate import backup_failure, item_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


# ---- Azure does not answer ---------------------------------------------------------------------------------


async def test_while_azure_is_down_a_signal_is_kept(app: App) -> None:
    """202, and no more calls of the sender's: a timer looks into it once Azure answers again."""
    alert = backup_failure("vm-14", await app.fail("vm-14"))
    await app.arm({"name": "drop_request"})
    answer = await app.alert(alert)
    await app.arm()
    assert (answer.status, answer.body["results"]) == (202, [])
    assert "vault-1" in answer.body["kept"]
    await app.process_deferred()
    await app.until(lambda: app.remembered(item_id("vm-14")))
    closed = await app.closed("vm-14")
    assert (closed.outcome, len(await app.posts("vm-14"))) == (Outcome.RECOVERED, 1)


async def test_an_alert_that_comes_before_its_jobs_end_is_kept(app: App) -> None:
    """202, and the timer finds the failure once the job has ended."""
    ending = {"status": "Failed", "seconds": 3, "error": "CloudInternalError"}
    answer = await app.alert(backup_failure("vm-26", await app.run_backup("vm-26", ending)))
    assert (answer.status, "InProgress" in answer.body["kept"]) == (202, True)
    await app.until(lambda: _ended(app, "vm-26"))
    await app.process_deferred()
    await app.until(lambda: app.remembered(item_id("vm-26")))
    closed = await app.closed("vm-26")
    assert (closed.outcome, len(await app.posts("vm-26"))) == (Outcome.RECOVERED, 1)


async def _ended(app: App, vm: str) -> bool | None:
    return all(each["status"] == "Failed" for each in await app.jobs(vm)) or None


async def test_what_was_confirmed_is_stored_when_azure_stops_answering(app: App) -> None:
    """202: the failure is in the ledger, and the follow-up makes up for the rest."""
    await app.arm({"name": "expire_token", "match": r"GET .*(/protectedItems/.*vm-16|/backupProtectedItems)"})
    answer = await app.failed_and_alerted("vm-16")
    await app.arm()
    assert (answer.status, answer.result["decision"]) == (202, "waiting")
    assert answer.result["reason"] == "azure_unavailable"
    assert await app.posts("vm-16") == []
    closed = await app.closed("vm-16")
    assert (closed.outcome, len(await app.posts("vm-16"))) == (Outcome.RECOVERED, 1)


@pytest.mark.parametrize(
    ("vm", "fault", "posts"),
    [
        ("vm-17", {"name": "drop_answer"}, 1),
        ("vm-18", {"name": "drop_request"}, 2),
        ("vm-19", {"name": "server_error", "status": 503, "retry_after": 1}, 2),
    ],
    ids=["effect", "no effect", "503"],
)
async def test_an_unclear_answer_is_settled_by_the_vault(app: App, vm: str, fault: Json, posts: int) -> None:
    """The POST that had taken effect is not repeated; the one that had not is, once the vault shows no job."""
    await app.arm({**fault, "match": f"POST .*{vm}/backup", "count": 1})
    answer = await app.failed_and_alerted(vm)
    assert (answer.status, answer.result["state"]) == (202, "unknown")
    closed = await app.closed(vm)
    assert closed.outcome is Outcome.RECOVERED
    assert len(await app.posts(vm)) == posts
    assert len(await app.retries(vm)) == 1


async def test_a_throttled_trigger_is_repeated_and_spends_no_attempt(app: App) -> None:
    """After the time that Azure named."""
    await app.arm({"name": "throttle", "match": "POST .*vm-20/backup", "retry_after": 1, "count": 1})
    answer = await app.failed_and_alerted("vm-20")
    assert (answer.result["decision"], answer.result["reason"]) == ("waiting", "throttled")
    closed = await app.closed("vm-20")
    results = [attempt.result for attempt in closed.attempts]
    assert results == [AttemptResult.THROTTLED, AttemptResult.COMPLETED]
    assert closed.attempts_spent == 1
