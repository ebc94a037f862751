"""Azure's request quotas: Resource Manager's token buckets, the backup services' hourly reads, Resource Graph's window.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.estate.behaviour import HourlyReads, TokenBuckets


@dataclass(kw_only=True)
class TokenBucket:
    """Tokens that flow in at a steady rate up to a capacity."""

    capacity: int
    #: Tokens per second.
    refill: float
    filled: datetime
    tokens: float

    def take(self, now: datetime) -> float:
        """Take one token.

        Returns:
            0 if there was one, otherwise the seconds until there will be.
        """
        elapsed = max((now - self.filled).total_seconds(), 0)
        self.tokens = min(self.tokens + elapsed * self.refill, self.capacity)
        self.filled = max(now, self.filled)
        if self.tokens < 1:
            return (1 - self.tokens) / self.refill
        self.tokens -= 1
        return 0


class ArmBuckets:
    """One bucket for reads and one for writes per subscription."""

    def __init__(self, sizes: TokenBuckets) -> None:
        self._sizes = sizes
        self._buckets: dict[tuple[str, bool], TokenBucket] = {}

    def take(self, subscription_id: str, *, write: bool, now: datetime) -> tuple[int, int]:
        """Spend one request.

        Returns:
            The requests left, and the whole seconds after which this one may come again; 0: it was let through.
        """
        key = subscription_id.lower(), write
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = self._new(write=write, now=now)
        wait = bucket.take(now)
        return int(bucket.tokens), math.ceil(wait)

    def _new(self, *, write: bool, now: datetime) -> TokenBucket:
        sizes = self._sizes
        capacity, refill = (sizes.writes, sizes.write_refill) if write else (sizes.reads, sizes.read_refill)
        return TokenBucket(capacity=capacity, refill=refill, filled=now, tokens=capacity)


@dataclass(kw_only=True)
class QuotaWindow:
    """So many requests in each window of time, counted from the first of them."""

    limit: int = 15
    length: timedelta = timedelta(seconds=5)
    opened: datetime | None = None
    used: int = 0

    def take(self, now: datetime) -> tuple[bool, int, timedelta]:
        """Spend one request.

        Returns:
            Whether it was let through, the requests left, and how long until the window closes.
        """
        if self.opened is None or now >= self.opened + self.length:
            self.opened, self.used = now, 0
        resets_after = self.opened + self.length - now
        if self.used >= self.limit:
            return False, 0, resets_after
        self.used += 1
        return True, self.limit - self.used, resets_after


class ReadQuotas:
    """The backup services' quota of reads: one per subscription and action, counted from the hour's first read."""

    def __init__(self, limits: HourlyReads) -> None:
        self._limits = limits
        self._windows: dict[tuple[str, str], QuotaWindow] = {}

    def take(self, subscription_id: str, action: str, now: datetime) -> tuple[int, int, int]:
        """Spend one read.

        Returns:
            The action's limit, the reads left, and the whole seconds after which this one may come again; 0: it was
            let through.
        """
        key = subscription_id.lower(), action.lower()
        if key not in self._windows:
            self._windows[key] = QuotaWindow(limit=self._limits.of(key[1]), length=timedelta(hours=1))
        window = self._windows[key]
        passes, left, resets_after = window.take(now)
        return window.limit, left, 0 if passes else math.ceil(resets_after.total_seconds())
