"""The admin API: what no Azure has, over plain http. docs/simulator.md describes it."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from simulator.arm.wire import instant
from simulator.estate.estate_file import BackupFile, EstateError
from simulator.estate.faults import FaultError
from simulator.estate.inventory import Item, Job, Vault
from simulator.simulated_azure import Simulator

Json = dict[str, Any]
_TARGETS = {"alerts_url": "", "eventgrid_url": "", "dead_letters_url": ""}.keys()


class Admin:
    """The handlers; each acts on the simulator as a whole."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        """All routes under `/_sim`."""
        return [
            web.post("/_sim/reset", self.reset),
            web.get("/_sim/state", self.state),
            web.post("/_sim/backups", self.run_backups),
            web.post("/_sim/alerts/replay", self.replay_alert),
            web.get("/_sim/faults", self.list_faults),
            web.put("/_sim/faults", self.arm_faults),
            web.delete("/_sim/faults", self.disarm_faults),
            web.get("/_sim/requests", self.list_requests),
            web.delete("/_sim/requests", self.clear_requests),
            web.put("/_sim/targets", self.set_targets),
        ]

    async def reset(self, request: web.Request) -> web.Response:
        """Start over with the estate of the body."""
        estate = await _read(request)
        try:
            self._simulator.reset(estate)
        except ValueError as error:
            raise _bad_request(str(error)) from error
        azure = self._simulator.azure
        counts = {
            "subscriptions": len(azure.subscriptions),
            "vaults": len(azure.vaults),
            "items": len(list(azure.items)),
        }
        return web.json_response(counts)

    async def state(self, _request: web.Request) -> web.Response:
        """All there is and all that happened."""
        azure = self._simulator.advance()
        return web.json_response(
            {
                "subscriptions": [{"id": each.id, "name": each.name} for each in azure.subscriptions],
                "vaults": [_vault(vault) for vault in azure.vaults],
                "items": [_item(item) for item in azure.items],
                "jobs": [_job(job) for job in azure.jobs],
                **self._simulator.monitor.record(),
                **self._simulator.event_grid.record(),
            }
        )

    async def run_backups(self, request: web.Request) -> web.Response:
        """Run one backup, or a list of them; nothing runs if one of them cannot."""
        body = await _read(request)
        wanted = body if isinstance(body, list) else [body]
        backups = [
            self._backup(each, f"[{index}]" if isinstance(body, list) else "")
            for index, each in enumerate(wanted)
        ]
        jobs = [self._run(backup, item) for backup, item in backups]
        started = [{"job": job.name, "id": job.id} for job in jobs]
        return web.json_response(started if isinstance(body, list) else started[0], status=201)

    async def replay_alert(self, request: web.Request) -> web.Response:
        """Raise the built-in alert of a job, once more or for the first time."""
        body = await _read(request)
        name = str(body.get("job")) if isinstance(body, dict) else ""
        job = self._simulator.azure.find_job(name)
        if job is None:
            raise _bad_request(f"job: no job has the name {name!r}")
        self._simulator.monitor.raise_alert(job)
        return web.json_response({"job": job.name}, status=202)

    async def list_faults(self, _request: web.Request) -> web.Response:
        """The armed faults."""
        return web.json_response(self._simulator.faults.specs())

    async def arm_faults(self, request: web.Request) -> web.Response:
        """Replace the armed faults."""
        specs = await _read(request)
        if not isinstance(specs, list):
            raise _bad_request("the document: a list of faults is wanted")
        seed = request.query.get("seed", "0")
        if not seed.isdecimal():
            raise _bad_request(f"seed: {seed!r} is no whole number")
        try:
            self._simulator.faults.arm(specs, seed=int(seed))
        except FaultError as error:
            raise _bad_request(str(error)) from error
        return web.json_response(self._simulator.faults.specs())

    async def disarm_faults(self, _request: web.Request) -> web.Response:
        """Arm none."""
        self._simulator.faults.arm([])
        return web.Response(status=204)

    async def list_requests(self, request: web.Request) -> web.Response:
        """The calls that Azure saw, those that `path` and `method` choose."""
        try:
            found = self._simulator.requests.find(
                request.query.get("path", ""), request.query.get("method", "")
            )
        except re.error as error:
            raise _bad_request(f"path: no regular expression: {error}") from error
        return web.json_response(found)

    async def clear_requests(self, _request: web.Request) -> web.Response:
        """Forget the calls."""
        self._simulator.requests.clear()
        return web.Response(status=204)

    async def set_targets(self, request: web.Request) -> web.Response:
        """Say where alerts and events go that name no endpoint of their own."""
        body = await _read(request)
        if not isinstance(body, dict) or (body.keys() - _TARGETS):
            raise _bad_request(f"the document: an object with some of {', '.join(_TARGETS)} is wanted")
        if "alerts_url" in body:
            self._simulator.monitor.set_default_webhook(body["alerts_url"])
        if "eventgrid_url" in body:
            self._simulator.event_grid.set_default_endpoint(body["eventgrid_url"])
        if "dead_letters_url" in body:
            self._simulator.event_grid.set_dead_letters(body["dead_letters_url"])
        return web.Response(status=204)

    def _backup(self, body: object, where: str) -> tuple[BackupFile, Item]:
        try:
            backup = BackupFile.read(body, where)
        except EstateError as error:
            raise _bad_request(str(error)) from error
        item = self._simulator.azure.find_item(backup.item)
        if item is None:
            raise _bad_request(f"{where}.item: there is no item {backup.item!r}".removeprefix("."))
        try:
            backup.check_kind(item.workload)
        except ValueError as error:
            raise _bad_request(f"{where}.kind: {error}".removeprefix(".")) from error
        return backup, item

    def _run(self, backup: BackupFile, item: Item) -> Job:
        return self._simulator.azure.run_job(
            item,
            backup.outcome.build(),
            now=self._simulator.now(),
            age=timedelta(seconds=backup.age_seconds),
            user_triggered=not backup.scheduled,
            operation=backup.operation,
            kind=backup.kind,
        )


async def _read(request: web.Request) -> Any:  # noqa: ANN401 - JSON
    try:
        return await request.json()
    except json.JSONDecodeError as error:
        raise _bad_request(f"the document: no JSON: {error}") from error


def _bad_request(message: str) -> web.HTTPBadRequest:
    body: Mapping[str, str] = {"error": message}
    return web.HTTPBadRequest(text=json.dumps(body), content_type="application/json")


def _vault(vault: Vault) -> Json:
    return {
        "id": vault.id,
        "name": vault.name,
        "subscription": vault.subscription_id,
        "location": vault.location,
        "alerts_for_all_job_failures": vault.alerts_for_all_job_failures,
    }


def _item(item: Item) -> Json:
    last = max((job for job in item.jobs if job.is_backup), key=lambda job: job.start_time, default=None)
    return {
        "id": item.id,
        "vm": item.friendly_name,
        "workload": item.workload.name,
        "vault": item.vault.id,
        "protection_state": item.protection_state,
        "last_job": last.name if last else None,
        "last_status": last.status if last else None,
        "next_outcomes": len(item.next_outcomes),
    }


def _job(job: Job) -> Json:
    return {
        "id": job.id,
        "name": job.name,
        "item": job.item.id,
        "vault": job.vault.id,
        "status": job.status,
        "operation": job.operation,
        "kind": job.kind,
        "retention_tag": job.retention_tag,
        "start_time": instant(job.start_time),
        "end_time": instant(job.end_time) if job.end_time else None,
        "activity_id": job.activity_id,
        "error": _error(job),
        "user_triggered": job.user_triggered,
    }


def _error(job: Job) -> Json | None:
    error = job.error
    if error is None:
        return None
    return {
        "code": error.code,
        "title": error.title,
        "message": error.message,
        "recommendations": list(error.recommendations),
    }
