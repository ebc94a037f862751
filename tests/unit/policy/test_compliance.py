"""Compliance: which days count, which of them were kept, and what they add up to."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.protected_days import VaultDay, mark_of
from backup_retry.domain.schedule import BackupPolicy, Daily
from backup_retry.policy.compliance import Kept, compliance, days_to_keep
from tests.builders import NOW, OTHER_SUBSCRIPTION, SUBSCRIPTION, item, vault

TODAY = NOW.date()
POLICY = "/vaults/v/backupPolicies/p"
DAILY = BackupPolicy(schedules={"": (Daily(times=(time(22),)),)})
SATURDAYS = BackupPolicy(schedules={"": (Daily(times=(time(22),), weekdays=frozenset({5})),)})


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def at(days_ago: int, hour: int) -> datetime:
    return datetime.combine(ago(days_ago), time(hour), UTC)


def backed_up(*hours: datetime, **said: object) -> Backups:
    """An item whose good backups began then."""
    last = max(hours, default=None)
    found = Backups(
        item=item(),
        policy_id=POLICY,
        good=frozenset(each.date() for each in hours),
        good_hours=tuple(sorted(hours)),
        last_good_at=last,
    )
    return replace(found, **said)  # type: ignore[arg-type]


def kept(of: Backups, policy: BackupPolicy | None = DAILY, **more: object) -> dict[int, bool]:
    """By how many days ago: True for a day that was kept, False for one that was missed; others do not count."""
    policies = {POLICY.lower(): policy} if policy else {}
    estate = Estate(items=[of], policies=policies)
    found = days_to_keep(estate, **{"known": (), "now": NOW, "seen_since": {}} | more)  # type: ignore[arg-type]
    mark = mark_of(of.item)
    return {(TODAY - each.day).days: mark in each.kept for each in found if mark in each.kept | each.missed}


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        pytest.param(backed_up(at(3, 22), at(2, 22), at(1, 22)), {3: True, 2: True, 1: True}, id="each night"),
        pytest.param(backed_up(at(3, 22), at(1, 22)), {3: True, 2: False, 1: True}, id="one night has none"),
        pytest.param(backed_up(at(3, 22), at(1, 3), at(1, 22)), {3: True, 2: True, 1: True}, id="by a retry at three"),
        pytest.param(backed_up(at(3, 22), at(1, 9), at(1, 22)), {3: True, 2: False, 1: True}, id="by a retry at nine"),
        pytest.param(backed_up(bad=frozenset({ago(2)})), {2: False, 1: False}, id="known by its failures"),
        pytest.param(backed_up(stopped=True), {}, id="stopped"),
        pytest.param(backed_up(listed=False), {}, id="gone"),
        pytest.param(backed_up(), {}, id="nothing shows that it was there"),
        pytest.param(backed_up(configured_at=at(2, 9)), {2: False, 1: False}, id="set up two days ago"),
        pytest.param(
            backed_up(point_at=at(12, 22), last_good_at=at(12, 22)),
            {12: True} | dict.fromkeys(range(1, 12), False),
            id="a point twelve days old",
        ),
    ],
)  # fmt: skip
def test_a_day_is_kept_by_a_point_from_its_turn_to_the_end_of_its_grace(
    of: Backups, expected: dict[int, bool]
) -> None:
    """Days before anything shows that the item was there do not count."""
    assert kept(of) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(SATURDAYS, {1: True, 8: False}, id="weekly: Saturdays only"),
        pytest.param(None, {}, id="nobody knows the policy"),
        pytest.param(BackupPolicy(rules={}), {}, id="operational"),
    ],
)
def test_only_promised_days_count(policy: BackupPolicy | None, expected: dict[int, bool]) -> None:
    """The other days of a weekly policy are neither kept nor missed."""
    assert kept(backed_up(at(1, 22), bad=frozenset({ago(10)})), policy) == expected


def test_a_day_whose_time_is_not_over_is_not_missed_yet() -> None:
    """At one in the morning last night's backup still has its grace; it is kept as soon as it is there."""
    night = at(0, 1)
    assert 1 not in kept(backed_up(at(2, 22)), now=night)
    assert kept(backed_up(at(2, 22), at(1, 22)), now=night)[1]


def test_stored_days_are_counted_anew_for_three_days_only_and_forget_no_good_one() -> None:
    """Azure forgets its jobs, and a vault its items; what is older stands as it is."""
    of, gone = backed_up(at(3, 22), bad=frozenset({ago(9)})), mark_of(item(2))
    known = [
        VaultDay(vault=vault(), day=ago(each), kept=frozenset({mark_of(of.item), gone})) for each in (2, 5)
    ]
    estate = Estate(items=[of], policies={POLICY.lower(): DAILY})
    found = {(TODAY - each.day).days: each for each in days_to_keep(estate, known, NOW, {})}
    assert 5 not in found
    assert found[2].kept == {mark_of(of.item), gone}
    assert set(range(1, 14)) - {5} == set(found)


def test_days_add_up_for_item_vault_and_subscription() -> None:
    """Over 7, 14 and 30 days up to yesterday; today, and what is older, does not count."""
    other = vault("vault-1", OTHER_SUBSCRIPTION)
    one, two, far = mark_of(item(1)), mark_of(item(2)), item(1, other)
    days = [
        VaultDay(vault=vault(), day=ago(each), kept=frozenset({one}), missed=frozenset({two}))
        for each in (0, 1, 7, 8, 30, 31)
    ]
    days.append(VaultDay(vault=other, day=ago(1), kept=frozenset({mark_of(far)})))
    found = compliance(days, TODAY)
    assert found.since == ago(30)
    assert _pairs(found.of_item(item(2))) == {7: (0, 2), 14: (0, 3), 30: (0, 4)}
    assert _pairs(found.of_vault(vault())) == {7: (2, 4), 14: (3, 6), 30: (4, 8)}
    assert _pairs(found.of_subscription(SUBSCRIPTION)) == _pairs(found.of_vault(vault()))
    assert _pairs(found.of_subscription(OTHER_SUBSCRIPTION))[7] == (1, 1)
    assert _pairs(found.of_item(item(9)))[7] == (0, 0)


def _pairs(windows: object) -> dict[int, tuple[int, int]]:
    return {days: (each.kept, each.promised) for days, each in windows.items()}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("pair", "percent"), [((0, 0), None), ((2, 3), 66.6), ((2999, 3000), 99.9), ((7, 7), 100.0)]
)
def test_only_what_is_whole_is_a_hundred_percent(pair: tuple[int, int], percent: float | None) -> None:
    """And of nothing there is no share."""
    assert Kept(kept=pair[0], promised=pair[1]).percent == percent


def test_marks_tell_the_items_of_a_vault_apart() -> None:
    """In any casing the same; of five thousand no two alike."""
    shouted = ProtectedItem(vault=vault(), name=item().name.upper(), container=item().container)
    assert mark_of(shouted) == mark_of(item())
    assert len({mark_of(item(number)) for number in range(5000)}) == 5000
