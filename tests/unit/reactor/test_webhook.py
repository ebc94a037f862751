"""The webhook's answers: every status code, and what its body tells whoever reads the action group's history."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from backup_retry.domain.alert_dimensions import DEFAULT, Dimensions
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AzureUnavailable, BackupRetryError, Forbidden, Throttled
from backup_retry.policy.scope import Scope
from reactor import webhook
from reactor.resolve import Resolver
from reactor.signal_handler import Defer, SignalHandler
from reactor.signals import Signal
from reactor.webhook import LARGEST_BODY, Answer
from tests.builders import NEEDS_PERSON, item, minutes
from tests.payloads import body, payload
from tests.signal_reading import MACHINE_ID
from tests.world import World

JOB = "4f6c2d1e-8a3b-4c5d-9e7f-0a1b2c3d4e5f"
ALERT = body("backup_failure_vm")


async def at_once() -> None:
    """An instance that has been ready for long."""


async def post(
    world: World,
    content: bytes = ALERT,
    dimensions: Dimensions = DEFAULT,
    started: Callable[[], Awaitable[None]] = at_once,
    defer: Defer | None = None,
) -> Answer:
    """Send a body to the webhook, of an instance that is ready as soon as it has started."""

    async def reactor() -> SignalHandler:
        await started()
        resolver = Resolver(
            vaults=world.vaults,
            item_lookup=world.item_lookup,
            clock=world.clock,
            lookback=timedelta(hours=24),
            scope=Scope(),
        )
        return SignalHandler(resolver=resolver, engine=world.engine, defer=defer)

    answer = await webhook.answer(content, reactor, dimensions)
    json.dumps(answer.body)
    return answer


async def test_a_failed_job_is_answered_with_what_was_decided(world: World) -> None:
    """202, one result per failed job: decision, reason and where it stands."""
    world.fails(JOB)

    answer = await post(world)

    incident = await world.incident()
    assert answer.status == 202
    (result,) = answer.body["results"]
    assert (result["job"], result["item"], result["decision"]) == (JOB, item().id, "triggered")
    assert (result["incident"], result["state"]) == (incident.id, "triggered")
    assert (result["attempts"], result["outcome"]) == (1, None)


async def test_a_job_that_needs_a_person_is_answered_with_the_remedy(world: World) -> None:
    """202 as well: it was decided, and the detail says what to do."""
    world.fails(JOB, error=NEEDS_PERSON)

    answer = await post(world)

    (result,) = answer.body["results"]
    assert (answer.status, result["decision"]) == (202, "closed")
    assert (result["reason"], result["outcome"]) == (Reason.NEEDS_ACTION, Outcome.NEEDS_ACTION)
    assert result["detail"] == (await world.incident()).detail != ""


async def test_a_second_delivery_is_answered_as_handled(world: World) -> None:
    """202, so that the action group does not come back."""
    world.fails(JOB)
    await post(world)

    answer = await post(world)

    assert answer.status == 202
    assert [result["decision"] for result in answer.body["results"]] == ["already_handled"]
    assert len(world.attempts) == 1


@pytest.mark.parametrize(
    "name",
    [
        "backup_failure_resolved",
        "metric_alert",
        "metric_alert_backup_healthy",
        "log_alert_v2",
        "activity_log_alert_backup_accepted",
        "security_alert",
        "alert_of_another_service_with_an_odd_context",
    ],
)
async def test_what_is_none_of_our_business_is_answered_with_200(world: World, name: str) -> None:
    """Resolved, the portal's test notifications and other services' alerts: nothing is done, and it says why."""
    answer = await post(world, body(name))

    assert answer.status == 200
    assert answer.body["results"] == []
    assert answer.body["ignored"]


async def test_a_job_that_the_vault_does_not_confirm_is_answered_with_200(world: World) -> None:
    """Nothing is done on an alert's word alone."""
    answer = await post(world)

    assert (answer.status, answer.body["results"]) == (200, [])
    assert JOB in answer.body["ignored"]


@pytest.mark.parametrize(
    "name",
    [
        "runbook_webhook",
        "log_alert_backup_job",
        "log_alert_machine",
        "log_alert_of_a_vault",
        "metric_alert_backup_health",
        "metric_alert_backup_health_dynamic",
        "activity_log_alert_backup_refused",
    ],
)
async def test_every_kind_of_alert_leads_to_the_failed_job(world: World, name: str) -> None:
    """202, the same result and one trigger, whichever way it is heard of and however often."""
    world.item_lookup.items[MACHINE_ID] = [item()]
    world.fails(JOB)

    answers = [await post(world, body(name)) for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 202]
    assert [answer.body["results"][0]["decision"] for answer in answers] == ["triggered", "already_handled"]
    assert len(world.attempts) == 1


async def test_dimensions_that_an_administrator_has_added_are_read(world: World) -> None:
    """The job under a name of its own: without it, the other machine's failure would be looked at, too."""
    world.fails(JOB)
    world.fails("job-2", of=item(2))
    alert = payload("log_alert_of_a_vault")
    condition = alert["data"]["alertContext"]["condition"]
    condition["allOf"][0]["dimensions"] = [{"name": "RunId", "value": JOB}]

    answer = await post(world, json.dumps(alert).encode(), Dimensions.parse("job: RunId"))

    assert [result["job"] for result in answer.body["results"]] == [JOB]


async def test_a_wrapper_around_no_alert_is_answered_with_400(world: World) -> None:
    """It says which text is wrong."""
    answer = await post(world, b'{"WebhookName": "w", "RequestBody": "{", "RequestHeader": {}}')

    assert (answer.status, answer.body["where"]) == (400, "RequestBody")


async def test_another_schema_is_answered_with_how_to_mend_it(world: World) -> None:
    """400: what is wrong, where, and which switch to turn on."""
    answer = await post(world, body("metric_alert_own_schema"))

    assert answer.status == 400
    assert set(answer.body) == {"error", "where", "remedy"}
    assert answer.body["where"] == "schemaId"
    assert "common alert schema" in answer.body["remedy"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"data": {}}'])
async def test_what_is_no_alert_is_answered_with_400(world: World, content: bytes) -> None:
    """Never with 500."""
    answer = await post(world, content)

    assert answer.status == 400
    assert all(answer.body[key] for key in ("error", "where", "remedy"))


async def test_a_body_that_is_too_large_is_answered_with_413(world: World) -> None:
    """It is not even parsed: 256 KB is the most that Azure sends."""
    answer = await post(world, b" " * (LARGEST_BODY + 1))

    assert answer.status == 413
    assert str(LARGEST_BODY) in answer.body["error"]
    assert answer.body["remedy"]


async def test_the_largest_body_is_read(world: World) -> None:
    """Blanks after the alert, up to the last byte that is allowed."""
    world.fails(JOB)

    answer = await post(world, ALERT + b" " * (LARGEST_BODY - len(ALERT)))

    assert answer.status == 202


async def test_azure_not_answering_is_answered_with_503(world: World) -> None:
    """The action group comes back after a 503, and never after a 500."""
    world.vaults.read_error = AzureUnavailable("no answer")

    answer = await post(world)

    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "no answer" in answer.body["error"]
    assert answer.body["remedy"]


async def test_azures_own_retry_after_is_passed_on(world: World) -> None:
    """In whole seconds."""
    world.vaults.read_error = Throttled("too many requests", retry_after=minutes(2))

    assert (await post(world)).headers == {"Retry-After": "120"}


async def test_a_vault_that_refuses_is_answered_with_what_is_kept(world: World) -> None:
    """202: the sender need not call again, and a timer comes back to it."""
    deferred: list[Signal] = []

    async def defer(came: Signal) -> None:
        deferred.append(came)

    world.vaults.read_error = Forbidden("no role", status=403)

    answer = await post(world, defer=defer)

    assert (answer.status, answer.body) == (202, {"results": [], "kept": "no role"})
    assert [each.job_id for each in deferred] == [JOB]


async def test_several_alerts_in_one_call_are_answered_together(world: World) -> None:
    """What was decided about each failed job; one that is none of our business keeps no other back."""
    world.fails(JOB)
    alerts = [payload("metric_alert"), payload("backup_failure_vm"), payload("backup_failure_vm")]

    answer = await post(world, json.dumps(alerts).encode())

    assert answer.status == 202
    assert sorted(each["decision"] for each in answer.body["results"]) == ["already_handled", "triggered"]
    assert len(world.attempts) == 1


@pytest.mark.parametrize("error", [AzureUnavailable("no answer"), Forbidden("no role", status=403)])
async def test_a_ledger_that_cannot_be_reached_is_answered_with_503(error: BackupRetryError) -> None:
    """Nothing could be stored: the sender has to come back, whether the ledger is away or refuses us."""

    async def reactor() -> SignalHandler:
        raise error

    answer = await webhook.answer(ALERT, reactor)

    assert answer.status == 503
    assert answer.headers["Retry-After"]


async def test_a_malformed_alert_needs_no_ledger() -> None:
    """400 even while nothing else works."""

    async def reactor() -> SignalHandler:
        raise AssertionError("the reactor was built")

    assert (await webhook.answer(b"{", reactor)).status == 400


async def test_an_instance_that_does_not_get_ready_is_answered_with_503(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before Azure gives up waiting: the sender comes back."""
    monkeypatch.setattr(webhook, "_SECONDS_TO_START", 0.01)

    async def reactor() -> SignalHandler:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    assert (await webhook.answer(ALERT, reactor)).status == 503


async def test_the_start_of_an_instance_takes_nothing_from_the_time_for_azure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the first alerts of a cold instance would be too late for their retry."""
    monkeypatch.setattr(webhook, "_AT_MOST_SECONDS", 0.1)
    world.fails(JOB)

    async def slowly() -> None:
        await asyncio.sleep(0.2)

    answer = await post(world, started=slowly)

    assert answer.body["results"][0]["decision"] == "triggered"
