"""Azure's limits, kept on our side: subscription by subscription, and as its answers say."""

import asyncio
from datetime import timedelta

import pytest

from backup_retry.azure import pacing
from backup_retry.azure.pacing import READS, SWEEPS_PATIENCE, WRITES, ArmPace, Bucket, Call, GraphQuota
from backup_retry.domain.errors import Throttled
from tests.builders import OTHER_SUBSCRIPTION, SUBSCRIPTION

WRITES_LEFT = "x-ms-ratelimit-remaining-subscription-writes"
READS_LEFT = "x-ms-ratelimit-remaining-subscription-reads"
VAULT_READS_LEFT = "x-ms-ratelimit-remaining-subscription-resource-requests"
#: nine tenths of the 200 writes that Azure's bucket holds
BURST = 180


VAULT = "resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/v-1"


def a_call(bucket: Bucket = WRITES, subscription: str = SUBSCRIPTION) -> Call:
    """A read of jobs, or the start of a backup."""
    method, below = ("GET", "backupJobs") if bucket is READS else ("POST", "protectedItems/i-1/backup")
    call = Call.of(method, f"/subscriptions/{subscription}/{VAULT}/{below}")
    assert call is not None
    return call


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


async def passes(pace: ArmPace, call: Call) -> bool:
    """True when one more call may go at once."""
    try:
        async with asyncio.timeout(0.005):
            await pace.admit(call)
    except TimeoutError:
        return False
    return True


# ---- Azure Resource Manager -------------------------------------------------------------------------------------


async def test_a_burst_leaves_a_tenth_of_the_bucket_to_others(pace: ArmPace) -> None:
    """180 of 200 writes go at once, the next one waits."""
    for _ in range(BURST):
        await pace.admit(a_call())
    assert not await passes(pace, a_call())


async def test_after_the_burst_calls_go_no_faster_than_the_bucket_fills(pace: ArmPace) -> None:
    """Azure adds 10 writes a second: four more take at least four tenths of one."""
    for _ in range(BURST):
        await pace.admit(a_call())
    began = asyncio.get_running_loop().time()
    for _ in range(4):
        await pace.admit(a_call())
    assert asyncio.get_running_loop().time() - began >= 4 / 10


async def test_reads_and_other_subscriptions_have_buckets_of_their_own(pace: ArmPace) -> None:
    """One that has used up its writes holds up nothing else."""
    for _ in range(BURST):
        await pace.admit(a_call())
    assert await passes(pace, a_call(READS))
    assert await passes(pace, a_call(WRITES, OTHER_SUBSCRIPTION))


async def test_subscriptions_are_the_same_in_any_casing(pace: ArmPace) -> None:
    """Azure's ids come in several."""
    for _ in range(BURST):
        await pace.admit(a_call(WRITES, SUBSCRIPTION.upper()))
    assert not await passes(pace, a_call())


async def test_whoever_would_wait_too_long_is_told_to_come_back(
    pace: ArmPace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger that waited longer than its claim's lease would be taken for lost, and started twice."""
    monkeypatch.setattr(pacing, "PATIENCE", 0.01)
    for _ in range(BURST):
        await pace.admit(a_call())
    with pytest.raises(Throttled, match=SUBSCRIPTION) as caught:
        await pace.admit(a_call())
    assert caught.value.retry_after == timedelta(seconds=0.01)


async def test_a_429_rests_its_action_in_its_subscription(pace: ArmPace, time: Time) -> None:
    """As long as Azure says; other actions and other subscriptions go on."""
    pace.learn(a_call(), 429, {"Retry-After": "4"})
    for call in (a_call(READS), a_call(WRITES, OTHER_SUBSCRIPTION)):
        await pace.admit(call)
    assert time.slept == []
    await pace.admit(a_call())
    assert time.slept == [4.0]


async def test_a_429_without_a_time_rests_a_little(pace: ArmPace, time: Time) -> None:
    """Five seconds."""
    pace.learn(a_call(READS), 429, {})
    await pace.admit(a_call(READS))
    assert time.slept == [5.0]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("6", 6), ("324", 324), ("86400", 3600), ("99999999999999", 3600), ("9" * 5000, 3600)],
    ids=["6", "324", "86400", "99999999999999", "5,000 digits"],
)
async def test_a_long_rest_is_not_waited_for(pace: ArmPace, time: Time, said: str, seconds: float) -> None:
    """Whoever asks is told how long, an hour at most; nothing is sent, and nobody else is held up."""
    pace.learn(a_call(), 429, {"Retry-After": said})
    with pytest.raises(Throttled, match="protecteditems/backup/action") as caught:
        await pace.admit(a_call())
    assert caught.value.retry_after == timedelta(seconds=seconds)
    await pace.admit(a_call(WRITES, OTHER_SUBSCRIPTION))
    assert time.slept == []


async def test_after_an_hour_azure_is_asked_again(pace: ArmPace, time: Time) -> None:
    """Whatever it said: a subscription does not rest for good."""
    pace.learn(a_call(), 429, {"Retry-After": "99999999999999"})
    time.now += 3600
    assert await passes(pace, a_call())


@pytest.mark.parametrize("said", ["", "-5", "soon", "nan", "inf", "1e99", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_what_is_no_number_of_seconds_is_no_time(pace: ArmPace, time: Time, said: str) -> None:
    """Five seconds, as where Azure says nothing."""
    pace.learn(a_call(), 429, {"Retry-After": said})
    await pace.admit(a_call())
    assert time.slept == [5.0]


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "backupJobs", "vaults/backupjobs/read"),
        ("GET", "backupJobs/j-1", "vaults/backupjobs/read"),
        ("POST", "protectedItems/i-1/backup", "vaults/protecteditems/backup/action"),
        ("GET", "providers/Microsoft.Authorization/permissions", "microsoft.authorization/permissions/read"),
    ],
)
def test_an_action_is_what_azure_calls_it(method: str, path: str, action: str) -> None:
    """Its quotas are per action, and the message that refuses a call names it."""
    call = Call.of(method, f"/subscriptions/{SUBSCRIPTION.upper()}/{VAULT}/{path}")
    assert call is not None
    assert call.subscription == SUBSCRIPTION
    assert call.action.removeprefix("microsoft.recoveryservices/") == action
    assert Call.of(method, "/providers/Microsoft.ResourceGraph/resources") is None


@pytest.mark.parametrize(
    ("bucket", "headers", "slept"),
    [
        pytest.param(WRITES, {WRITES_LEFT: "20"}, [], id="20 of 200 left: the reserve is whole"),
        pytest.param(WRITES, {WRITES_LEFT: "5"}, [1.5], id="(20 - 5) / 10 per second"),
        pytest.param(READS, {READS_LEFT: "0"}, [1.0], id="(25 - 0) / 25 per second"),
        pytest.param(READS, {READS_LEFT: "200", VAULT_READS_LEFT: "15"}, [0.4], id="the lower one counts"),
        pytest.param(READS, {WRITES_LEFT: "0"}, [], id="the other kind's says nothing"),
        pytest.param(READS, {READS_LEFT: "many"}, [], id="what is no number says nothing"),
        pytest.param(READS, {READS_LEFT: "9" * 5000}, [], id="nor does one of 5,000 digits"),
        pytest.param(READS, {}, [], id="none says nothing"),
    ],
)
async def test_few_calls_left_rest_until_the_reserve_is_back(
    pace: ArmPace, time: Time, bucket: Bucket, headers: dict[str, str], slept: list[float]
) -> None:
    """Other instances draw on the same bucket."""
    pace.learn(a_call(bucket), 200, headers)
    await pace.admit(a_call(bucket))
    assert time.slept == slept


# ---- Resource Graph ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remaining", "resets", "slept"),
    [
        ("0", "00:00:04", [4.0]),
        ("0", "00:01:04", [30.0]),
        ("0", f"{'9' * 5000}:00:00", [30.0]),
        ("0", "soon", [5.0]),
        ("1", "00:00:04", []),
        (None, None, []),
    ],
    ids=str,
)
async def test_the_last_query_of_a_window_rests_until_it_closes(
    time: Time, remaining: str | None, resets: str | None, slept: list[float]
) -> None:
    """Half a minute at most, should a header be wrong: a sweep has so much patience."""
    quota = GraphQuota(time, time.sleep)
    said = {"x-ms-user-quota-remaining": remaining, "x-ms-user-quota-resets-after": resets}
    quota.learn({name: value for name, value in said.items() if value is not None})
    await quota.room(SWEEPS_PATIENCE)
    assert time.slept == slept


async def test_a_query_that_somebody_waits_for_waits_some_seconds_only(time: Time) -> None:
    """An alert is stored and looked into later."""
    quota = GraphQuota(time, time.sleep)
    quota.rest(324)
    with pytest.raises(Throttled, match="Resource Graph") as caught:
        await quota.room()
    assert caught.value.retry_after == timedelta(seconds=30)
    assert time.slept == []
