"""What happens to a world: backups, people, outages, storms, dying processes and false alarms."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.pauses import Pause
from reactor.second_clock import KEPT_SIGNALS
from tests.model.estate import HOUR, MINUTE
from tests.model.faults import Fault
from tests.model.remote import immediately
from tests.model.true_jobs import DIFFERENTIAL, FULL, LOG, PASSING, Ending, TrueJob, is_database
from tests.model.turns import FOLLOW_UP, SWEEP
from tests.model.world import World, announced

_FOREIGN = Vault(
    subscription="aaaaaaaa-0000-0000-0000-000000000099", resource_group="rg-backup", name="vault-1"
)
#: how many failures a sweep announces at once
_ANNOUNCED = 12


class Trouble:
    """Each method makes one thing happen now; `begin` lets all of them happen now and then."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.random
        self._after = world.agenda.after

    def begin(self) -> None:
        """Everything happens, at random times, until the world is left in peace."""
        happenings: list[tuple[float, Callable[[], object]]] = [
            (8 * MINUTE, self.back_up),
            (2 * HOUR, self.cancel_a_job),
            (12 * HOUR, self.change_protection),
            (14 * HOUR, self.pause),
            (HOUR, self.kill_a_worker),
            (5 * HOUR, self.begin_outage),
            (10 * HOUR, self.take_role_away),
            (20 * HOUR, self.lose_a_vault),
            (40 * HOUR, self.lose_the_subscription),
            (16 * HOUR, self.edit_a_policy),
            (self._world.estate.storm_every, self.begin_storm),
            (40 * HOUR, self.tag_off),
            *([(12 * HOUR, self.roll_back)] if self._world.tables is not None else []),
        ]
        if self._world.estate.alerted:
            happenings += [(HOUR, self.send_false_alert), (6 * HOUR, self.announce)]
        if self._world.estate.clocks:
            happenings += [
                (16 * HOUR, self.stop_timers),
                (20 * HOUR, self.take_the_app_down),
                (6 * HOUR, self.start_turns_twice),
            ]
        if self._world.is_rolled_back:
            self._roll_forward_later()
        if self._world.estate.asks:
            happenings += [(3 * HOUR, self.ask_first), (HOUR, self.answer)]
        for mean, action in happenings:
            self._now_and_then(mean, action)

    def fail_a_backup(self, item: ProtectedItem | None = None, error: str = PASSING[0]) -> TrueJob:
        """A scheduled backup begins that is going to fail."""
        item = item or self._any_item()
        ending = Ending(status=JobStatus.FAILED, seconds=self._random.uniform(2, 10 * MINUTE), error=error)
        return self._world.azure.backup(item, ending, self._kind(item))

    def back_up(self, item: ProtectedItem | None = None) -> TrueJob:
        """A backup begins, by schedule or by a colleague."""
        item = item or self._any_item()
        kind = self._kind(item)
        return self._world.azure.backup(item, self._world.ending(item, kind), kind)

    def begin_storm(self) -> None:
        """Every backup in a vault fails with one error for a while, and its items are backed up in that time."""
        vault = self._any_item().vault
        mates = [item for item in self._world.items if item.vault == vault]
        self._world.faults.record(Fault.STORM)
        self._world.weather.error[vault.key] = self._random.choice(PASSING)
        self._world.weather.over_at[vault.key] = self._world.agenda.now + self._random.uniform(
            10 * MINUTE, 4 * HOUR
        )
        for item in mates:
            self._after(self._random.uniform(0, 15 * MINUTE), lambda item=item: self.back_up(item))  # type: ignore[misc]

    def cancel_a_job(self) -> None:
        """A person cancels a backup that runs."""
        azure = self._world.azure
        running = [job for job in azure.jobs.values() if job.runs_at(self._world.agenda.now)]
        backups = [job for job in running if job.is_backup]
        if backups:
            azure.cancel(self._random.choice(backups))

    def change_protection(self) -> None:
        """Somebody stops an item's protection, and sets it up anew later."""
        item, azure = self._any_item(), self._world.azure
        if azure.items[item.key].protected:
            azure.protection(item, on=False)
            wait = self._random.uniform(MINUTE, 12 * HOUR)
            self._after(wait, lambda: azure.protection(item, on=True))

    def tag_off(self) -> None:
        """Somebody opts an item out by a tag, for some hours."""
        key, tagged = self._any_item().key, self._world.watch.restraint.tagged
        tagged.setdefault(key, self._world.agenda.now)
        self._after(self._random.uniform(HOUR, 12 * HOUR), lambda: tagged.pop(key, None))

    def ask_first(self) -> None:
        """Somebody wants to be asked about an item, for some hours or for ever."""
        key, asking = self._any_item().key, self._world.watch.restraint.asking
        asking.setdefault(key, self._world.agenda.now)
        self._after(self._random.uniform(6 * HOUR, 72 * HOUR), lambda: asking.pop(key, None))

    def answer(self) -> None:
        """Somebody answers what has been asked, now and then two at once."""
        alive, waiting = self._world.alive(), [each for each in self._world.heads if each.awaits_approval]
        for _ in range(self._random.choice((1, 1, 2)) if alive and waiting else 0):
            incident, approved = self._random.choice(waiting), self._random.random() < 0.7
            self._random.choice(alive).answer(incident, approved=approved)

    def pause(self) -> None:
        """Somebody switches retries off, now and then with an end: everywhere, in a subscription or in a vault."""
        item = self._any_item()
        scope = self._random.choice(("", item.vault.subscription, item.vault.key))
        paused = self._world.watch.restraint.paused
        if scope in paused:
            return
        began = paused[scope] = self._world.agenda.now
        lasts = self._random.uniform(MINUTE, 6 * HOUR)
        until = self._world.agenda.time + timedelta(seconds=lasts) if self._random.random() < 0.5 else None
        immediately(
            self._world.store.set_pause(Pause(by="somebody", why="a change", scope=scope, until=until))
        )
        if until is None:
            self._after(lasts, lambda: self._world.resume(scope))
        else:  # on the worker whose clock is furthest ahead
            self._after(lasts - self._world.estate.skew, lambda: self._is_over(scope, began))

    def _is_over(self, scope: str, began: float) -> None:
        paused = self._world.watch.restraint.paused
        if paused.get(scope) == began:
            del paused[scope]

    def kill_a_worker(self) -> None:
        """A process dies wherever it is."""
        alive = self._world.alive()
        if alive:
            self._world.faults.record(Fault.KILLED)
            self._random.choice(alive).kill()

    def stop_timers(self) -> None:
        """No timer fires for some hours, while calls go on working."""
        self._world.faults.record(Fault.TIMERS_STOPPED)
        self._world.timers_stopped_until = self._world.agenda.now + self._random.uniform(HOUR, 8 * HOUR)

    def take_the_app_down(self) -> None:
        """No worker is there for some time, as where the region or the plan fails."""
        self._world.faults.record(Fault.APP_DOWN)
        self._world.down_until = self._world.agenda.now + self._random.uniform(10 * MINUTE, 4 * HOUR)
        for worker in self._world.alive():
            worker.kill()

    def start_turns_twice(self) -> None:
        """Both clocks want the same turn at the same moment."""
        self._world.faults.record(Fault.BOTH_CLOCKS)
        turn, fire = self._random.choice(
            (
                (FOLLOW_UP, self._world.follow_up),
                (KEPT_SIGNALS, self._world.process_deferred),
                (SWEEP, self._world.sweep if self._world.estate.swept else self._world.follow_up),
            )
        )
        self._world.courier.start(turn, 0)
        fire()

    def roll_back(self) -> None:
        """Version 0.1.0 is deployed again, for some hours."""
        if not self._world.is_rolled_back:
            self._world.faults.record(Fault.ROLLED_BACK)
            self._world.deploy(is_earlier=True)
            self._roll_forward_later()

    def _roll_forward_later(self) -> None:
        wait = self._random.uniform(MINUTE, 12 * HOUR)
        self._after(wait, lambda: self._world.deploy(is_earlier=False))

    def begin_outage(self) -> None:
        """The ledger, the topic or a vault does not answer for some minutes."""
        what = self._random.choice(["ledger", "topic", self._any_item().vault.key])
        self._down([self._world.network.down], what, Fault.OUTAGE)

    def take_role_away(self) -> None:
        """The app has no role on a vault for a while; Resource Graph hides the vault, and whatever failed in it."""
        network = self._world.network
        longest = self._random.choice((HOUR, 12 * HOUR))
        self._down([network.denied, network.hidden], self._any_item().vault.key, Fault.NO_PERMISSION, longest)

    def lose_a_vault(self) -> None:
        """Azure answers 404 for a vault, or for its group or subscription, for a while."""
        self._down([self._world.network.missing], self._any_item().vault.key, Fault.NOT_FOUND)

    def lose_the_subscription(self) -> None:
        """The subscription and all of its vaults are out of reach for a while, as where a delegation ends."""
        network = self._world.network
        self._world.faults.record(Fault.SUBSCRIPTION_LOST)
        for key in self._world.azure.in_vault:
            self._down([network.missing, network.hidden], key, Fault.NOT_FOUND)

    def edit_a_policy(self) -> None:
        """Somebody edits a policy: each item of the vault is configured once more, or that fails."""
        vault, azure = self._any_item().vault, self._world.azure
        for true_item in azure.in_vault[vault.key]:
            if true_item.protected:
                azure.configure(true_item, self._random.choice((JobStatus.COMPLETED, JobStatus.FAILED)))

    def send_false_alert(self) -> None:
        """An event names a job of another vault, an item or a vault without a failure, or a foreign subscription."""
        jobs = list(self._world.azure.jobs.values())
        if not jobs:
            return
        job, item = self._random.choice(jobs), self._any_item()
        fault = self._random.choice((Fault.FALSE_ALERT, Fault.FALSE_ALERT, Fault.OUT_OF_SCOPE))
        self._world.faults.record(fault)
        if fault is Fault.OUT_OF_SCOPE:
            item = ProtectedItem(vault=_FOREIGN, container=item.container, name=item.name)
        hints = [{"itemId": item.id}, {"vaultId": item.vault.id, "jobId": job.id}, {"vaultId": item.vault.id}]
        if not job.node:  # who names an item for a job of another name is believed
            hints.append({"vaultId": item.vault.id, "itemId": item.id, "jobId": job.id})
        self._world.courier.event(self._random.choice(hints))

    def announce(self) -> None:
        """A sweep somewhere else announces what has failed lately, many in one event."""
        jobs = self._world.azure.jobs.values()
        failed = [job for job in jobs if job.is_backup and job.failed_at(self._world.agenda.now)][
            -_ANNOUNCED:
        ]
        if failed:
            self._world.courier.event({"failures": [announced(job) for job in failed]}, failed)

    def _kind(self, item: ProtectedItem) -> str:
        return self._random.choices((FULL, DIFFERENTIAL, LOG), (2, 1, 3))[0] if is_database(item) else ""

    def _down(self, of: Sequence[set[str]], name: str, fault: Fault, longest: float = HOUR) -> None:
        self._world.faults.record(fault)
        lasts = self._random.uniform(MINUTE, longest)
        for names in of:
            names.add(name)
            self._after(lasts, lambda names=names: names.discard(name))  # type: ignore[misc]

    def _now_and_then(self, mean: float, action: Callable[[], object]) -> None:
        def happen() -> None:
            if not self._world.calm:
                action()
                self._now_and_then(mean, action)

        self._after(self._random.expovariate(1 / mean), happen)

    def _any_item(self) -> ProtectedItem:
        return self._random.choice(self._world.items)
