"""How fast Azure is asked: its own limits are kept here, so that it rarely has to refuse (429).

Azure Resource Manager fills a bucket of calls per subscription and principal; other instances of this app draw on
the same one, so what Azure says is left counts as well.
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

from backup_retry.azure.token_transport import TokenTransport, same_origin
from backup_retry.domain.errors import Throttled

if TYPE_CHECKING:
    from azure.core.rest import HttpRequest

Headers = Mapping[str, str]
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
_TOO_MANY_REQUESTS = 429
#: seconds; a trigger that waits until its claim's lease has lapsed would be started twice
_LONGEST_WAIT = 30.0
#: seconds to rest where Azure refuses and names no time
_REST = 5.0
_REMAINING = "x-ms-ratelimit-remaining-subscription-"
_QUOTA_LEFT, _QUOTA_RESETS = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of Azure's: how many calls it holds, and how many flow in per second."""

    capacity: int
    refill: float
    #: the headers that say how many are left; Recovery Services has one of its own for reads
    remaining: tuple[str, ...]

    @property
    def reserve(self) -> float:
        """So many calls are left to others: other instances, and people in the portal."""
        return self.capacity / 10


READS = Bucket(capacity=250, refill=25, remaining=("reads", "resource-requests"))
WRITES = Bucket(capacity=200, refill=10, remaining=("writes",))


class _Lane:
    """One kind of calls to one subscription."""

    def __init__(self, bucket: Bucket) -> None:
        burst = bucket.capacity - bucket.reserve
        # A twentieth slower than the bucket fills: what is left then grows while we go on.
        self.limiter = AsyncLimiter(burst, burst / (bucket.refill * 0.95))
        self.bucket = bucket
        self.rests_until = 0.0


class ArmPace:
    """Lets calls to Azure Resource Manager pass, subscription by subscription; one never waits for another."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lanes: dict[tuple[str, Bucket], _Lane] = {}

    async def admit(self, subscription: str, bucket: Bucket) -> None:
        """Wait until one more call may go.

        Raises:
            Throttled: that would take more than half a minute.
        """
        lane = self._lane(subscription, bucket)
        await self._rest(subscription, lane)
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await lane.limiter.acquire()
        except TimeoutError as error:
            raise _throttled(subscription, _LONGEST_WAIT) from error
        await self._rest(subscription, lane)

    def learn(self, subscription: str, bucket: Bucket, status: int, headers: Headers) -> None:
        """What an answer says: a 429 rests all calls to the subscription, few calls left those of the kind."""
        if status == _TOO_MANY_REQUESTS:
            seconds = _seconds(headers.get("Retry-After", ""))
            for each in (READS, WRITES):
                self._rests(self._lane(subscription, each), seconds)
            return
        said = [headers.get(_REMAINING + each, "") for each in bucket.remaining]
        left = min((int(each) for each in said if each.isdecimal()), default=bucket.capacity)
        if left < bucket.reserve:
            self._rests(self._lane(subscription, bucket), (bucket.reserve - left) / bucket.refill)

    def _lane(self, subscription: str, bucket: Bucket) -> _Lane:
        key = subscription.lower(), bucket
        if key not in self._lanes:
            self._lanes[key] = _Lane(bucket)
        return self._lanes[key]

    def _rests(self, lane: _Lane, seconds: float) -> None:
        lane.rests_until = max(lane.rests_until, self._clock() + seconds)

    async def _rest(self, subscription: str, lane: _Lane) -> None:
        while (rest := lane.rests_until - self._clock()) > 0:
            if rest > _LONGEST_WAIT:
                raise _throttled(subscription, rest)
            await self._sleep(rest)


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

    async def room(self) -> None:
        """Wait until a query may go."""
        while (rest := self._rests_until - self._clock()) > 0:
            await self._sleep(rest)

    def learn(self, headers: Headers) -> None:
        """Rest until the window closes where an answer was the last one in it."""
        if headers.get(_QUOTA_LEFT) == "0":
            self.rest(_clock_seconds(headers.get(_QUOTA_RESETS, "")))

    def rest(self, seconds: float) -> None:
        """Ask nothing for so long, half a minute at most."""
        self._rests_until = max(self._rests_until, self._clock() + min(seconds, _LONGEST_WAIT))


class PacedTransport(TokenTransport):
    """The process's one way to Azure Resource Manager; calls about a subscription are paced, all others pass."""

    def __init__(self, *, only_to: str, **options: Any) -> None:  # noqa: ANN401 (the SDK's own)
        super().__init__(only_to=only_to, **options)
        self.pace = ArmPace()

    async def send(self, request: "HttpRequest", **options: Any) -> Any:  # noqa: ANN401 (the SDK's own)
        """Send one request when its turn has come; the SDK's repetitions wait their turn too."""
        named = _SUBSCRIPTION.match(urlsplit(request.url).path)
        if named is None or not same_origin(request.url, self._only_to):
            return await super().send(request, **options)
        bucket = READS if request.method in {"GET", "HEAD"} else WRITES
        await self.pace.admit(named[1], bucket)
        response = await super().send(request, **options)
        self.pace.learn(named[1], bucket, response.status_code, response.headers)
        return response


def _throttled(subscription: str, seconds: float) -> Throttled:
    return Throttled(
        f"subscription {subscription}: as many calls as Azure allows are under way",
        retry_after=timedelta(seconds=seconds),
    )


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdecimal() else _REST


def _clock_seconds(text: str) -> float:
    """Of hh:mm:ss."""
    parts = text.split(":")
    if not all(part.isdecimal() for part in parts):
        return _REST
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return float(seconds)
