"""Thirty days of an estate in virtual time: what a month looks like, and whether every failed job is accounted for.

    python -m tests.model.thirty_days

Two thousand machines are backed up every night when their vault's policy says. A few backups in a hundred fail, most
for passing reasons; two nights bring a storm. The network behaves as networks do, and every few days a process dies.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as time_of_day
from unittest.mock import patch

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.journal import Step
from backup_retry.domain.notices import Notice, NoticeKind
from backup_retry.domain.schedule import BackupPolicy, Daily
from backup_retry.engine.vault_incidents import whole
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import Names, Scope
from tests.model import mailbox
from tests.model.estate import DAY, HOUR, MINUTE, SUBSCRIPTION, Estate
from tests.model.faults import Fault
from tests.model.remote import immediately
from tests.model.trouble import Trouble
from tests.model.true_jobs import PASSING, PERSON, UNKNOWN, Ending, TrueJob
from tests.model.world import World
from tests.told_by_log import AppLog, amiss

#: how likely a scheduled backup is to fail
_FAILS = 0.02
#: what it fails with then
_ERRORS = ((PASSING[0], 45), (PASSING[1], 20), (PASSING[2], 15), (PERSON, 12), (UNKNOWN, 5), ("", 3))
#: how likely a retry completes
_RETRY_COMPLETES = 0.8
_ITEMS_PER_VAULT = 100
_STORM_HOURS = 3.0
_QUIET_NETWORK = {
    Fault.SLOW_ANSWER: 0.02,
    Fault.READ_UNAVAILABLE: 0.002,
    Fault.READ_THROTTLED: 0.005,
    Fault.LEDGER_REQUEST_LOST: 0.0005,
    Fault.TRIGGER_ANSWER_LOST: 0.005,
    Fault.TRIGGER_5XX_NOT_STARTED: 0.005,
    Fault.TRIGGER_THROTTLED: 0.01,
    Fault.JOB_APPEARS_LATE: 0.1,
    Fault.ALERT_LOST: 0.02,
    Fault.ALERT_DOUBLED: 0.1,
    Fault.GRAPH_LAGS: 0.5,
}


@dataclass
class Month:
    """What happened."""

    items: int
    days: int
    backups: int
    failures: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    storms: int = 0
    signals: int = 0
    steps: int = 0
    #: what was published, by type; the same thing told twice counts once
    notices: Counter[str] = field(default_factory=Counter)
    mails: Sequence[mailbox.Mail] = ()
    #: vault, code and day of every failure that only a person could mend, or that no retry did
    causes: set[tuple[str, str, str]] = field(default_factory=set)
    #: failed jobs that no incident stands for and no later backup has mended
    unaccounted: list[str] = field(default_factory=list)
    #: steps that alert rules read and the log does not have, or the other way round
    unsaid: list[str] = field(default_factory=list)

    @property
    def mails_by_cause(self) -> Counter[mailbox.Mail]:
        """How many mails a cause has had from a rule on a day."""
        return Counter(self.mails)


class _Nights:
    """The schedule of an estate, night after night."""

    def __init__(self, world: World, days: int, storms: Sequence[int]) -> None:
        self._world = world
        self._random = world.random
        self._storms = storms
        self.backups = 0
        world.azure.next_ending = self._of_retry
        hours = {item.vault.key: self._random.choice((20, 21, 22, 23, 0, 1, 2)) for item in world.items}
        for item in world.items:
            at = time_of_day(hours[item.vault.key])
            world.azure.items[item.key].policy = BackupPolicy(schedules={"": (Daily(times=(at,)),)})
            for day in range(days):
                start = day * DAY + at.hour * HOUR + at.minute * MINUTE + self._random.uniform(0, 20 * MINUTE)
                world.agenda.at(start, lambda item=item, day=day: self._back_up(item, day))  # type: ignore[misc]

    def _back_up(self, item: ProtectedItem, day: int) -> None:
        self.backups += 1
        in_storm = day in self._storms and item.vault.name == "vault-1"
        if in_storm:
            self._world.weather.over_at[item.vault.key] = self._world.agenda.now + _STORM_HOURS * HOUR
            ending = Ending(status=JobStatus.FAILED, seconds=120.0, error=PASSING[1])
        else:
            ending = self._drawn(1 - _FAILS)
        self._world.azure.backup(item, ending)

    def _of_retry(self, item: ProtectedItem, _: str) -> Ending:
        """A retry into a storm fails as all others do."""
        if self._world.weather.over_at.get(item.vault.key, 0.0) > self._world.agenda.now:
            return Ending(status=JobStatus.FAILED, seconds=120.0, error=PASSING[1])
        return self._drawn(_RETRY_COMPLETES)

    def _drawn(self, completes: float) -> Ending:
        seconds = self._random.uniform(5 * MINUTE, 50 * MINUTE)
        if self._random.random() < completes:
            return Ending(seconds=seconds)
        errors, weights = zip(*_ERRORS, strict=True)
        return Ending(
            status=JobStatus.FAILED, seconds=seconds, error=self._random.choices(errors, weights)[0]
        )


def live(items: int, days: int, seed: int) -> Month:
    """Let the days pass; raises Violation where an invariant breaks.

    The invariants are those of the soak, checked at every step and once more when everything has come to rest.
    """
    scope = Scope(subscriptions=Names(patterns=(SUBSCRIPTION,)))
    estate = Estate(
        vaults=max(1, items // _ITEMS_PER_VAULT),
        databases=0,
        both_kinds=False,
        items=items,
        workers=2,
        skew=30.0,
        scheduled=0.0,
    )
    world = World(seed, estate, Rules(scope=scope))
    world.faults.likelihood = dict(_QUIET_NETWORK)
    nights = _Nights(world, days, storms=(days // 3, 2 * days // 3))
    trouble = Trouble(world)
    for day in range(0, days, 3):
        world.agenda.at(day * DAY + world.random.uniform(0, DAY), trouble.kill_a_worker)
    with AppLog() as log, mailbox.written(world.agenda) as lines, _published(world) as notices:
        world.run_for(days * DAY)
        world.leave_in_peace()
    month = _month(world, nights, days)
    month.mails = mailbox.mails(lines)
    month.notices = Counter(notice.kind.value for notice in notices.values())
    month.causes = _causes(world)
    month.unsaid = sorted(map(str, amiss(log.lines, _steps(world))))
    return month


def _steps(world: World) -> Iterator[Step]:
    """The journals of all items and vaults."""
    for subject in {
        item.key: item for item in (*world.items, *(whole(each.vault) for each in world.items))
    }.values():
        yield from immediately(world.store.steps(subject))


@contextmanager
def _published(world: World) -> Iterator[dict[str, Notice]]:
    """The notices that reach the topic meanwhile, by their ids."""
    notices: dict[str, Notice] = {}
    watched = world.watch.published

    def published(sent: Sequence[Notice]) -> None:
        notices.update((notice.id, notice) for notice in sent)
        watched(sent)

    with patch.object(world.watch, "published", published):
        yield notices


def _causes(world: World) -> set[tuple[str, str, str]]:
    """Of storms those that a person was told of."""
    closed = [each for each in world.watch.incidents.values() if each.outcome and each.outcome.needs_a_person]
    failures = {(each.item.vault.key, each.failure.error.label, _day(each.closed_at)) for each in closed}
    told = [
        storm
        for storms in world.watch.storm_messages.storms.values()
        for storm in storms.values()
        if storm.told
    ]
    return failures | {(storm.vault.key, storm.code, _day(storm.began_at)) for storm in told}


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}"


def _month(world: World, nights: _Nights, days: int) -> Month:
    heads = {head.item.key: head for head in world.heads}
    failed = [job for job in world.azure.jobs.values() if job.failed_at(world.agenda.now)]
    sent = [each for each in world.watch.sent.values() if each.sent_at <= world.agenda.now]
    month = Month(items=len(world.items), days=days, backups=nights.backups, attempts=len(sent))
    month.outcomes, month.signals, month.steps = world.watch.outcomes, world.courier.deliveries, world.steps
    month.storms = sum(kind is NoticeKind.STORM_BEGAN for _, kind in world.watch.told)
    own = {each.attempt_id for each in sent}
    for job in failed:
        month.failures["of a retry" if job.attempt_id in own else "of the schedule"] += 1
        noted = job.id in world.watch.noted[job.item.key]
        head = heads.get(job.item.key)
        if not (noted or _mended(world, job) or (head is not None and job.attempt_id in own)):
            month.unaccounted.append(job.id)
    return month


def _mended(world: World, job: TrueJob) -> bool:
    return world.azure.items[job.item.key].mended(job, world.agenda.now)


def table(month: Month) -> str:
    """The month for a person to read."""
    failures, rules = sum(month.failures.values()), Counter(mail.rule for mail in month.mails)
    rows = [
        (f"{month.items} machines, {month.days} days: backups by schedule", month.backups),
        *((f"  failed backups {what}", number) for what, number in month.failures.most_common()),
        ("signals delivered", month.signals),
        ("storms", month.storms),
        ("retries triggered", month.attempts),
        ("incidents", sum(month.outcomes.values())),
        *((f"  {outcome}", number) for outcome, number in month.outcomes.most_common()),
        ("causes that require action (vault, code and day)", len(month.causes)),
        ("mails", len(month.mails)),
        *((f"  of the rule {rule}", number) for rule, number in rules.most_common()),
        ("  of one cause and rule on one day, at most", max(month.mails_by_cause.values(), default=0)),
        ("  causes and days with a first mail and a digest", Counter(month.mails_by_cause.values())[2]),
        ("notices", sum(month.notices.values())),
        *((f"  {kind}", number) for kind, number in month.notices.most_common()),
        (f"failed backups not accounted for, of {failures}", len(month.unaccounted)),
        ("ends of incidents that the log does not have", len(month.unsaid)),
    ]
    return "".join(f"{what:<60}{number:>8}\n" for what, number in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 when a failed job is not accounted for, or an end is not in the log."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.model.thirty_days", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    month = live(options.items, options.days, options.seed)
    took = timedelta(seconds=round(time.monotonic() - began))
    sys.stdout.write(f"{table(month)}{month.steps} steps in {took}\n")
    return 1 if month.unaccounted or month.unsaid else 0


if __name__ == "__main__":
    sys.exit(main())
