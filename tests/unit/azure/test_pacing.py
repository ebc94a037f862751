"""Azure's limits, kept on our side: subscription by subscription, and as its answers say."""

import asyncio
from datetime import timedelta

import pytest

from backup_retry.azure import pacing
from backup_retry.azure.pacing import READS, WRITES, ArmPace, Bucket, GraphQuota
from backup_retry.domain.errors import Throttled
from tests.builders import OTHER_SUBSCRIPTION, SUBSCRIPTION

WRITES_LEFT = "x-ms-ratelimit-remaining-subscription-writes"
READS_LEFT = "x-ms-ratelimit-remaining-subscription-reads"
VAULT_READS_LEFT = "x-ms-ratelimit-remaining-subscription-resource-requests"
#: nine tenths of the 200 writes that Azure's bucket holds
BURST = 180


class Time:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        """What it shows."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    """A time that stands still."""
    return Time()


@pytest.fixture
def pace(time: Time) -> ArmPace:
    """A pace that has let nothing pass yet."""
    return ArmPace(time, time.sleep)


async def passes(pace: ArmPace, subscription: str, bucket: Bucket) -> bool:
    """True when one more call may go at once."""
    try:
        async with asyncio.timeout(0.005):
            await pace.admit(subscription, bucket)
    except TimeoutError:
        return False
    return True


# ---- Azure Resource Manager -------------------------------------------------------------------------------------


async def test_a_burst_leaves_a_tenth_of_the_bucket_to_others(pace: ArmPace) -> None:
    """180 of 200 writes go at once, the next one waits."""
    for _ in range(BURST):
        await pace.admit(SUBSCRIPTION, WRITES)
    assert not await passes(pace, SUBSCRIPTION, WRITES)


async def test_after_the_burst_calls_go_no_faster_than_the_bucket_fills(pace: ArmPace) -> None:
    """Azure adds 10 writes a second: four more take at least four tenths of one."""
    for _ in range(BURST):
        await pace.admit(SUBSCRIPTION, WRITES)
    began = asyncio.get_running_loop().time()
    for _ in range(4):
        await pace.admit(SUBSCRIPTION, WRITES)
    assert asyncio.get_running_loop().time() - began >= 4 / 10


async def test_reads_and_other_subscriptions_have_buckets_of_their_own(pace: ArmPace) -> None:
    """One that has used up its writes holds up nothing else."""
    for _ in range(BURST):
        await pace.admit(SUBSCRIPTION, WRITES)
    assert await passes(pace, SUBSCRIPTION, READS)
    assert await passes(pace, OTHER_SUBSCRIPTION, WRITES)


async def test_subscriptions_are_the_same_in_any_casing(pace: ArmPace) -> None:
    """Azure's ids come in several."""
    for _ in range(BURST):
        await pace.admit(SUBSCRIPTION.upper(), WRITES)
    assert not await passes(pace, SUBSCRIPTION, WRITES)


async def test_whoever_would_wait_too_long_is_told_to_come_back(
    pace: ArmPace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger that waited longer than its claim's lease would be taken for lost, and started twice."""
    monkeypatch.setattr(pacing, "_LONGEST_WAIT", 0.01)
    for _ in range(BURST):
        await pace.admit(SUBSCRIPTION, WRITES)
    with pytest.raises(Throttled, match=SUBSCRIPTION) as caught:
        await pace.admit(SUBSCRIPTION, WRITES)
    assert caught.value.retry_after == timedelta(seconds=0.01)


@pytest.mark.parametrize("bucket", [READS, WRITES], ids=["reads", "writes"])
async def test_a_429_rests_all_calls_to_the_subscription(pace: ArmPace, time: Time, bucket: Bucket) -> None:
    """As long as Azure says; other subscriptions go on."""
    pace.learn(SUBSCRIPTION, WRITES, 429, {"Retry-After": "17"})
    await pace.admit(OTHER_SUBSCRIPTION, bucket)
    assert time.slept == []
    await pace.admit(SUBSCRIPTION, bucket)
    assert time.slept == [17.0]


async def test_a_429_without_a_time_rests_a_little(pace: ArmPace, time: Time) -> None:
    """Five seconds."""
    pace.learn(SUBSCRIPTION, READS, 429, {})
    await pace.admit(SUBSCRIPTION, READS)
    assert time.slept == [5.0]


async def test_a_long_rest_is_not_waited_for(pace: ArmPace, time: Time) -> None:
    """Whoever asks is told how long, and nothing is sent."""
    pace.learn(SUBSCRIPTION, WRITES, 429, {"Retry-After": "300"})
    with pytest.raises(Throttled) as caught:
        await pace.admit(SUBSCRIPTION, WRITES)
    assert caught.value.retry_after == timedelta(minutes=5)
    assert time.slept == []


@pytest.mark.parametrize(
    ("bucket", "headers", "slept"),
    [
        pytest.param(WRITES, {WRITES_LEFT: "20"}, [], id="20 of 200 left: the reserve is whole"),
        pytest.param(WRITES, {WRITES_LEFT: "5"}, [1.5], id="(20 - 5) / 10 per second"),
        pytest.param(READS, {READS_LEFT: "0"}, [1.0], id="(25 - 0) / 25 per second"),
        pytest.param(READS, {READS_LEFT: "200", VAULT_READS_LEFT: "15"}, [0.4], id="the lower one counts"),
        pytest.param(READS, {WRITES_LEFT: "0"}, [], id="the other kind's says nothing"),
        pytest.param(READS, {READS_LEFT: "many"}, [], id="what is no number says nothing"),
        pytest.param(READS, {}, [], id="none says nothing"),
    ],
)
async def test_few_calls_left_rest_until_the_reserve_is_back(
    pace: ArmPace, time: Time, bucket: Bucket, headers: dict[str, str], slept: list[float]
) -> None:
    """Other instances draw on the same bucket."""
    pace.learn(SUBSCRIPTION, bucket, 200, headers)
    await pace.admit(SUBSCRIPTION, bucket)
    assert time.slept == slept


# ---- Resource Graph ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remaining", "resets", "slept"),
    [
        ("0", "00:00:04", [4.0]),
        ("0", "00:01:04", [30.0]),
        ("0", "soon", [5.0]),
        ("1", "00:00:04", []),
        (None, None, []),
    ],
)
async def test_the_last_query_of_a_window_rests_until_it_closes(
    time: Time, remaining: str | None, resets: str | None, slept: list[float]
) -> None:
    """Half a minute at most, should a header be wrong."""
    quota = GraphQuota(time, time.sleep)
    said = {"x-ms-user-quota-remaining": remaining, "x-ms-user-quota-resets-after": resets}
    quota.learn({name: value for name, value in said.items() if value is not None})
    await quota.room()
    assert time.slept == slept
