"""Plays a case: what arrives is given to the app, the clock moves, and all that comes of it is written down."""

import asyncio
import atexit
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backup_retry.domain.errors import BadSignal
from backup_retry.domain.notices import NoticeKind
from reactor.signals import Ignored
from simulator.machine.tls import Certificates, ensure_ca
from tests.cases.account import Account, clock_line, closing, decided, decision_of, incident_of, stands
from tests.cases.case import Case, Json, Step, read_case
from tests.cases.product import Product, running, unknown_settings
from tests.cases.server import Azure, serving
from tests.clock import Clock

#: a case takes a few; one that hangs must not hold up the others
_AT_MOST_SECONDS = 120
#: what the app publishes for itself: Event Grid brings it back
_COMES_BACK = frozenset({"BackupRetry.FailureFound", "BackupRetry.SignalDeferred", "BackupRetry.TurnDue"})
#: by the event of the log, the field that says what went wrong
_PROBLEMS = {
    "sweep_incomplete": "problems",
    "incident_failed": "problem",
    "signal_failed": "problem",
    "": "problem",
}


async def play_file(path: Path) -> Account:
    """What becomes of the case in a file; raises NotACaseError."""
    return await play(read_case(path), trusted())


async def play(case: Case, trust: Certificates) -> Account:
    """What becomes of a case; raises NotACaseError where its settings are not to be had."""
    clock = Clock()
    clock.time = case.now
    async with serving(case, clock, trust) as azure, running(azure, clock, trust, case.settings) as product:
        playing = _Playing(case, azure, product)
        async with asyncio.timeout(_AT_MOST_SECONDS):
            await playing.run()
        if azure.faults:
            raise azure.faults[0]
        return playing.account


@cache
def trusted() -> Certificates:
    """Whom the player's Azure is trusted by; each process makes its own, since several may begin at once."""
    directory = TemporaryDirectory(prefix="cases-tls-")
    atexit.register(directory.cleanup)
    return ensure_ca(directory.name)


class _Playing:
    """One case under way."""

    def __init__(self, case: Case, azure: Azure, product: Product) -> None:
        settings = [case.settings, *(step.settings for step in case.advance)]
        unknown = [
            *case.unknown,
            *(f"settings.{name}" for each in settings for name in unknown_settings(each)),
        ]
        self.account = Account(file=case.file, what=case.what, unknown=unknown)
        self._case = case
        self._azure = azure
        self._product = product
        self._deferred: set[str] = set()
        self._stood: list[str] = []

    async def run(self) -> None:
        """What arrives first, then one step after the other."""
        case, account = self._case, self.account
        account.tell(clock_line(self._product.clock()))
        if case.parse_only:
            await self._parse(case.alerts)
            return
        await self._arrive(case.alerts, case.events)
        if case.rows is not None:
            await self._call("sweep")
        for step in case.advance:
            await self._step(step)
        calls = [f"{each.method} {'/'.join(each.path.rsplit('/', 2)[-2:])}" for each in self._azure.calls]
        account.posts = self._azure.posts
        account.notices = Counter(
            str(each["type"]) for each in self._azure.published if each["type"] != NoticeKind.DAILY_SUMMARY
        )
        account.incidents = self._incidents()
        account.story += [f"  {line}" for line in closing(account, calls if case.lists_calls else [])]

    async def _step(self, step: Step) -> None:
        """Time passes, Azure changes, signals arrive, then the timers look."""
        self._product.clock.time += step.after
        self.account.tell(clock_line(self._product.clock()))
        self._change(step)
        if step.settings:
            await self._product.configure(step.settings)
        await self._arrive(step.alerts, step.events)
        if step.sweeps:
            await self._call("sweep")
        await self._call("follow_up")

    def _change(self, step: Step) -> None:
        manager = self._azure.manager
        manager.learn(step.parts, step.answers)
        for each in step.set:
            manager.change(str(each["job"]), each["properties"])
        if step.state:
            manager.protect(step.state)
        for job in step.jobs:
            manager.appear(job)
        if step.rows is not None:
            self._azure.graph.rows = step.rows

    # ---- what arrives, and the timers ----------------------------------------------------------------------

    async def _parse(self, alerts: Sequence[object]) -> None:
        for each in alerts:
            try:
                read = await self._product.parse(each)
            except BadSignal as error:
                self._refused(str(error))
                continue
            if isinstance(read, Ignored):
                self._ignored(read.why)
            else:
                self.account.tell(f"alert: understood as {read}")

    async def _arrive(self, alerts: Sequence[object], events: Sequence[Json]) -> None:
        for alert in alerts:
            await self._alert(alert)
        for event in events:
            await self._event(event)
        await self._bring_back()
        await self._note()

    async def _alert(self, alert: object) -> None:
        status, body = await self._product.alert(alert)
        reports = self._decisions()
        if status in {400, 413}:
            self._refused(" ".join(str(body[key]) for key in ("where", "error", "remedy") if body.get(key)))
        elif status >= 500:
            self._problem(f"alert: {status} {body.get('error', '')}")
        elif body.get("ignored"):
            self._ignored(str(body["ignored"]))
        elif body.get("kept"):
            self.account.tell(f"alert: deferred: {body['kept']}")
        for each in reports or body.get("results", []):
            self._decided({key: each[key] for key in ("decision", "reason", "item", "detail")})
        self._product.app_log.events.clear()

    async def _event(self, event: Json) -> None:
        try:
            await self._product.event(event)
        except Exception as error:  # noqa: BLE001 (whatever it is: Event Grid would deliver the event again)
            self._problem(f"event: {type(error).__name__}: {error}")
        self._take_app_log("event")

    async def _call(self, timer: str) -> None:
        """A timer, and what the app then sends to itself."""
        try:
            await self._product.timer(timer)
        except Exception as error:  # noqa: BLE001 (as the host, which logs it)
            self._problem(f"{timer}: {type(error).__name__}: {error}")
        self._take_app_log(timer)
        await self._bring_back()
        await self._note()

    async def _bring_back(self) -> None:
        """Event Grid delivers what the app has published for itself, and what comes of that."""
        while ours := [each for each in self._azure.published if each["type"] in _COMES_BACK]:
            self._azure.published = [each for each in self._azure.published if each not in ours]
            for each in ours:
                await self._event(each)

    # ---- what came of it -----------------------------------------------------------------------------------

    def _take_app_log(self, who: str) -> None:
        """What the app has decided and logged while an event or a timer was at work."""
        app_log = self._product.app_log
        for each in self._decisions():
            self._decided(each)
        for said in app_log.events:
            name = str(said.get("event", ""))
            if name == "signal_rejected":
                self._refused(str(said.get("problem", "")))
            elif name == "signal_ignored":
                self._ignored(str(said.get("why", "")))
            elif name in _PROBLEMS:
                found = said.get(_PROBLEMS[name], "")
                for each in found if isinstance(found, list) else [found]:
                    self._problem(f"{who}: {each}")
        app_log.events.clear()

    def _decisions(self) -> list[Json]:
        app_log = self._product.app_log
        reports, app_log.reports = app_log.reports, []
        return [decision_of(each) for each in reports]

    async def _note(self) -> None:
        """Which signals wait, and which incidents stand otherwise than before."""
        self._deferred |= {each.key for each in await self._product.inbox.due(1000)}
        self.account.deferred = len(self._deferred)
        lines = [stands(each) for each in self._incidents()]
        for line in lines:
            if line not in self._stood:
                self.account.tell(f"incident: {line}")
        self._stood = lines

    def _incidents(self) -> list[Json]:
        return [incident_of(each) for each in self._product.ledger.latest.values()]

    def _refused(self, text: str) -> None:
        self.account.refused.append(text)
        self.account.tell(f"refused: {text}")

    def _ignored(self, why: str) -> None:
        self.account.ignored.append(why)
        self.account.tell(f"ignored: {why}")

    def _problem(self, text: str) -> None:
        self.account.problems.append(text)
        self.account.tell(f"problem: {text}")

    def _decided(self, decision: dict[str, Any]) -> None:
        self.account.decisions.append(decision)
        self.account.tell(f"decision: {decided(decision)}")
