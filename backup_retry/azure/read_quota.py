"""Azure's hourly quota of reads, per subscription and action, which ends long before its buckets do.

`429 ResourceRequestsThrottled … action 'Microsoft.RecoveryServices/vaults/backupJobs/read' exceeded the limit of '150'
for time interval '01:00:00'`. All instances of this app, people and their scripts draw on the same quota, so the only
count that is right is Azure's own: each answer says how many reads are left. Whoever reads spends a part of what is
left and no more, so that forty instances never spend it all, and the hour's last alert still finds some. Nobody counts
in the ledger: that would cost two round trips for each read, and would not know of the others.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from backup_retry.azure.waits import LONGEST_SLEEP
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import Throttled

_LEFT = "x-ms-ratelimit-remaining-subscription-resource-requests"
#: what is read inside a vault is counted, the vault itself is not
_COUNTED = re.compile(
    r"microsoft\.(recoveryservices/vaults|dataprotection/(backupvaults|locations))/.+/read", re.ASCII
)
#: reads in an hour; the lowest quota that Azure was ever seen to refuse for
_LEAST_QUOTA = 150.0
#: a count above it is taken for this one: more reads than that no process makes in an hour
_GREATEST_QUOTA = 100_000.0
_HOUR = 3600.0
#: seconds; whoever is refused asks no sooner, whatever Azure has named
_LEAST_REST = 60.0
_MANY = 1000
#: seconds; whoever has to wait comes back with the next turn at the latest, which may find the quota whole again
_TURN = 300.0
#: what of the reads that are left may go at once; as many again flow in during the hour
_AT_ONCE = 1 / 2
#: reads that are left to the timer, which reads for all: ten vaults every five minutes, and a few more
_FOR_TIMER = 135.0
#: seconds in which a quota recovers that no answer reports; Azure's window is the hour, its start is not known
_RECOVERY = 8 * _HOUR


@dataclass
class _Quota:
    """What is known of one action of a subscription."""

    limit: float = _LEAST_QUOTA
    limit_at: float = float("-inf")
    #: reads left when Azure said so last
    heard: float = _LEAST_QUOTA
    heard_at: float = float("-inf")
    #: when all of the quota is there again, as far as anybody has said
    whole_at: float = float("-inf")
    #: reads of this process that count against what may go at once
    spent: float = 0.0
    spent_at: float = 0.0
    #: set once the first read is answered; None: nobody has asked yet
    first_answer: asyncio.Event | None = None
    #: Azure has named a time, after which the next read is a first one
    asks_again: bool = False

    async def known(self, now: float) -> None:
        """The first read goes alone: whoever begins with many at once would learn too late that few are left."""
        if self.first_answer is None or (self.asks_again and now >= self.whole_at):
            self.first_answer, self.asks_again = asyncio.Event(), False
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SLEEP):
                await self.first_answer.wait()

    def left(self, now: float) -> float:
        """Reads that are probably left."""
        recovered = self.limit * (now - self.heard_at) / _RECOVERY
        return self.limit if now >= self.whole_at else min(self.limit, self.heard + recovered)

    def wait(self, now: float) -> float:
        """Seconds until this process may read once more; 0: it has been counted, and may go."""
        left = self.left(now)
        rate = max(left, 1.0) * (1 - _AT_ONCE) / _HOUR
        self.spent = max(0.0, self.spent - (now - self.spent_at) * rate)
        self.spent_at = now
        missing = self.spent + 1 - left * _AT_ONCE
        if missing > 0:
            return missing / rate
        self.spent += 1
        return 0.0

    def hear(self, left: float, now: float) -> None:
        """Take Azure's own count, and its quota where that is larger than any of the last two hours."""
        if left + 1 >= self.limit or now - self.limit_at >= 2 * _HOUR:
            self.limit, self.limit_at = max(_LEAST_QUOTA, left + 1), now
        self.heard, self.heard_at, self.whole_at = left, now, now + _HOUR

    def rest(self, seconds: float, now: float) -> None:
        """None is left for so long; the first read after that goes alone again, since it may be refused, too."""
        self.hear(0.0, now)
        self.whole_at = now + min(max(seconds, _LEAST_REST), _HOUR)
        self.asks_again = True


class ReadQuotas:
    """What this process knows of the quotas; a subscription's never holds up another's, nor an action another."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quotas: dict[tuple[str, str], _Quota] = {}

    async def admit(self, subscription: str, action: str) -> None:
        """Spend one read of the action, in small letters; `answered` has to be called after it.

        Raises:
            Throttled: this process has spent its part of what is left; nothing is waited for.
        """
        if _COUNTED.fullmatch(action):
            self._forget_old()
            quota = self._quotas.setdefault((subscription, action), _Quota())
            await quota.known(self._clock())
            if wait := quota.wait(self._clock()):
                raise Throttled(
                    f"subscription {subscription}: few reads are left of the hour's ({action})",
                    retry_after=timedelta(seconds=min(wait, _TURN)),
                )

    def answered(self, subscription: str, action: str) -> None:
        """A read has ended, well or not."""
        quota = self._quotas.get((subscription, action))
        if quota is not None and quota.first_answer is not None:
            quota.first_answer.set()

    def learn(self, subscription: str, action: str, headers: Mapping[str, str]) -> None:
        """What an answer says is left."""
        said = headers.get(_LEFT, "")
        if said.isdecimal() and _COUNTED.fullmatch(action):
            left = min(float(said), _GREATEST_QUOTA)
            self._quotas.setdefault((subscription, action), _Quota()).hear(left, self._clock())

    def refused(self, subscription: str, action: str, seconds: float | None = None) -> None:
        """Azure has refused a read of the action, for so many seconds if it has named them."""
        if _COUNTED.fullmatch(action):
            quota = self._quotas.setdefault((subscription, action), _Quota())
            quota.rest(_HOUR if seconds is None else seconds, self._clock())

    def _forget_old(self) -> None:
        """Alerts may name any number of subscriptions."""
        old = self._clock() - _HOUR
        if len(self._quotas) > _MANY:
            kept = {
                key: each for key, each in self._quotas.items() if max(each.heard_at, each.spent_at) > old
            }
            self._quotas = kept

    def is_low(self, vault: Vault) -> bool:
        """True where what is left of some action had better be spent on many alerts at once."""
        now, kind = self._clock(), f"{vault.kind.value.lower()}/"
        return any(
            quota.left(now) < _FOR_TIMER
            for (subscription, action), quota in self._quotas.items()
            if subscription == vault.subscription.lower() and action.startswith(kind)
        )
