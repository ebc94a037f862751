"""The function app as Azure runs it, with its own wiring: only its clock, its ledger and the time it may take are ours.

This is the one place that knows how the app is put together. The entry points are called by the names of their
functions, which are the app's public face, and answer as they answer Azure.
"""

import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import azure.functions as func

from backup_retry import wiring
from backup_retry.azure.client import AzureClients
from backup_retry.azure.pacing import ArmPace, GraphQuota
from backup_retry.domain.errors import SettingsError
from backup_retry.domain.incident import Incident
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report
from backup_retry.ports.arrivals import MemoryArrivals
from backup_retry.ports.causes import MemoryCauses
from backup_retry.ports.inbox import MemoryInbox
from backup_retry.ports.known_vaults import MemoryKnownVaults
from backup_retry.ports.protection_history import MemoryHistory
from backup_retry.ports.reports import MemoryReports
from backup_retry.ports.turns import MemoryTurns
from backup_retry.ports.unreadable_rows import MemoryUnreadables
from backup_retry.ports.unsent_notices import MemoryUnsentStore
from backup_retry.settings.loading import load_settings
from backup_retry.settings.settings import Settings
from simulator.machine.tls import Certificates
from tests.cases.case import Json, NotACaseError
from tests.cases.server import TOPIC, Azure
from tests.clock import Clock
from tests.table_storage import StaticCredential

_LOGGER = logging.getLogger("backup_retry")
#: more than any case takes, however busy the machine is
_SECONDS = 60.0


class RememberingLedger(MemoryReports):
    """Keeps at hand what became of each item."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[str, Incident] = {}

    async def create_tables(self) -> None:
        """Nothing to create."""

    async def save(self, incident: Incident, *args: Any, **options: Any) -> Incident | None:
        """See Ledger."""
        saved = await super().save(incident, *args, **options)
        if saved is not None:
            self.latest[saved.item.key] = saved
        return saved


class Patience:
    """Waits at once, and counts as time what it should have waited."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waited = 0.0

    def time(self) -> float:
        """Seconds, for whoever paces calls."""
        return self._clock().timestamp() + self._waited

    async def sleep(self, seconds: float) -> None:
        """Have waited."""
        self._waited += seconds


@dataclass
class AppLog:
    """What the app said of itself while it ran: decisions about failures, and the events of its log."""

    reports: list[Report] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)


@dataclass
class Product:
    """The app of one case."""

    azure: Azure
    clock: Clock
    ledger: RememberingLedger
    inbox: MemoryInbox
    functions: Mapping[str, Any]
    app_log: AppLog
    #: what the settings were made from
    chosen: dict[str, Any]
    settings: Settings
    causes: MemoryCauses = field(default_factory=MemoryCauses)
    clients: AzureClients | None = None
    parts: wiring.Parts | None = None

    async def alert(self, payload: object) -> tuple[int, Json]:
        """The webhook's answer to an alert; a text is sent as it stands."""
        request = func.HttpRequest("POST", "https://app.test/api/alerts", body=_body(payload))
        answer = await self.functions["alerts"](request)
        return answer.status_code, json.loads(answer.get_body())

    async def event(self, event: Json) -> None:
        """Event Grid delivers an event, of either schema."""
        await self.functions["events"](
            func.EventGridEvent(
                id=str(event.get("id") or uuid4()),
                data=event.get("data") or {},
                topic=str(event.get("topic") or event.get("source") or ""),
                subject=str(event.get("subject") or ""),
                event_type=str(event.get("eventType") or event.get("type") or ""),
                event_time=None,
                data_version="1.0",
            )
        )

    async def timer(self, name: str) -> None:
        """A timer fires."""
        await self.functions[name](None)

    async def parse(self, payload: object) -> object:
        """What the parser alone makes of an alert; raises BadSignal."""
        from reactor.alerts import parse_body  # noqa: PLC0415 (as late as the app itself)

        [read] = parse_body(_body(payload), self.settings.dimensions)
        return read

    async def configure(self, changed: Mapping[str, Any]) -> None:
        """The app starts anew with these settings beside those it had; ledger and inbox stay."""
        self.chosen |= _known(changed)
        self.settings = _settings(self.chosen)
        assert self.clients is not None
        self.parts = await wiring.build(self.settings, self.clients)


@asynccontextmanager
async def running(
    azure: Azure, clock: Clock, trust: Certificates, changed: Mapping[str, Any]
) -> AsyncIterator[Product]:
    """The app on that Azure, as long as the block runs; one at a time in a process.

    Raises:
        NotACaseError: the case's settings are not to be had.
    """
    with _logging() as app_log:
        chosen = {**_ours(azure), **_known(changed)}
        ledger, inbox = RememberingLedger(), MemoryInbox(clock)
        product = Product(azure, clock, ledger, inbox, _functions(), app_log, chosen, _settings(chosen))
        with _instead_of_ours(product):
            async with AzureClients(product.settings, ssl_context=trust.client_context()) as clients:
                _be_patient(clients, clock)
                product.clients = clients
                product.parts = await wiring.build(product.settings, clients)
                yield product


@contextmanager
def _instead_of_ours(product: Product) -> Iterator[None]:
    """What is not the app's own while a case is played."""

    async def parts() -> wiring.Parts:
        assert product.parts is not None
        return product.parts

    class ListeningEngine(Engine):
        """Keeps what it was asked about."""

        async def handle(self, *args: Any, **options: Any) -> Report:
            """See Engine."""
            report = await super().handle(*args, **options)
            product.app_log.reports.append(report)
            return report

    arrivals, unsent, history = MemoryArrivals(), MemoryUnsentStore(), MemoryHistory()
    stand_ins = {
        "backup_retry.wiring.clock": product.clock,
        "backup_retry.wiring.settings": lambda: product.settings,
        "backup_retry.wiring.parts": parts,
        "backup_retry.wiring.Engine": ListeningEngine,
        "backup_retry.azure.table_ledger.TableLedger": lambda *_: product.ledger,
        "backup_retry.azure.table_inbox.TableInbox": lambda *_: product.inbox,
        "backup_retry.azure.table_reports.TableReports": lambda *_: product.ledger,
        "backup_retry.azure.table_causes.TableCauses": lambda *_: product.causes,
        "backup_retry.azure.table_turns.TableTurns": lambda *_: MemoryTurns(),
        "backup_retry.azure.table_vaults.TableVaults": lambda *_: MemoryKnownVaults(),
        "backup_retry.azure.table_arrivals.TableArrivals": lambda *_: arrivals,
        "backup_retry.azure.table_history.TableHistory": lambda *_: history,
        "backup_retry.azure.table_unsent.TableUnsentStore": lambda *_: unsent,
        "backup_retry.azure.table_unreadable.TableUnreadables": lambda *_: MemoryUnreadables(),
        "reactor.webhook._SECONDS": _SECONDS,
        "reactor.webhook._AT_MOST_SECONDS": 2 * _SECONDS,
    }
    with ExitStack() as replaced:
        for target, stand_in in stand_ins.items():
            replaced.enter_context(patch(target, stand_in))
        yield


@contextmanager
def _logging() -> Iterator[AppLog]:
    """The app's log is read, and nobody else hears of it."""
    app_log = AppLog()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                app_log.events.append(json.loads(record.getMessage()))
            except ValueError:
                app_log.events.append({"event": "", "problem": record.getMessage(), "fault": record.exc_info})

    ear, level, propagates = Ear(), _LOGGER.level, _LOGGER.propagate
    _LOGGER.addHandler(ear)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    try:
        yield app_log
    finally:
        _LOGGER.removeHandler(ear)
        _LOGGER.setLevel(level)
        _LOGGER.propagate = propagates


@cache
def _functions() -> Mapping[str, Any]:
    """The app's functions by their names, as the host finds them; an app tells them once, hence one of our own."""
    from reactor.functions import blueprint as reactor  # noqa: PLC0415 (it logs while it is loaded)
    from reconciler.functions import blueprint as reconciler  # noqa: PLC0415

    app = func.FunctionApp()
    for blueprint in (reactor, reconciler):
        app.register_functions(blueprint)
    return {str(each.get_function_name()): each.get_user_function() for each in app.get_functions()}


def _be_patient(clients: AzureClients, clock: Clock) -> None:
    """Waits between calls take no time, and end with the case's clock; the identity is nobody's."""
    patience = Patience(clock)
    clients._credential = StaticCredential()
    clients._transport.pace = ArmPace(patience.time, patience.sleep)
    clients.graph_quota = GraphQuota(patience.time, patience.sleep)


def _body(payload: object) -> bytes:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return text.encode(errors="surrogatepass")


def _ours(azure: Azure) -> dict[str, Any]:
    return {
        "arm_endpoint": azure.manager.url,
        "ledger_endpoint": "https://ledger.test",
        "eventgrid_topic_endpoint": f"{azure.manager.url}{TOPIC}",
        "keep_days": 0,
    }


def _settings(values: Mapping[str, Any]) -> Settings:
    try:
        return load_settings(values)
    except SettingsError as error:
        raise NotACaseError(f"settings: {error}") from error


def _known(changed: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their names here; a case may write them as the environment has them."""
    return {name.lower(): value for name, value in changed.items() if name not in unknown_settings(changed)}


def unknown_settings(changed: Mapping[str, Any]) -> list[str]:
    """Names that no setting has."""
    return [name for name in changed if name.lower() not in Settings.model_fields]
