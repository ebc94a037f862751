"""The hourly quota of reads: spent by its part, heard of from Azure, learned upward, and kept by forty instances."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.azure.pacing import READS, ArmPace, Call
from backup_retry.azure.read_quota import ReadQuotas
from backup_retry.domain.arm_ids import Vault, VaultKind
from backup_retry.domain.errors import Throttled
from tests.builders import OTHER_SUBSCRIPTION, SUBSCRIPTION, vault

JOBS = "microsoft.recoveryservices/vaults/backupjobs/read"
ITEMS = "microsoft.recoveryservices/vaults/backupprotecteditems/read"
LEFT = "x-ms-ratelimit-remaining-subscription-resource-requests"


class Hour:
    """Azure's own count of an hour's reads, and a clock."""

    def __init__(self, quota: int = 150) -> None:
        self.now = 0.0
        self.left = quota
        self.refused = 0

    def __call__(self) -> float:
        """The clock."""
        return self.now

    def refusal(self) -> str:
        """What Azure says once it is over."""
        return f"ResourceRequestsThrottled: Please try again after '{3660 - self.now:.0f}' seconds."

    async def read(self, quotas: ReadQuotas) -> bool:
        """One read; False where the app has not sent it."""
        try:
            await quotas.admit(SUBSCRIPTION, JOBS)
        except Throttled:
            return False
        if self.left == 0:
            self.refused += 1
            quotas.refused(SUBSCRIPTION, JOBS)
            return True
        self.left -= 1
        quotas.learn(SUBSCRIPTION, JOBS, {LEFT: str(self.left)})
        quotas.answered(SUBSCRIPTION, JOBS)
        return True

    async def reads(self, quotas: ReadQuotas, wanted: int = 10_000) -> int:
        """How many of these go at once."""
        for done in range(wanted):
            if not await self.read(quotas):
                return done
        return wanted


async def _never(seconds: float) -> None:
    raise AssertionError(f"slept for {seconds} s")


async def _reads_for_an_hour(pace: ArmPace, hour: Hour) -> int:
    """How many reads an instance sends in its part of the hour: as many as it is let."""
    call, sent = Call(subscription=SUBSCRIPTION, action=JOBS, bucket=READS), 0
    hour.now += 1.5
    with suppress(Throttled):
        while True:
            await pace.admit(call)
            sent += 1
            if hour.left == 0:
                hour.refused += 1
                pace.learn(call, 429, {}, hour.refusal)
            else:
                hour.left -= 1
                pace.learn(call, 200, {LEFT: str(hour.left)})
            pace.read_quotas.answered(SUBSCRIPTION, JOBS)
    return sent


@pytest.mark.parametrize(("quota", "at_once"), [(150, 50), (450, 150), (0, 1)])
async def test_a_part_of_what_is_left_goes_at_once(quota: int, at_once: int) -> None:
    """The quota is learned from the first answer: a third of it, which is half of what those leave."""
    hour = Hour(quota)
    assert await hour.reads(ReadQuotas(hour)) == at_once


async def test_the_rest_flows_in_during_the_hour() -> None:
    """A process that always has something to read leaves some until the end, and is never refused."""
    hour = Hour()
    quotas = ReadQuotas(hour)
    done = []
    for _ in range(60):
        done.append(await hour.reads(quotas))
        hour.now += 60
    assert hour.refused == 0
    assert 75 < sum(done) < 150
    assert sum(done[-20:]) > 5


async def test_ten_vaults_are_listed_every_five_minutes_by_instances_that_know_nothing() -> None:
    """Each timer's turn may run in a new process, which begins with what the first answer tells it."""
    hour = Hour()
    listed = []
    for _ in range(12):
        listed.append(await hour.reads(ReadQuotas(hour), 10))
        hour.now += 300
    assert listed[:8] == [10] * 8
    assert (min(listed) >= 5, hour.refused) == (True, 0)


async def test_forty_instances_never_spend_all_of_it() -> None:
    """Each wants to read as often as it may, for an hour; one that was refused comes back when Azure says."""
    hour = Hour()
    instances = [ArmPace(hour, _never) for _ in range(40)]
    sent = [await _reads_for_an_hour(each, hour) for _ in range(60) for each in instances]
    assert sum(sent) == 150 - hour.left + hour.refused
    assert hour.refused <= len(instances)


async def test_once_the_time_that_azure_named_is_over_one_read_asks_again() -> None:
    """Nobody is locked out for an hour where Azure spoke of minutes; the others wait for that one's answer."""
    hour = Hour()
    pace, call = ArmPace(hour, _never), Call(subscription=SUBSCRIPTION, action=JOBS, bucket=READS)
    await hour.reads(pace.read_quotas)
    refusal = "ResourceRequestsThrottled: Please try again after '324' seconds."
    pace.learn(call, 429, {}, lambda: refusal)
    hour.now += 325
    await pace.admit(call)
    others = [asyncio.create_task(pace.admit(call)) for _ in range(10)]
    await asyncio.sleep(0)
    pace.learn(call, 429, {}, lambda: refusal)
    pace.read_quotas.answered(SUBSCRIPTION, JOBS)
    ended = await asyncio.gather(*others, return_exceptions=True)
    assert [type(each) for each in ended] == [Throttled] * 10


@pytest.mark.parametrize(
    ("left", "minutes", "low"),
    [
        (449, 0, False),
        (135, 0, False),
        (134, 0, True),
        (125, 31, True),
        (125, 32, False),
        (0, 59, True),
        (0, 60, False),
    ],
)
def test_what_is_left_is_low_where_the_timer_needs_it(left: int, minutes: int, low: bool) -> None:
    """It recovers slowly in what one believes, wholly after an hour without news."""
    hour = Hour()
    quotas = ReadQuotas(hour)
    quotas.learn(SUBSCRIPTION, JOBS, {LEFT: str(left)})
    hour.now = minutes * 60
    assert quotas.is_low(vault()) is low


@pytest.mark.parametrize(
    "other",
    [vault(subscription=OTHER_SUBSCRIPTION), replace(vault(), kind=VaultKind.BACKUP)],
    ids=["another subscription", "another kind of vault"],
)
async def test_one_quota_says_nothing_of_another(other: Vault) -> None:
    """Nor does an action hold up another."""
    quotas = ReadQuotas(Hour())
    quotas.refused(SUBSCRIPTION, JOBS)
    assert (quotas.is_low(vault()), quotas.is_low(other)) == (True, False)
    await quotas.admit(SUBSCRIPTION, ITEMS)


@pytest.mark.parametrize(
    "action",
    [
        "microsoft.recoveryservices/vaults/read",
        "microsoft.resources/subscriptions/read",
        "microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers/protecteditems/backup/action",
    ],
)
async def test_other_calls_are_not_counted(action: str) -> None:
    """They have buckets, and no hourly quota that anybody has seen."""
    quotas = ReadQuotas(Hour())
    for _ in range(200):
        await quotas.admit(SUBSCRIPTION, action)


async def test_whoever_has_spent_its_part_is_told_when_to_come_back() -> None:
    """Soon, since the rest flows in."""
    hour = Hour()
    quotas = ReadQuotas(hour)
    await hour.reads(quotas)
    with pytest.raises(Throttled, match="few reads are left") as caught:
        await quotas.admit(SUBSCRIPTION, JOBS)
    assert caught.value.retry_after is not None
    assert timedelta(0) < caught.value.retry_after <= timedelta(minutes=5)


@pytest.mark.parametrize("said", ["999999", "9" * 5000])
async def test_more_than_anybody_reads_is_no_limit(said: str) -> None:
    """So are stand-ins for Azure; a count that Azure sends later holds at once."""
    hour = Hour()
    quotas = ReadQuotas(hour)
    quotas.learn(SUBSCRIPTION, JOBS, {LEFT: said})
    for _ in range(10_000):
        await quotas.admit(SUBSCRIPTION, JOBS)
        quotas.answered(SUBSCRIPTION, JOBS)
    assert not quotas.is_low(vault())
    quotas.learn(SUBSCRIPTION, JOBS, {LEFT: "100"})
    assert quotas.is_low(vault())
    with pytest.raises(Throttled):
        await quotas.admit(SUBSCRIPTION, JOBS)


@pytest.mark.parametrize("said", ["", "many", "-1", "1e9"])
async def test_what_is_no_count_says_nothing(said: str) -> None:
    """The floor stays: neither is the quota off from then on, nor every later count a low one."""
    hour = Hour()
    quotas = ReadQuotas(hour)
    quotas.learn(SUBSCRIPTION, JOBS, {LEFT: said} if said else {})
    assert not quotas.is_low(vault())
    assert await hour.reads(quotas) == 50
    hour.now, hour.left = 3600.0, 150
    await hour.reads(quotas, 1)
    assert not quotas.is_low(vault())


@pytest.mark.parametrize(("heard_again", "at_once"), [(0, 225), (3, 75)])
async def test_a_quota_that_falls_is_forgotten(heard_again: int, at_once: int) -> None:
    """No answer has reported that many for two hours: what is reported now is the quota; half of it may go at once."""
    hour = Hour()
    quotas = ReadQuotas(hour)
    for hours, left in enumerate([449, *[149] * heard_again]):
        hour.now = hours * 3600.0
        quotas.learn(SUBSCRIPTION, JOBS, {LEFT: str(left)})
    hour.now += 3600
    sent = 0
    with suppress(Throttled):
        while True:
            await quotas.admit(SUBSCRIPTION, JOBS)
            quotas.answered(SUBSCRIPTION, JOBS)
            sent += 1
    assert sent == at_once


async def test_the_first_read_goes_alone() -> None:
    """Ten at once would all be refused where none is left; so one is, and the others are not sent."""
    hour = Hour(0)
    quotas = ReadQuotas(hour)

    async def one() -> bool:
        try:
            await quotas.admit(SUBSCRIPTION, JOBS)
        except Throttled:
            return False
        await asyncio.sleep(0.01)
        quotas.refused(SUBSCRIPTION, JOBS)
        quotas.answered(SUBSCRIPTION, JOBS)
        return True

    assert sorted(await asyncio.gather(*(one() for _ in range(10)))) == [False] * 9 + [True]
