"""The daily look at protection: what is missing becomes an incident, once; days and counts are kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta

import pytest

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.domain.missed import NO_BACKUP_IN_TIME, MissedBackups
from backup_retry.domain.protection import Protection
from backup_retry.domain.schedule import BackupPolicy, Daily
from backup_retry.policy.rules import Rules
from backup_retry.ports.estate import MemoryEstate
from backup_retry.ports.protection_history import MemoryHistory
from reconciler.protection_watch import ProtectionWatch
from tests.builders import NOW, item
from tests.cli_sessions import JournalledLedger
from tests.world import World

POLICY = "/vaults/v/backupPolicies/p"
DAILY = BackupPolicy(schedules={"": (Daily(times=(time(22),)),)})
OLD, FRESH = NOW - timedelta(days=12), NOW - timedelta(hours=16)


class Watch(World):
    """A world with the watch over it, and its days."""

    def __init__(self, missed: MissedBackups = MissedBackups.TELL) -> None:
        super().__init__(Rules(missed_backups=missed))
        self.ledger: JournalledLedger = JournalledLedger()
        self.engine = self.another_engine()
        self.estate, self.history = MemoryEstate(), MemoryHistory()
        self.of = ProtectionWatch(
            estate=self.estate,
            reports=self.ledger,
            history=self.history,
            engine=self.engine,
            missed_backups=missed,
            clock=self.clock,
        )

    @property
    def told(self) -> list[str]:
        """Whom a person was told of."""
        return [name.rpartition(";")[2] for kind, name in self.sent_notices if kind == "NeedsPerson"]

    async def latest(self, number: int = 1) -> Incident | None:
        """The machine's latest incident."""
        return (await self.ledger.load(item(number))).incident

    def shows(self, *items: Backups, policy: BackupPolicy | None = DAILY) -> None:
        """Resource Graph has these, all of one policy, and their vaults protect them."""
        known = {POLICY.lower(): policy} if policy else {}
        self.estate.estate = Estate(items=[replace(each, policy_id=POLICY) for each in items], policies=known)
        for each in items:
            self.vaults.protect(each.item)

    async def look(self) -> list[str]:
        """A day's look, then a follow-up; the problems."""
        problems = await self.of.look()
        for incident in await self.ledger.open_incidents():
            await self.engine.advance(incident)
        return problems


@pytest.fixture
def watch() -> Watch:
    """One that tells a person."""
    return Watch()


def backups(*numbers: int, point: object = OLD) -> Sequence[Backups]:
    """Machines whose last good point is that one."""
    known = Backups(item=item(), workload="VM", point_at=point, last_good_at=point)  # type: ignore[arg-type]
    return [replace(known, item=item(number)) for number in numbers]


async def test_one_gap_is_one_incident_and_one_message(watch: Watch) -> None:
    """Found by the sweep, told once, however often it is looked at; the healthy one beside it has none."""
    watch.shows(*backups(1), *backups(2, point=FRESH))
    for _ in range(3):
        assert await watch.look() == []
        watch.clock.move(hours=3)
    incident = await watch.latest()
    assert incident is not None
    assert (incident.outcome, incident.found_by) == (Outcome.NEEDS_ACTION, Source.SWEEP)
    assert incident.failure.error.title == NO_BACKUP_IN_TIME
    assert watch.told == ["vm-01"]
    assert await watch.latest(2) is None
    assert watch.history.counted is not None
    assert watch.history.counted.states == {Protection.PROTECTED: 1, Protection.ACTION_REQUIRED: 1}


async def test_forty_missed_backups_of_a_vault_are_one_cause(watch: Watch) -> None:
    """One message at once; the others wait for its digest."""
    watch.shows(*backups(*range(1, 41)))
    await watch.look()
    assert len(watch.told) == 1
    assert watch.vaults.triggered == []


@pytest.mark.parametrize(
    ("missed", "triggered", "notices"),
    [(MissedBackups.RETRY, 1, 0), (MissedBackups.OFF, 0, 0), (MissedBackups.TELL, 0, 1)],
)
async def test_what_follows_is_set(missed: MissedBackups, triggered: int, notices: int) -> None:
    """Tell a person, retry, or nothing."""
    watch = Watch(missed)
    watch.shows(*backups(1))
    await watch.look()
    assert (len(watch.vaults.triggered), len(watch.told)) == (triggered, notices)


async def test_a_new_gap_after_a_good_point_is_a_new_incident(watch: Watch) -> None:
    """It is told anew, as the success between the two clears the memory."""
    watch.shows(*backups(1))
    await watch.look()
    first = await watch.latest()
    watch.clock.move(days=4)
    watch.shows(*backups(1, point=NOW + timedelta(days=1)))
    await watch.look()
    second = await watch.latest()
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert watch.told == ["vm-01", "vm-01"]


async def test_what_is_looked_after_or_was_told_is_not_told_again(watch: Watch) -> None:
    """A failure's own incident speaks for the item, open or ended with a person."""
    await watch.engine.note(watch.fails("job-1", of=item(1)), Source.ALERT)
    await watch.handle(watch.fails("job-2", of=item(2), error="UserErrorVmProvisioningStateFailed"))
    told = watch.told
    watch.shows(*backups(1, 2))
    await watch.of.look()
    assert watch.told == told
    assert watch.history.counted is not None
    assert watch.history.counted.states == {Protection.IN_PROGRESS: 1, Protection.ACTION_REQUIRED: 1}


async def test_a_new_deployment_waits_for_the_first_turn(watch: Watch) -> None:
    """An item without a point is known from the first sweep on: nothing is overdue in the first minute."""
    watch.shows(*backups(1, point=None))
    await watch.look()
    assert (watch.told, await watch.latest()) == ([], None)
    watch.clock.move(hours=13)  # its first turn was five hours ago
    await watch.look()
    assert await watch.latest() is None
    watch.clock.move(hours=24)
    await watch.look()
    incident = await watch.latest()
    assert incident is not None
    assert incident.failure.id == "missed-never"


async def test_without_its_policy_only_what_no_policy_allows_is_told(watch: Watch) -> None:
    """A failed backup alone makes it overdue on the page, and its failure is another matter."""
    young = replace(backups(1, point=NOW - timedelta(days=3))[0], last_bad_at=NOW - timedelta(days=1))
    watch.shows(young, *backups(2), policy=None)
    await watch.look()
    assert watch.history.counted is not None
    assert watch.history.counted.overdue == 2
    assert watch.told == ["vm-02"]


async def test_what_cannot_be_read_is_a_problem_of_the_sweep(watch: Watch) -> None:
    """Nothing is counted, and nobody is told; the next sweep looks again."""
    watch.estate.error = AzureUnavailable("Resource Graph: 503")
    assert await watch.look() == [
        "The protection state of the items cannot be determined: Resource Graph: 503"
    ]
    assert watch.history.counted is None


async def test_the_days_are_kept(watch: Watch) -> None:
    """Thirteen days of what Azure still knows at first, one more each day, and none older than thirty."""
    watch.shows(*backups(1))
    for _ in range(30):
        await watch.of.look()
        watch.clock.move(days=1)
    days = sorted(day for _, day in watch.history.kept)
    assert (len(days), days[-1]) == (30, (NOW + timedelta(days=28)).date())
