"""Whether an item is protected, case by case: its points and incidents against what its policy promises."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.protection import Protection
from backup_retry.domain.schedule import BackupPolicy, Daily
from backup_retry.policy.protection_state import Care, Judge, judged
from tests.builders import NOW, item

DAILY = BackupPolicy(schedules={"": (Daily(times=(time(22),)),)})
WEEKLY = BackupPolicy(schedules={"": (Daily(times=(time(22),), weekdays=frozenset({5})),)})
PAUSED = BackupPolicy(schedules={"": ()})
OPERATIONAL = BackupPolicy(rules={})
DATABASE = BackupPolicy(
    schedules={"full": (Daily(times=(time(22),), weekdays=frozenset({5})),), "log": ()},
    log_interval=timedelta(minutes=15),
)


def ago(days: float = 0, **more: float) -> datetime:
    return NOW - timedelta(days=days, **more)


def backups(point: datetime | None = None, **said: object) -> Backups:
    """An item whose last good point, of whatever kind, is that one."""
    found = Backups(item=item(), point_at=point, last_good_at=point, last_full_at=point)
    return replace(found, **said)  # type: ignore[arg-type]


def database(full: datetime | None, log: datetime, **said: object) -> Backups:
    """One whose log backups make points besides."""
    good = frozenset({full.date()} if full else {})
    return backups(log, last_good_at=log, last_full_at=full, good=good, **said)


FRESH, OLD = backups(ago(hours=16)), backups(ago(12))
NEW = Backups(item=item())


@pytest.mark.parametrize(
    ("of", "policy", "care", "state"),
    [
        pytest.param(FRESH, DAILY, Care(), Protection.PROTECTED, id="young enough"),
        pytest.param(backups(ago(hours=31)), DAILY, Care(), Protection.OVERDUE, id="older than a day and its grace"),
        pytest.param(OLD, DAILY, Care(), Protection.OVERDUE, id="twelve days old"),
        pytest.param(OLD, WEEKLY, Care(), Protection.OVERDUE, id="twelve days old, by a weekly policy"),
        pytest.param(OLD, None, Care(), Protection.OVERDUE, id="twelve days old, by a policy that nobody knows"),
        pytest.param(backups(ago(6)), WEEKLY, Care(), Protection.PROTECTED, id="six days of a week"),
        pytest.param(backups(ago(6)), None, Care(), Protection.PROTECTED, id="six days, and nobody knows the policy"),
        pytest.param(
            backups(ago(2), last_bad_at=ago(1)), None, Care(), Protection.OVERDUE,
            id="nobody knows the policy, and its last backup failed",
        ),
        pytest.param(OLD, PAUSED, Care(), Protection.STOPPED, id="its schedule is paused"),
        pytest.param(replace(OLD, stopped=True), DAILY, Care(is_open=True), Protection.STOPPED, id="stopped"),
        pytest.param(OLD, DAILY, Care(is_open=True), Protection.IN_PROGRESS, id="older, and looked after"),
        pytest.param(FRESH, DAILY, Care(is_open=True), Protection.IN_PROGRESS, id="failed, and looked after"),
        pytest.param(
            FRESH, DAILY, Care(is_open=True, needs_a_person=True), Protection.ACTION_REQUIRED, id="open, and told"
        ),
        pytest.param(
            replace(OLD, running_since=ago(hours=2)), DAILY, Care(), Protection.IN_PROGRESS, id="a backup runs"
        ),
        pytest.param(
            replace(OLD, running_since=ago(3)), DAILY, Care(), Protection.OVERDUE, id="a backup hangs for days"
        ),
        pytest.param(FRESH, DAILY, Care(told_of=ago(hours=2)), Protection.ACTION_REQUIRED, id="a person was told"),
        pytest.param(FRESH, DAILY, Care(told_of=ago(2)), Protection.PROTECTED, id="told, and a good point has come"),
        pytest.param(NEW, DAILY, Care(), Protection.IN_PROGRESS, id="the first minute: nobody knows since when"),
        pytest.param(
            NEW, DAILY, Care(seen_since=ago(hours=10)), Protection.IN_PROGRESS, id="its first turn is to come"
        ),
        pytest.param(NEW, DAILY, Care(seen_since=ago(3)), Protection.NEVER, id="its first turn has passed"),
        pytest.param(NEW, WEEKLY, Care(seen_since=ago(3)), Protection.IN_PROGRESS, id="its weekly turn was yesterday"),
        pytest.param(
            replace(NEW, configured_at=ago(hours=3)), DAILY, Care(seen_since=ago(9)), Protection.IN_PROGRESS,
            id="set up again three hours ago",
        ),
        pytest.param(NEW, None, Care(seen_since=ago(10)), Protection.NEVER, id="never in ten days, by any policy"),
        pytest.param(NEW, PAUSED, Care(), Protection.STOPPED, id="nothing is promised"),
        pytest.param(NEW, OPERATIONAL, Care(seen_since=ago(90)), Protection.CONTINUOUS, id="operational blobs"),
        pytest.param(
            replace(NEW, state="ProtectionError"), OPERATIONAL, Care(), Protection.OVERDUE,
            id="operational, and not made",
        ),
        pytest.param(database(ago(1), ago(hours=1)), DATABASE, Care(), Protection.PROTECTED, id="full and log"),
        pytest.param(database(ago(1), ago(hours=4)), DATABASE, Care(), Protection.OVERDUE, id="logs have ceased"),
        pytest.param(database(ago(10), ago(hours=1)), DATABASE, Care(), Protection.OVERDUE, id="a log hides no full"),
        pytest.param(
            database(None, ago(hours=1), bad=frozenset({NOW.date()})), DATABASE, Care(), Protection.OVERDUE,
            id="no full one in all that Azure keeps",
        ),
        pytest.param(database(None, ago(hours=1)), DATABASE, Care(), Protection.PROTECTED, id="no job is known"),
    ],
)  # fmt: skip
def test_an_item_is_in_one_state(
    of: Backups, policy: BackupPolicy | None, care: Care, state: Protection
) -> None:
    """By its last good point, what its policy promises, and what is being done about it."""
    assert Judge.of(policy, NOW).state(of, care).state is state


def test_what_is_missed_is_named_with_its_turn() -> None:
    """The kind of backup, the last good point of that kind, and the turn that made none."""
    missed = Judge.of(DATABASE, NOW).missed(database(ago(10), ago(hours=1)))
    assert missed is not None
    assert (missed.promise.kind, missed.point) == ("Full", ago(10))
    assert missed.turn == datetime(2026, 11, 14, 22, tzinfo=UTC)
    assert missed.since == ago(10) + timedelta(days=7) * 1.25


def test_an_estate_is_judged_by_each_items_own_policy() -> None:
    """Policies are found by their ids in any case; what only jobs tell of, as its vault has it no more, is left out."""
    daily, weekly = "/vaults/v/backupPolicies/Daily", "/vaults/v/backupPolicies/Weekly"
    points = {1: daily, 2: weekly, 3: daily}
    items = [
        replace(backups(ago(3)), item=item(number), policy_id=policy, listed=number != 3)
        for number, policy in points.items()
    ]
    estate = Estate(items=items, policies={daily.lower(): DAILY, weekly.lower(): WEEKLY})
    found = judged(estate, {}, NOW)
    assert {key[-2:]: each.state for key, each in found.items()} == {
        "01": Protection.OVERDUE,
        "02": Protection.PROTECTED,
    }
