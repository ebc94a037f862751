"""How fast Azure is asked: its own limits are kept here, so that it rarely has to refuse (429).

Azure Resource Manager fills a bucket of calls per subscription and principal; other instances of this app draw on
the same one, so what Azure says is left counts as well. Where it refuses a call all the same, that action rests in that
subscription, and nothing else does.
https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiolimiter import AsyncLimiter
from azure.core.exceptions import AzureError

from backup_retry.azure.read_quota import ReadQuotas
from backup_retry.azure.token_transport import TokenTransport, same_origin
from backup_retry.azure.waits import LONGEST_SLEEP, asked_to_wait, capped, seconds_of
from backup_retry.domain.errors import Throttled

if TYPE_CHECKING:
    from azure.core.rest import HttpRequest

Headers = Mapping[str, str]
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
_PROVIDERS = "/providers/"
_MOST_LANES = 1000
_READING = frozenset({"GET", "HEAD"})
_TOO_MANY_REQUESTS = 429
#: seconds for which a call waits for its turn; a sweep's query, for which nobody waits, has more
PATIENCE, SWEEPS_PATIENCE = LONGEST_SLEEP, 30.0
#: seconds to rest where Azure refuses and names no time
_REST = 5.0
_REMAINING = "x-ms-ratelimit-remaining-subscription-"
#: Azure's code of the hourly quota of reads
_HOURLY = "ResourceRequestsThrottled"
_QUOTA_LEFT, _QUOTA_RESETS = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of Azure's: how many calls it holds, and how many flow in per second."""

    capacity: int
    refill: float
    #: the end of the header that says how many are left
    remaining: str

    @property
    def reserve(self) -> float:
        """So many calls are left to others: other instances, and people in the portal."""
        return self.capacity / 10


READS = Bucket(capacity=250, refill=25, remaining="reads")
WRITES = Bucket(capacity=200, refill=10, remaining="writes")


@dataclass(frozen=True, kw_only=True)
class Call:
    """What Azure counts a call as."""

    subscription: str
    #: as Azure's own messages call it: microsoft.recoveryservices/vaults/backupjobs/read
    action: str
    bucket: Bucket

    @classmethod
    def of(cls, method: str, path: str) -> "Call | None":
        """The call that a request is; None where it is about no subscription."""
        named = _SUBSCRIPTION.match(path)
        if named is None:
            return None
        reads = method in _READING
        action = f"{_type_of(path.lower())}/{'read' if reads else 'action'}"
        return cls(subscription=named[1].lower(), action=action, bucket=READS if reads else WRITES)


def _type_of(path: str) -> str:
    """A path's type of resource: the provider, and every second name behind it."""
    provider, *names = path.rpartition(_PROVIDERS)[2].strip("/").split("/")
    return "/".join([provider, *names[::2]])


class _Lane:
    """One kind of calls to one subscription."""

    def __init__(self, bucket: Bucket) -> None:
        burst = bucket.capacity - bucket.reserve
        # A twentieth slower than the bucket fills: what is left then grows while we go on.
        self.limiter = AsyncLimiter(burst, burst / (bucket.refill * 0.95))


class ArmPace:
    """Lets calls to Azure Resource Manager pass; no subscription waits for another, and no action for another."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lanes: dict[tuple[str, Bucket], _Lane] = {}
        #: until when a subscription's bucket, or one action in it, gets no calls
        self._rests_until: dict[tuple[str, Bucket | str], float] = {}
        self.read_quotas = ReadQuotas(clock)

    async def admit(self, call: Call) -> None:
        """Wait until one more call may go.

        Raises:
            Throttled: that would take more than a few seconds. A trigger that waited until its claim's lease has
                lapsed would be started twice.
        """
        await self._rest(call)
        await self.read_quotas.admit(call.subscription, call.action)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._lane(call).limiter.acquire()
        except TimeoutError as error:
            raise _throttled(call, PATIENCE) from error
        await self._rest(call)

    def learn(self, call: Call, status: int, headers: Headers, text: Callable[[], str] = str) -> None:
        """What an answer says: a 429 rests that action of the subscription, few calls left all of the kind.

        `text` gives the answer's body, where Azure's words name the wait if no header does.
        """
        if status == _TOO_MANY_REQUESTS:
            self._refused(call, headers, text)
            return
        self.read_quotas.learn(call.subscription, call.action, headers)
        bucket, said = call.bucket, headers.get(_REMAINING + call.bucket.remaining, "")
        left = float(said) if said.isdecimal() else bucket.capacity
        if left < bucket.reserve:
            self._rests(call.subscription, bucket, (bucket.reserve - left) / bucket.refill)

    def _refused(self, call: Call, headers: Headers, text: Callable[[], str]) -> None:
        said = text()
        seconds = asked_to_wait(headers, said)
        self._rests(call.subscription, call.action, _REST if seconds is None else seconds)
        if _HOURLY in said:
            self.read_quotas.refused(call.subscription, call.action, seconds)

    def _lane(self, call: Call) -> _Lane:
        key = call.subscription, call.bucket
        if key not in self._lanes:
            if len(self._lanes) >= _MOST_LANES:  # alerts may name any subscription
                del self._lanes[next(iter(self._lanes))]
            self._lanes[key] = _Lane(call.bucket)
        return self._lanes[key]

    def _rests(self, subscription: str, what: Bucket | str, seconds: float) -> None:
        until = self._clock() + capped(seconds)
        self._rests_until[subscription, what] = max(self._rests_until.get((subscription, what), 0.0), until)

    async def _rest(self, call: Call) -> None:
        while (rest := self._rest_of(call)) > 0:
            if rest > PATIENCE:
                raise _throttled(call, rest)
            await self._sleep(rest)

    def _rest_of(self, call: Call) -> float:
        now = self._clock()
        for key in [key for key, until in self._rests_until.items() if until <= now]:
            del self._rests_until[key]
        resting = (call.bucket, call.action)
        return max(self._rests_until.get((call.subscription, each), now) for each in resting) - now


class GraphQuota:
    """The queries that Resource Graph grants a user: 15 in 5 seconds, unless it says otherwise."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._rests_until = 0.0

    async def room(self, patience: float = PATIENCE) -> None:
        """Wait until a query may go.

        Raises:
            Throttled: that would take longer than the patience lasts.
        """
        while (rest := self._rests_until - self._clock()) > 0:
            if rest > patience:
                raise Throttled(
                    "Resource Graph: the limit of concurrent queries is reached",
                    retry_after=timedelta(seconds=rest),
                )
            await self._sleep(rest)

    def learn(self, headers: Headers) -> None:
        """Rest until the window closes where an answer was the last one in it."""
        if headers.get(_QUOTA_LEFT) == "0":
            self.rest(_clock_seconds(headers.get(_QUOTA_RESETS, "")))

    def rest(self, seconds: float) -> None:
        """Ask nothing for so long, half a minute at most: the quota's own window has five seconds."""
        self._rests_until = max(self._rests_until, self._clock() + min(capped(seconds), SWEEPS_PATIENCE))


class PacedTransport(TokenTransport):
    """The process's one way to Azure Resource Manager; calls about a subscription are paced, all others pass."""

    def __init__(self, *, only_to: str, **options: Any) -> None:  # noqa: ANN401 (the SDK's own)
        super().__init__(only_to=only_to, **options)
        self.pace = ArmPace()

    async def send(self, request: "HttpRequest", **options: Any) -> Any:  # noqa: ANN401 (the SDK's own)
        """Send one request when its turn has come; the SDK's repetitions wait their turn too."""
        call = Call.of(request.method, urlsplit(request.url).path)
        if call is None or not same_origin(request.url, self._only_to):
            return await super().send(request, **options)
        try:
            await self.pace.admit(call)
            response = await super().send(request, **options)
            self.pace.learn(call, response.status_code, response.headers, lambda: _text(response))
        finally:
            self.pace.read_quotas.answered(call.subscription, call.action)
        return response


def _text(response: Any) -> str:  # noqa: ANN401 (the SDK's own, of two kinds)
    """An answer's body; "" where it has not been read, or cannot be."""
    try:
        return str(response.text())
    except (AzureError, LookupError, RuntimeError, ValueError):
        return ""


def _throttled(call: Call, seconds: float) -> Throttled:
    return Throttled(
        f"subscription {call.subscription}: the limit of concurrent requests is reached ({call.action})",
        retry_after=timedelta(seconds=seconds),
    )


def _clock_seconds(text: str) -> float:
    """Of hh:mm:ss."""
    seconds = 0.0
    for part in map(seconds_of, text.split(":")):
        if part is None:
            return _REST
        seconds = seconds * 60 + part
    return capped(seconds)
