"""Bad input of every kind at both entry points: documented answers only, no call outside the scope, no trigger."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import azure.functions as func
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup_retry import wiring
from backup_retry.domain.alert_dimensions import Dimensions
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.failure_batches import FAILURE_FOUND
from backup_retry.domain.jobs import Job, JobList, JobStatus
from backup_retry.engine.engine import Engine
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.inbox import MemoryInbox
from backup_retry.ports.item_lookup import MemoryItemLookup
from backup_retry.ports.ledger import MemoryLedger
from backup_retry.ports.tag_lookup import MemoryTagLookup
from backup_retry.ports.vaults import MemoryVaults
from reactor import webhook
from reactor.deferred_signals import written
from reactor.events import ACTION_FAILED
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from tests.builders import SUBSCRIPTION, item, job, minutes
from tests.clock import Clock
from tests.hostile_signals import (
    COMPLETED,
    MACHINE,
    RUNNING,
    actions,
    alert,
    anything,
    hostile_alerts,
    mutated,
    own_events,
)

DOCUMENTED = {200, 202, 400, 413}
FUZZ = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# ---- whom it is sent to --------------------------------------------------------------------------------------------


@dataclass
class WatchedVaults(MemoryVaults):
    """Vaults that remember which subscriptions they were asked about."""

    asked: list[str] = field(default_factory=list)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """See Vaults."""
        self.asked.append(vault.subscription)
        return await super().job(vault, job_id)

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """See Vaults."""
        self.asked.append(vault.subscription)
        return await super().jobs(vault, since, fresh_since=fresh_since)


class Target:
    """The app in one process, on an estate in which no backup has failed."""

    def __init__(self) -> None:
        clock = Clock()
        self.vaults = WatchedVaults(clock=clock)
        self.vaults.protect(item())
        at = clock() - minutes(5)
        self.vaults.shown_jobs += [
            job(COMPLETED, status=JobStatus.COMPLETED),
            job(RUNNING, status=JobStatus.IN_PROGRESS, started_at=at),
        ]
        self.ledger = MemoryLedger()
        scope = Scope(subscriptions=Names(patterns=(SUBSCRIPTION,)))
        self._engine = Engine(
            ledger=self.ledger,
            controls=self.ledger,
            storms=self.ledger,
            vaults=self.vaults,
            tag_lookup=MemoryTagLookup(),
            rules=Rules(scope=scope),
            clock=clock,
        )
        self.item_lookup = MemoryItemLookup({MACHINE: [item()]})
        resolver = Resolver(
            vaults=self.vaults,
            item_lookup=self.item_lookup,
            clock=clock,
            lookback=minutes(60 * 24),
            scope=scope,
        )
        inbox = MemoryInbox(clock)
        self._reactor = SignalHandler(
            resolver=resolver, engine=self._engine, defer=lambda signal: inbox.add(written(signal))
        )
        self.settings = SimpleNamespace(sweep_lookback=minutes(60 * 24), scope=scope, dimensions=Dimensions())
        self.parts = SimpleNamespace(
            vaults=self.vaults,
            item_lookup=self.item_lookup,
            clock=clock,
            settings=self.settings,
            engine=self._engine,
            inbox=inbox,
            clients=SimpleNamespace(reads_are_low=lambda _: False),
            publisher=None,
            controls=self.ledger,
            reports=self.ledger,
        )

    async def reactor(self) -> SignalHandler:
        """As reactor.functions gives it."""
        return self._reactor

    async def post(self, body: bytes) -> int:
        """Call the webhook; the answer's status."""
        answer = await webhook.answer(body, self.reactor)
        json.dumps(answer.body)
        return answer.status

    async def event(self, event_type: str, data: object) -> None:
        """Call the Event Grid trigger."""
        from reactor import functions  # noqa: PLC0415  # its triggers are registered where the settings are

        fields: Any = {"id": "1", "topic": "t", "subject": "s", "event_time": None, "data_version": "1"}
        event = func.EventGridEvent(event_type=event_type, data=cast("Any", data), **fields)

        async def parts() -> Any:
            return self.parts

        with patch.object(wiring, "parts", parts), patch.object(wiring, "settings", lambda: self.settings):
            await functions.events(event)

    def unharmed(self) -> bool:
        """Nothing was triggered, nothing stored, and nobody outside the scope was asked about."""
        return (
            not self.vaults.triggered and not self.ledger._heads and set(self.vaults.asked) <= {SUBSCRIPTION}
        )


def body(payload: Any) -> bytes:
    """A payload as bytes; lone surrogates stay escaped."""
    return json.dumps(payload).encode()


@FUZZ
@given(mutated())
async def test_a_mutated_real_alert_gets_a_documented_answer_and_triggers_nothing(payload: Any) -> None:
    """Up to three of its values are replaced by anything."""
    target = Target()
    assert await target.post(body(payload)) in DOCUMENTED
    assert target.unharmed()


@FUZZ
@given(hostile_alerts)
async def test_hostile_ids_in_an_alert_lead_to_no_call_outside_the_scope(payload: Any) -> None:
    """Traversal, foreign subscriptions, header injection, wrong types."""
    target = Target()
    assert await target.post(body(payload)) in DOCUMENTED
    assert target.unharmed()


@FUZZ
@given(anything)
async def test_any_json_gets_a_documented_answer(payload: Any) -> None:
    """Whatever its shape."""
    target = Target()
    assert await target.post(body(payload)) in DOCUMENTED
    assert target.unharmed()


@FUZZ
@given(st.binary(max_size=300))
async def test_any_bytes_get_a_documented_answer(payload: bytes) -> None:
    """No JSON, no UTF-8."""
    target = Target()
    assert await target.post(payload) in DOCUMENTED
    assert target.unharmed()


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, 400),
        (b'{"data": "\xff\xfe"}', 400),
        ("{}".encode("utf-16"), 400),
        (b"\xef\xbb\xbf{}", 400),
        (b'{"data": ' + b"9" * 5_000 + b"}", 400),
        (b'{"data": NaN}', 400),
        (b'"' + b"x" * (webhook.LARGEST_BODY - 2) + b'"', 400),
        (b" " * (webhook.LARGEST_BODY + 1), 413),
        (b"", 400),
        (b"\x00", 400),
        (b'{"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {}, "essentials": []}}', 400),
    ],
    ids=[
        "deep list",
        "deep object",
        "not UTF-8",
        "UTF-16",
        "BOM",
        "huge number",
        "NaN",
        "huge",
        "too large",
        "empty",
        "NUL",
        "twice",
    ],
)
async def test_a_body_that_no_parser_likes_is_refused(payload: bytes, status: int) -> None:
    """With 400 or 413, and nothing else happens."""
    target = Target()
    assert await target.post(payload) == status
    assert target.unharmed()


@FUZZ
@given(
    st.sampled_from([FAILURE_FOUND, FAILURE_FOUND.upper(), ACTION_FAILED, "Microsoft.Alert", ""])
    | st.text(max_size=20),
    own_events | actions | mutated() | anything,
)
async def test_an_event_that_cannot_be_handled_is_acknowledged(event_type: str, data: Any) -> None:
    """The trigger returns, so that Event Grid does not deliver it again and again."""
    target = Target()
    await target.event(event_type, data)
    assert target.unharmed()


@FUZZ
@given(hostile_alerts | mutated())
async def test_an_outage_is_answered_by_503_and_by_nothing_else(payload: Any) -> None:
    """Whatever the alert says: documented, or 503 because Azure does not answer."""
    target = Target()
    target.vaults.read_error = AzureUnavailable("no answer")
    assert await target.post(body(payload)) in DOCUMENTED | {503}
    assert target.unharmed()


async def test_a_job_that_did_not_fail_is_not_retried() -> None:
    """The alert is well-formed and names a completed job of the item, or one that runs: that alert is deferred."""
    target = Target()
    for job_id, status in ((COMPLETED, 200), (RUNNING, 202)):
        assert await target.post(body(alert(item().vault.id, item().id, job_id))) == status
    assert target.unharmed()
