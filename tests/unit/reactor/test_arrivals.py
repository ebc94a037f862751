"""An alert that has arrived is remembered with its kind and its vault, and a test is nothing but that."""

import json
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.policy.scope import Names, Scope
from reactor import webhook
from reactor.alerts import parse_body
from reactor.events import parse_events
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reactor.signals import Ignored, Signal
from tests.builders import SUBSCRIPTION, vault
from tests.payloads import body, payload
from tests.world import World

JOB = "4f6c2d1e-8a3b-4c5d-9e7f-0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("backup_failure_vm", AlertKind.BACKUP_ALERT),
        ("backup_failure_of_a_backup_vault", AlertKind.BACKUP_ALERT),
        ("log_alert_backup_job", AlertKind.LOG_ALERT),
        ("metric_alert_backup_health", AlertKind.METRIC_ALERT),
        ("activity_log_alert_backup_refused", AlertKind.ACTIVITY_LOG_ALERT),
    ],
)
def test_an_alert_has_the_kind_of_who_raised_it(name: str, kind: AlertKind) -> None:
    """By its monitoring service."""
    [signal] = parse_body(body(name))
    assert isinstance(signal, Signal)
    assert signal.kind is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("event_grid_backup_refused", AlertKind.EVENT),
        ("event_grid_alert", AlertKind.BACKUP_ALERT),
        ("event_grid_failure_found", None),
    ],
)
def test_an_announcement_of_our_own_is_no_alert(name: str, kind: AlertKind | None) -> None:
    """A sweep that hands on what it finds would pass for one."""
    event = payload(name)
    [signal] = parse_events(event["eventType"], event["data"], subject=event.get("subject", ""))
    assert isinstance(signal, Signal)
    assert signal.kind is kind


class Noted:
    """What was noted; it may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.found: list[tuple[str, AlertKind]] = []
        self.error = error

    async def __call__(self, told: Vault, kind: AlertKind = AlertKind.TEST) -> None:
        """Note one."""
        if self.error:
            raise self.error
        self.found.append((told.name, kind))

    async def handles(self, world: World, signal: Signal | Ignored) -> str:
        """What becomes of a signal that arrives."""
        resolver = Resolver(
            vaults=world.vaults,
            item_lookup=world.item_lookup,
            clock=world.clock,
            lookback=timedelta(hours=24),
            scope=Scope(),
        )
        handler = SignalHandler(resolver=resolver, engine=world.engine, note=self)
        [result] = await handler.handle_signals([signal], seconds=30)
        return ", ".join(each.decision for each in result.reports)


async def test_an_alert_whose_vault_has_answered_is_noted(world: World) -> None:
    """Once it has been handled."""
    world.fails(JOB)
    noted, [signal] = Noted(), parse_body(body("backup_failure_vm"))
    assert await noted.handles(world, signal) == "triggered"
    assert noted.found == [("vault-1", AlertKind.BACKUP_ALERT)]


async def test_what_cannot_be_noted_costs_no_alert(world: World) -> None:
    """The next one is noted."""
    world.fails(JOB)
    [signal] = parse_body(body("backup_failure_vm"))
    assert await Noted(AzureUnavailable("ledger")).handles(world, signal) == "triggered"


@pytest.mark.parametrize(
    ("content", "scope", "error", "status"),
    [
        (body("log_alert_v2"), Scope(), None, 202),
        (b"{}", Scope(), None, 400),
        (body("log_alert_v2"), Scope(subscriptions=Names(patterns=(f"!{SUBSCRIPTION}",))), None, 400),
        (body("log_alert_v2"), Scope(), AzureUnavailable("ledger"), 503),
        (b"x" * (webhook.LARGEST_BODY + 1), Scope(), None, 413),
    ],
)
async def test_a_drill_is_stored_and_nothing_else(
    content: bytes, scope: Scope, error: Exception | None, status: int
) -> None:
    """What arrives as Azure Monitor sends it is answered 202 once the ledger has it."""
    noted = Noted(error)
    answer = await webhook.answer_drill(content, vault(), scope, noted)
    json.dumps(answer.body)
    assert (answer.status, bool(noted.found)) == (status, status == 202)
