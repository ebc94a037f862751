"""Azure Resource Manager's front door: what every call passes before and after its handler.

In this order: faults on the way in, the token, the api-version, the route, the subscription's token bucket, the hourly
quota of reads, the handler, faults on the way out.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm import missing
from simulator.arm.breakdowns import BrokenDownError, broken_down
from simulator.arm.buckets import ArmBuckets, ReadQuotas
from simulator.arm.calls import Call, Route, Routes, read_action, subscription_of
from simulator.arm.errors import ArmError
from simulator.arm.identity import PRINCIPAL, TENANT, ExpiredTokenError, Identity, TokenError
from simulator.arm.refusals import Refusal
from simulator.arm.request_log import note_dropped, note_fault
from simulator.estate.faults import Faults, Throttle
from simulator.estate.state import Azure

#: What is left of the bucket that all callers share; here it never runs low.
_GLOBAL_WRITES = "11999"
#: of one action in an hour, by the lowest quota that was recorded
_FEWEST_READS = 150
_REMAINING = "x-ms-ratelimit-remaining-subscription"


class DroppedError(Exception):
    """The connection is to die without an answer."""


class Arm:
    """The gates, and the routes behind them."""

    def __init__(
        self,
        azure: Azure,
        identity: Identity,
        faults: Faults,
        routes: list[Route],
        now: Callable[[], datetime],
    ) -> None:
        self._azure = azure
        self._identity = identity
        self._faults = faults
        self._routes = Routes(routes)
        self._now = now
        #: Called for each request for a backup that is refused.
        self.listeners: list[Callable[[Refusal], None]] = []
        self.reset()

    def reset(self) -> None:
        """Fill the token buckets and quotas, to the sizes that the estate's settings give."""
        self._buckets = ArmBuckets(self._azure.settings.arm_buckets)
        self._read_quotas = ReadQuotas(self._azure.settings.hourly_reads)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a call, or abort its connection where a fault says so."""
        headers = _identifiers(request)
        try:
            response = await self._answer(request, headers)
        except ArmError as error:
            self._tell(error, request, headers)
            response = _refusal(error)
        except DroppedError:
            return _abort(request)
        response.headers.update(headers)
        return response

    def _tell(self, error: ArmError, request: web.Request, identifiers: Mapping[str, str]) -> None:
        refusal = Refusal.of(error, request, identifiers["x-ms-correlation-request-id"], self._now())
        if refusal is not None:
            for listener in self.listeners:
                listener(refusal)

    async def _answer(self, request: web.Request, headers: dict[str, str]) -> web.Response:
        await self._strike_on_the_way_in(request)
        self._authenticate(request)
        if not request.query.get("api-version"):
            raise arm_errors.missing_api_version()
        handler, params = self._routes.find(request.method, request.path)
        now = self._now()
        self._azure.advance(now)
        call = await _read(request, params, now)
        self._admit(call, headers)
        if failure := self._faults.strike("server_error", _subject(request)):
            note_fault(failure.name)
            raise broken_down(failure, request.path)
        response = await handler(call)
        if self._struck(request, "drop_answer"):
            raise DroppedError
        return response

    async def _strike_on_the_way_in(self, request: web.Request) -> None:
        subject = _subject(request)
        if latency := self._faults.strike("latency", subject):
            note_fault(latency.name)
            # what has arrived takes effect, also if the caller does not wait for the answer
            await request.read()
            await asyncio.sleep(latency.seconds)
        if self._struck(request, "drop_request"):
            raise DroppedError
        if self._struck(request, "expire_token"):
            raise arm_errors.token_expired(_authority(request))
        if self._struck(request, "forbid"):
            raise arm_errors.authorization_failed(PRINCIPAL, request.method, request.path)
        if self._struck(request, "lose_subscription") and (subscription := subscription_of(request.path)):
            raise arm_errors.subscription_not_found(subscription)
        if throttle := self._faults.strike("throttle", subject):
            note_fault(throttle.name)
            raise _throttled(request, throttle)

    def _struck(self, request: web.Request, name: str) -> bool:
        fault = self._faults.strike(name, _subject(request))
        if fault:
            note_fault(name)
        return fault is not None

    def _authenticate(self, request: web.Request) -> None:
        try:
            self._identity.check_arm(request.headers.get("Authorization", ""), f"https://{request.host}")
        except ExpiredTokenError:
            raise arm_errors.token_expired(_authority(request)) from None
        except TokenError as error:
            raise arm_errors.authentication_failed(str(error), _authority(request)) from None

    def _admit(self, call: Call, headers: dict[str, str]) -> None:
        """Take a token from the bucket of the call's subscription, and say in `headers` how many are left."""
        subscription = call.subscription
        if subscription is None:
            return
        found = self._azure.subscription(subscription)
        if found is None:
            raise arm_errors.subscription_not_found(subscription)
        if not call.is_read and found.state == "Disabled":
            raise missing.subscription_disabled(subscription)
        left, wait = self._buckets.take(subscription, write=not call.is_read, now=call.now)
        if not call.backup_read:
            headers[f"{_REMAINING}-{'reads' if call.is_read else 'writes'}"] = str(left)
        if not call.is_read:
            headers[f"{_REMAINING}-global-writes"] = _GLOBAL_WRITES
        if wait:
            raise arm_errors.subscription_throttled(subscription, call.method, wait)
        if call.backup_read:
            self._admit_read(subscription, call, headers)

    def _admit_read(self, subscription: str, call: Call, headers: dict[str, str]) -> None:
        """Spend one of the hour's reads; the header that says how many are left counts these, and no bucket."""
        limit, left, wait = self._read_quotas.take(subscription, call.backup_read, call.now)
        if wait:
            raise arm_errors.reads_throttled(call.backup_read, limit, wait)
        headers[f"{_REMAINING}-resource-requests"] = str(left)


async def _read(request: web.Request, params: Mapping[str, str], now: datetime) -> Call:
    return Call(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers=request.headers,
        body=await request.read(),
        base_url=f"https://{request.host}",
        now=now,
        params=params,
    )


def _refusal(error: ArmError) -> web.Response:
    """The answer; some of Azure's own failures are pages that call themselves JSON."""
    if isinstance(error, BrokenDownError) and error.page:
        return web.Response(
            status=error.status, text=error.page, headers=error.headers, content_type="application/json"
        )
    return web.json_response(error.envelope, status=error.status, headers=error.headers)


def _subject(request: web.Request) -> str:
    """What faults are matched with: decoded, so that an item's name reads as it is written."""
    query = f"?{request.rel_url.query_string}" if request.rel_url.query_string else ""
    return f"{request.method} {request.path}{query}"


def _throttled(request: web.Request, fault: Throttle) -> ArmError:
    """429 as the subscription's bucket says it, as the hourly quota of reads does, or as Resource Graph does."""
    subscription, seconds = subscription_of(request.path), fault.retry_after
    if subscription is None:
        return arm_errors.graph_throttled(seconds, {})
    if fault.hourly:
        return arm_errors.reads_throttled(read_action(request.path), _FEWEST_READS, seconds)
    return arm_errors.subscription_throttled(subscription, request.method, seconds)


def _authority(request: web.Request) -> str:
    return f"https://{request.host}/{TENANT}"


def _identifiers(request: web.Request) -> dict[str, str]:
    """The headers by which a call can be told from others."""
    request_id = str(uuid.uuid4())
    headers = {
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": request_id,
        "Cache-Control": "no-cache",
    }
    client = request.headers.get("x-ms-client-request-id")
    return headers | ({"x-ms-client-request-id": client} if client else {})


def _abort(request: web.Request) -> web.Response:
    """Cut the connection; the response that aiohttp wants goes nowhere."""
    note_dropped()
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
