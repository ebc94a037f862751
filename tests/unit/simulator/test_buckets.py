"""Azure's quotas."""

from datetime import timedelta

import pytest

from simulator.arm.buckets import ArmBuckets, QuotaWindow, ReadQuotas
from simulator.estate.behaviour import HourlyReads, TokenBuckets
from tests.clock import Clock


def test_a_bucket_lets_its_capacity_through_and_then_its_refill() -> None:
    """200 writes at once, then ten a second."""
    clock, buckets = Clock(), ArmBuckets(TokenBuckets())
    at_once = [buckets.take("s", write=True, now=clock())[1] for _ in range(201)]
    assert at_once == [0] * 200 + [1]
    clock.move(seconds=1)
    later = [buckets.take("s", write=True, now=clock())[1] for _ in range(11)]
    assert later == [0] * 10 + [1]


def test_a_bucket_never_holds_more_than_its_capacity() -> None:
    """An hour of rest is worth no more than a full bucket."""
    clock, buckets = Clock(), ArmBuckets(TokenBuckets(reads=2))
    buckets.take("s", write=False, now=clock())
    clock.move(hours=1)
    assert [buckets.take("s", write=False, now=clock())[0] for _ in range(2)] == [1, 0]


def test_subscriptions_and_kinds_have_buckets_of_their_own() -> None:
    """Writes of one subscription take nothing from its reads or from another's writes."""
    clock, buckets = Clock(), ArmBuckets(TokenBuckets(writes=1, reads=1))
    assert buckets.take("S", write=True, now=clock()) == (0, 0)
    assert buckets.take("s", write=True, now=clock())[1] > 0
    assert buckets.take("s", write=False, now=clock()) == (0, 0)
    assert buckets.take("other", write=True, now=clock()) == (0, 0)


def test_a_window_opens_with_its_first_request() -> None:
    """15 queries in five seconds from then on."""
    clock, window = Clock(), QuotaWindow()
    assert window.take(clock()) == (True, 14, timedelta(seconds=5))
    clock.move(seconds=4)
    assert [window.take(clock())[0] for _ in range(15)] == [True] * 14 + [False]
    clock.move(seconds=1)
    assert window.take(clock()) == (True, 14, timedelta(seconds=5))


def test_each_action_of_a_subscription_has_an_hourly_quota_of_its_own() -> None:
    """Counted from its first read; in any casing; another action or subscription has lost nothing."""
    clock, quotas = Clock(), ReadQuotas(HourlyReads(limit=2))
    assert [quotas.take("S", "Jobs/read", clock()) for _ in range(2)] == [(2, 1, 0), (2, 0, 0)]
    clock.move(minutes=59)
    assert quotas.take("s", "jobs/READ", clock()) == (2, 0, 60)
    assert quotas.take("s", "items/read", clock()) == (2, 1, 0)
    assert quotas.take("other", "jobs/read", clock()) == (2, 1, 0)
    clock.move(minutes=1)
    assert quotas.take("s", "jobs/read", clock()) == (2, 1, 0)


@pytest.mark.parametrize(
    ("action", "limit"),
    [
        ("microsoft.recoveryservices/vaults/backupjobs/read", 450),
        ("microsoft.dataprotection/backupvaults/backupjobs/read", 200),
        ("microsoft.recoveryservices/vaults/backuppolicies/read", 300),
    ],
)
def test_the_quotas_that_nobody_set_are_those_of_the_recordings(action: str, limit: int) -> None:
    """The first answer in an hour says one less."""
    assert HourlyReads().of(action) == limit
