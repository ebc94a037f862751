"""The real function app on the whole simulated stack, and what a scenario does with it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step
from backup_retry.ports.ledger import Beat
from backup_retry.settings.sweep_profile import after_silence
from simulator.stack import Stack
from tests.table_storage import table_service
from tests.vm_estate import backup_failure, estate, item_id

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

Json = dict[str, Any]
Found = TypeVar("Found")

#: What lies between two looks, and how long one looks before giving up.
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0
#: looks for what a function has done before it is started again
_LOOKS_A_START = 40
#: Timers that do not fire by themselves, and waits that take no time.
SETTINGS: Mapping[str, str] = {
    "SWEEP_SCHEDULE": "0 0 0 1 1 *",
    "LOOK_BACK_SCHEDULE": "0 0 0 1 1 *",
    "FOLLOW_UP_SCHEDULE": "0 0 0 1 1 *",
    "RETRY_BACKOFF": "0s,1s,1s",
    "SETTLE_AFTER": "2s",
    "CLOCK_DIFFERENCE": "0s",
    "CLAIM_LEASE": "2s",
}


@dataclass(frozen=True)
class Answer:
    """What the webhook answered."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def result(self) -> Json:
        """What became of the one failed job that the signal meant."""
        [result] = self.body["results"]
        return dict(result)


class App:
    """A started stack, seen from outside."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, tables: "TableServiceClient") -> None:
        self.stack = stack
        self.http = http
        self.tables = tables
        self._ledger = TableLedger(tables, _now)
        self._inbox = TableInbox(tables, _now)

    @property
    def ledger_pid(self) -> int:
        """The process that holds the ledger's tables."""
        return self.stack._azurite.pid

    # ---- Azure -----------------------------------------------------------------------------------------

    async def fail(self, vm: str, error: str = "CloudInternalError", **options: Any) -> str:
        """Let a scheduled backup of a VM fail; the job's id."""
        outcome = {"status": "Failed", "seconds": 0, "error": error}
        return await self.run_backup(vm, outcome, **options)

    async def reset(self, estate: Json) -> None:
        """Begin anew with this estate; the app and its ledger stay as they are."""
        await self._sim("POST", "reset", json=estate)

    async def run_backup(self, vm: str, outcome: Json, **options: Any) -> str:
        """Run a backup of a VM; the job's id."""
        body = {"item": vm, "outcome": outcome, **options}
        return str((await self._sim("POST", "backups", json=body))["job"])

    async def arm(self, *faults: Json) -> None:
        """Arm these faults and no others."""
        await self._sim("PUT", "faults", json=list(faults))

    async def posts(self, vm: str) -> list[Json]:
        """The triggers for a VM that Azure saw, answered or not."""
        params = {"path": f"[;]{vm}/backup$", "method": "POST"}
        found: list[Json] = await self._sim("GET", "requests", params=params)
        return found

    async def jobs(self, vm: str) -> list[Json]:
        """The vault's jobs of a VM, oldest first."""
        return [job for job in (await self.azure())["jobs"] if job["item"].endswith(f";{vm}")]

    async def azure(self) -> Json:
        """All that the simulated Azure has, and all that happened there."""
        state: Json = await self._sim("GET", "state")
        return state

    async def run_backups(self, *backups: Json) -> list[str]:
        """Run backups of any items; the jobs' ids."""
        return [each["job"] for each in await self._sim("POST", "backups", json=list(backups))]

    async def replay(self, job: str) -> None:
        """Let Azure Monitor raise a job's built-in alert, once more or for the first time."""
        await self._sim("POST", "alerts/replay", json={"job": job})

    async def retries(self, vm: str) -> list[Json]:
        """The jobs of a VM that triggers started."""
        return [job for job in await self.jobs(vm) if job["user_triggered"]]

    async def publish(self, topic: str, *events: Json) -> None:
        """Publish events to a topic, with the app's own identity."""
        run = self.stack.run
        url = f"{run.arm}/topics/{topic}/api/events?api-version=2018-01-01"
        bearer = {"Authorization": f"Bearer {await self.token('https://eventgrid.azure.net')}"}
        trust = ssl.create_default_context(cafile=run.ca_file)
        async with self.http.post(url, json=list(events), headers=bearer, ssl=trust) as response:
            assert response.status == 200, await response.text()

    async def events(self) -> list[Json]:
        """Every event of every topic, with its deliveries, oldest first."""
        found: list[Json] = (await self.azure())["events"]
        return found

    async def token(self, resource: str) -> str:
        """A token of the app's own identity."""
        run = self.stack.run
        headers = {"X-IDENTITY-HEADER": run.identity_header}
        params = {"resource": resource, "api-version": "2019-08-01"}
        answer = await self._json("GET", run.identity_endpoint, headers=headers, params=params)
        return str(answer["access_token"])

    async def delivered(self, event: str) -> list[int | None]:
        """The answers to the deliveries of an event, as soon as one was taken."""

        async def look() -> list[int | None] | None:
            events = (await self._sim("GET", "state"))["events"]
            [found] = [each for each in events if each["event"]["id"] == event]
            statuses: list[int | None] = [each["status"] for each in found["deliveries"]]
            return statuses if any(status and status < 300 for status in statuses) else None

        return await self.until(look)

    # ---- the app ---------------------------------------------------------------------------------------

    async def alert(self, body: Json | bytes, key: str | None = None) -> Answer:
        """Call the webhook, as the action group does unless another key is given."""
        url = self.stack.run.alerts_url if key is None else f"{self.stack.run.host}/api/alerts?code={key}"
        options: Json = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.http.post(url, **options) as response:
            content = await response.json() if response.content_type == "application/json" else None
            return Answer(response.status, content, dict(response.headers))

    async def failed_and_alerted(self, vm: str, error: str = "CloudInternalError") -> Answer:
        """A VM's backup fails and the alert arrives."""
        return await self.alert(backup_failure(vm, await self.fail(vm, error)))

    async def restart(self, settings: Mapping[str, str] | None = None) -> None:
        """Start the app anew, with `settings` changed."""
        await self.stack.restart_host(settings)
        await self.ready()

    async def ready(self) -> None:
        """Wait until the app has read all that an alert needs from the disk: its first answers may be late."""
        stranger = backup_failure("vm-01", job="00000000-0000-0000-0000-000000000000")

        async def look() -> bool | None:
            answer = await self.alert(stranger)
            return True if answer.status == 200 and "ignored" in answer.body else None

        await self.until(look)

    async def health(self) -> Json:
        """The health answer."""
        body: Json = await self._json("GET", f"{self.stack.run.host}/api/health")
        return body

    async def health_status(self) -> int:
        """The status of the health answer."""
        async with self.http.get(f"{self.stack.run.host}/api/health") as response:
            return response.status

    async def follow_up(self) -> None:
        """Fire the follow-up by hand and wait until it is complete."""
        await self._fire("follow_up")

    async def sweep(self) -> None:
        """Fire the sweep by hand and wait until it is complete."""
        await self._fire("sweep")

    async def silent_since(self, at: datetime) -> None:
        """Let the last follow-up have been then, and the last sweep after a silence."""
        for beat in (Beat.FOLLOW_UP, after_silence().beat):
            await self._ledger.beat(beat, at)

    async def look_back(self) -> Json:
        """Fire the hourly look back by hand and wait until it has ended; its last line."""
        before = [len(lines) for lines in self._looks_back()]
        await self._start("sweep_look_back")

        async def look() -> Json | None:
            ended = [
                lines[-1]
                for lines, known in zip(self._looks_back(), before, strict=True)
                if len(lines) > known
            ]
            return ended[0] if ended else None

        return await self.until(look)

    def _looks_back(self) -> list[list[Json]]:
        """The last lines of those that were complete, and of those that were not."""
        return [
            [each for each in self.lines(event) if each["profile"] == "look_back"]
            for event in ("sweep_completed", "sweep_incomplete")
        ]

    async def process_deferred(self) -> None:
        """Fire the follow-up by hand, which looks into kept signals first."""
        await self._start("follow_up")

    async def waiting(self) -> list[str]:
        """The jobs of the signals that wait."""
        return [each.fields["job"] for each in await self._inbox.due(1000)]

    def lines(self, event: str) -> list[Json]:
        """The app's log lines of an event, as the host has taken them."""
        mark = f'{{"event": "{event}"'
        log = self.stack.host.log_file.read_text(encoding="utf-8").splitlines()
        return [json.loads(line[line.index(mark) :]) for line in log if mark in line]

    async def incident(self, vm: str) -> Incident:
        """What the ledger holds of a VM, or of any item by its ARM id."""
        found = await self.remembered(_arm_id(vm))
        assert found is not None
        return found

    async def steps(self, vm: str) -> Sequence[Step]:
        """The journal of a VM."""
        return await self._ledger.steps((await self.incident(vm)).item)

    async def remembered(self, arm_id: str) -> Incident | None:
        """What the ledger holds of any item; None: nothing."""
        item = ProtectedItem.parse(arm_id)
        assert item is not None
        return (await self._ledger.load(item)).incident

    async def closed(self, vm: str) -> Incident:
        """A VM's incident, followed up until it is closed; its signal may have been deferred."""

        async def look() -> Incident | None:
            await self.follow_up()
            found = await self.remembered(_arm_id(vm))
            return None if found is None or found.is_open else found

        return await self.until(look)

    async def until(self, look: Callable[[], Awaitable[Found | None]]) -> Found:
        """What the look finds, as soon as it finds something."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                if (found := await look()) is not None:
                    return found
                await asyncio.sleep(_LOOK_SECONDS)

    async def _fire(self, function: str) -> None:
        """Start it, and wait for its beat in the ledger: the health answer is kept for some seconds."""
        before = await self._ledger.last_beat(function)
        looks = 0

        async def look() -> bool | None:
            nonlocal looks
            if looks % _LOOKS_A_START == 0:  # a start while the one before is about to end does nothing
                await self._start(function)
            looks += 1
            return await self._ledger.last_beat(function) != before or None

        await self.until(look)

    async def _start(self, function: str) -> None:
        url = f"{self.stack.run.host}/admin/functions/{function}"
        headers = {"x-functions-key": self.stack.run.master_key}
        async with self.http.post(url, json={}, headers=headers) as response:
            assert response.status == 202

    async def _sim(self, method: str, path: str, **options: Any) -> Any:
        return await self._json(method, f"{self.stack.run.admin}/_sim/{path}", **options)

    async def _json(self, method: str, url: str, **options: Any) -> Any:
        async with self.http.request(method, url, **options) as response:
            assert response.status < 300, f"{method} {url}: {response.status} {await response.text()}"
            return await response.json()


def _arm_id(vm: str) -> str:
    """That of a VM's item, or what is one already."""
    return vm if vm.startswith("/") else item_id(vm)


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def running(
    directory: Path,
    settings: Mapping[str, str] | None = None,
    azure: Json | None = None,
    *,
    dead_letters: bool = False,
) -> AsyncIterator[App]:
    """The app on a stack of its own, with forty VMs unless another estate is given."""
    stack = Stack(
        {**SETTINGS, **(settings or {})},
        azure or estate(vms=40),
        directory=directory,
        dead_letters=dead_letters,
    )
    async with stack, aiohttp.ClientSession() as http:
        trust = ssl.create_default_context(cafile=stack.run.ca_file)
        async with table_service(stack.run.table_endpoint, trust) as (service, _):
            app = App(stack, http, service)
            await app.ready()
            yield app
