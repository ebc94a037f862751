"""The webhook, the sweep, the follow-up and the health answer of the real app. Each test has VMs of its own."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.jobs import Source
from tests.app_service import named, person, reaches
from tests.running_app import App, Json
from tests.vm_estate import backup_failure, item_id, vault_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGNALS = Path(__file__).parents[3] / "shared" / "azure" / "signals"
NO_JOB = "00000000-0000-0000-0000-00000000abcd"


def changed(alert: Json, **essentials: Any) -> Json:
    """The alert with other essentials."""
    copy: Json = json.loads(json.dumps(alert))
    copy["data"]["essentials"] |= essentials
    return copy


# ---- the webhook: what is handled --------------------------------------------------------------------------


async def test_an_alert_triggers_the_retry_in_the_same_call(app: App) -> None:
    """202 says what was decided and why, and the vault has the job that carries the attempt's id."""
    job = await app.fail("vm-01")
    answer = await app.alert(backup_failure("vm-01", job))
    assert answer.status == 202
    wanted = {"job": job, "decision": "triggered", "state": "triggered", "attempts": 1, "outcome": None}
    assert {name: answer.result[name] for name in wanted} == wanted
    assert answer.result["reason"] in set(Reason)
    [post], [retry] = await app.posts("vm-01"), await app.retries("vm-01")
    incident = await app.incident("vm-01")
    assert incident.id == answer.result["incident"]
    assert retry["activity_id"] == post["client_request_id"] == incident.attempts[0].id


async def test_a_retry_that_completes_closes_the_incident(app: App) -> None:
    """The follow-up hears of it from the vault; the same alert, late, changes nothing."""
    alert = backup_failure("vm-02", await app.fail("vm-02"))
    await app.alert(alert)
    closed = await app.closed("vm-02")
    [retry] = await app.retries("vm-02")
    assert (closed.outcome, closed.reason) == (Outcome.RECOVERED, Reason.RETRY_SUCCEEDED)
    assert [attempt.job_id for attempt in closed.attempts] == [retry["name"]]
    late = await app.alert(alert)
    assert (late.status, late.result["decision"]) == (202, "already_handled")
    assert len(await app.posts("vm-02")) == 1


async def test_thirty_deliveries_of_one_alert_trigger_once(app: App) -> None:
    """All of them are answered 202; one says triggered, and those that find no place are kept for later."""
    alert = backup_failure("vm-03", await app.fail("vm-03"))
    answers = await asyncio.gather(*(app.alert(alert) for _ in range(30)))
    assert {answer.status for answer in answers} == {202}
    decisions = [each["decision"] for answer in answers for each in answer.body["results"]]
    kept = sum("kept" in answer.body for answer in answers)
    assert sorted(decisions) == ["already_handled"] * (29 - kept) + ["triggered"]
    assert len(await app.posts("vm-03")) == 1


async def test_an_alert_without_a_job_is_resolved_in_the_vault(app: App) -> None:
    """The item's newest failure is meant; another item's is not touched."""
    job, _ = await app.fail("vm-04"), await app.fail("vm-05")
    answer = await app.alert(backup_failure("vm-04"))
    assert (answer.status, answer.result["job"], answer.result["decision"]) == (202, job, "triggered")
    assert await app.posts("vm-05") == []


async def test_what_needs_a_person_is_closed_with_the_remedy(app: App) -> None:
    """Nothing is triggered."""
    answer = await app.failed_and_alerted("vm-06", "UserErrorVmProvisioningStateFailed")
    assert answer.status == 202
    assert (answer.result["decision"], answer.result["outcome"]) == ("closed", "needs_action")
    assert "extension" in answer.result["detail"]
    assert await app.posts("vm-06") == []


async def test_an_alert_of_our_own_failed_retry_starts_nothing_new(app: App) -> None:
    """It fails the attempt; after the backoff there is a second one, which recovers."""
    await app.failed_and_alerted("fails-once")
    [retry] = await app.retries("fails-once")
    answer = await app.alert(backup_failure("fails-once", retry["name"]))
    assert (answer.status, answer.result["decision"], answer.result["reason"]) == (202, "waiting", "backoff")
    assert len(await app.posts("fails-once")) == 1
    closed = await app.closed("fails-once")
    results = [attempt.result for attempt in closed.attempts]
    assert (closed.outcome, results) == (Outcome.RECOVERED, [AttemptResult.FAILED, AttemptResult.COMPLETED])
    assert len(await app.posts("fails-once")) == 2


async def test_three_failed_retries_are_enough(app: App) -> None:
    """Then a person is told."""
    await app.failed_and_alerted("fails-always")
    closed = await app.closed("fails-always")
    assert (closed.outcome, closed.attempts_spent) == (Outcome.EXHAUSTED, 3)
    assert len(await app.posts("fails-always")) == 3


async def test_an_unknown_job_is_none_of_our_business(app: App) -> None:
    """The vault does not have it: 200, and nothing is stored."""
    answer = await app.alert(backup_failure("vm-08", NO_JOB))
    assert (answer.status, answer.body["results"]) == (200, [])
    assert NO_JOB in answer.body["ignored"]
    assert await app.remembered(item_id("vm-08")) is None


# ---- the webhook: what is not ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "essentials",
    [
        {"monitorCondition": "Resolved"},
        {"monitoringService": "Platform"},
    ],
    ids=lambda essentials: str(*essentials.values()),
)
async def test_other_alerts_are_acknowledged(app: App, essentials: Json) -> None:
    """200 with the reason; a failed job behind it is left alone."""
    alert = backup_failure("vm-09", await app.fail("vm-09"))
    answer = await app.alert(changed(alert, **essentials))
    assert (answer.status, answer.body["results"]) == (200, [])
    assert answer.body["ignored"]
    assert await app.posts("vm-09") == []


@pytest.mark.skipif(not SIGNALS.is_dir(), reason="the collection of Azure's own payloads is not at hand")
@pytest.mark.parametrize("number", ["02", "03", "04", "05"])
async def test_the_portals_test_notifications_are_acknowledged(app: App, number: str) -> None:
    """200, as to every alert in the common schema that is not ours."""
    [payload] = SIGNALS.glob(f"{number}_*.json")
    assert (await app.alert(payload.read_bytes())).status == 200


async def test_another_schema_is_refused_with_the_remedy(app: App) -> None:
    """400 says what is wrong, where, and what to turn on."""
    answer = await app.alert({"schemaId": "AzureMonitorMetricAlert", "data": {"status": "Activated"}})
    assert (answer.status, answer.body["where"]) == (400, "schemaId")
    assert "common alert schema" in answer.body["remedy"]


@pytest.mark.parametrize("body", [b"", b"{", b"backup failed", b"\xff\xfe", b"NaN{"])
async def test_what_is_no_json_is_refused(app: App, body: bytes) -> None:
    """400."""
    answer = await app.alert(body)
    assert (answer.status, answer.body["where"]) == (400, "body")


async def test_a_body_that_no_alert_can_have_is_too_large(app: App) -> None:
    """More than 256 KiB is 413; exactly that much is read."""
    alert = json.dumps(backup_failure("vm-10", NO_JOB)).encode()
    assert (await app.alert(alert.ljust(256 * 1024))).status == 200
    assert (await app.alert(alert.ljust(256 * 1024 + 1))).status == 413


@pytest.mark.parametrize("key", ["", "wrong"])
async def test_without_the_key_there_is_no_answer(app: App, key: str) -> None:
    """401, and nothing happens."""
    alert = backup_failure("vm-11", await app.fail("vm-11"))
    assert (await app.alert(alert, key=key)).status == 401
    assert await app.posts("vm-11") == []


async def test_a_header_that_names_a_person_is_no_key(app: App) -> None:
    """Without App Service authentication it is the caller's own word."""
    headers = reaches(named(person(roles=["BackupRetry.Operator"])), on=False)
    for path in ("status", "status.json", "incidents/x", "incidents/x.json"):
        async with app.http.get(f"{app.stack.run.host}/api/{path}", headers=headers) as response:
            assert response.status == 401


RUBBISH: list[Any] = [
    None,
    True,
    -1,
    1e308,
    "",
    "\x00",
    "\ud800",
    "../..",
    "x" * 10_000,
    [],
    [[]],
    [None],
    {},
    {"a": {}},
]


def mutations(value: Any) -> Iterator[Any]:
    """The value with each of its parts, one after the other, replaced by each kind of rubbish or left out."""
    yield from RUBBISH
    if isinstance(value, dict):
        for name in value:
            rest = {key: each for key, each in value.items() if key != name}
            yield rest
            yield from ({**rest, name: changed} for changed in mutations(value[name]))
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from ([*value[:index], changed, *value[index + 1 :]] for changed in mutations(part))


async def test_rubbish_is_never_an_error_of_ours(app: App) -> None:
    """Whatever an alert's parts are replaced by: 200, 202 or 400, which Azure takes for final."""
    alert = backup_failure("vm-12", await app.fail("vm-12"))
    bodies = [json.dumps(each).encode() for each in mutations(alert)]
    answers = []
    for start in range(0, len(bodies), 16):
        answers += await asyncio.gather(*map(app.alert, bodies[start : start + 16]))
    bad = {
        bodies[i][:300]: each.status for i, each in enumerate(answers) if each.status not in {200, 202, 400}
    }
    assert bad == {}
    assert len(await app.posts("vm-12")) == 1


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["arrays", "objects"])
async def test_deep_nesting_is_refused(app: App, opening: bytes) -> None:
    """400: a 503 would make Azure send it again and then silence the endpoint for a quarter of an hour."""
    assert (await app.alert(opening * 40_000)).status == 400


@pytest.mark.parametrize("name", ["resource\ud800group", "resource\x00group", "%2e%2e", "..;", "a" * 5_000])
async def test_hostile_names_are_answered_for_good(app: App, name: str) -> None:
    """Names that no URL can hold, or that no vault has, are no reason to be called again."""
    alert = changed(backup_failure("vm-13", NO_JOB), alertTargetIDs=[vault_id().replace("rg-backup", name)])
    answer = await app.alert(json.dumps(alert).encode())
    assert answer.status in {200, 202, 400}


# ---- the sweep ---------------------------------------------------------------------------------------------


async def test_the_sweep_finds_what_no_alert_told(app: App) -> None:
    """Once, however often it runs."""
    await app.fail("vm-21")
    await app.sweep()
    await app.sweep()
    incident = await app.incident("vm-21")
    assert incident.found_by is Source.SWEEP
    assert len(await app.posts("vm-21")) == 1
    assert (await app.closed("vm-21")).outcome is Outcome.RECOVERED


async def test_the_sweep_leaves_alone_what_a_person_cancelled_or_repaired(app: App) -> None:
    """A cancelled job is noted and closed; a failure with a later success is not even noted."""
    await app.run_backup("vm-22", {"status": "Cancelled", "seconds": 0})
    await app.fail("vm-23", age_seconds=60)
    await app.run_backup("vm-23", {"status": "Completed", "seconds": 0})
    await app.sweep()
    assert (await app.incident("vm-22")).outcome is Outcome.LEFT_ALONE
    assert await app.posts("vm-22") + await app.posts("vm-23") == []


async def test_an_alert_and_a_sweep_at_once_trigger_once(app: App) -> None:
    """Whoever saves first has the item."""
    alert = backup_failure("vm-24", await app.fail("vm-24"))
    answer, _, _ = await asyncio.gather(app.alert(alert), app.sweep(), app.follow_up())
    assert answer.status == 202
    assert len(await app.posts("vm-24")) == 1


# ---- health ------------------------------------------------------------------------------------------------


async def test_health_says_a_few_things_and_no_more(app: App) -> None:
    """To anybody who asks."""
    await app.sweep()
    await app.follow_up()
    health = await app.health()
    runs = {"last_sweep", "incomplete_sweep", "last_follow_up", "unwell_timers"}
    counts = {"open_incidents", "approvals_waiting", "unreadable_rows", "unprotected", "stopped_timers"}
    assert set(health) == {"version", "package"} | counts | runs
    assert isinstance(health["open_incidents"], int)
