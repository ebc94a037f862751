"""A small estate, its workers and its network, from one seed.

world = World(seed=1)
world.run(steps=10_000)
world.leave_in_peace()
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from typing import Any

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import RowUnreadable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import JobStatus
from backup_retry.policy.rules import Rules
from backup_retry.ports.causes import MemoryCauses
from backup_retry.ports.inbox import DeferredSignal
from backup_retry.ports.known_vaults import MemoryKnownVaults
from backup_retry.ports.ledger import Beat
from backup_retry.ports.reports import MemoryReports
from tests.model.agenda import START, Agenda
from tests.model.courier import Courier
from tests.model.estate import DAY, HOUR, MINUTE, SUBSCRIPTION, Estate, drawn_rules
from tests.model.faults import Fault, Faults, dice
from tests.model.invariants import Violation, Watch
from tests.model.little_azure import LittleAzure
from tests.model.network import Network
from tests.model.remote import immediately
from tests.model.restraint import Restraint
from tests.model.tables import SERVER_GIVES_UP, Tables, local
from tests.model.true_jobs import (
    CHAIN_BROKE,
    DIFFERENTIAL,
    LOG,
    PASSING,
    PERSON,
    UNKNOWN,
    Ending,
    TrueJob,
)
from tests.model.turns import Shared
from tests.model.worker import Surroundings, Worker

#: how long a world is left alone before every failure has to be closed
PEACE = 6 * DAY
#: in every so manieth world people want to be asked, and timers can stop
_ASKING = 7
_CLOCKS = 3
_FOLLOW_UP_EVERY = 5 * MINUTE
#: in peace nothing is missed by looking more rarely, and the run is over sooner
_FOLLOW_UP_IN_PEACE = 20 * MINUTE
_KEPT_IN_PEACE = 2 * HOUR
_OK, _REPEATED_AFTER = 200, 90.0


@dataclass
class Weather:
    """What a storm does to a vault's backups: until when, and with which error."""

    over_at: dict[str, float] = field(default_factory=dict)
    error: dict[str, str] = field(default_factory=dict)


class World:
    """Virtual time, an estate in Azure, a ledger, and workers; `trouble` makes things happen to it."""

    def __init__(
        self,
        seed: int,
        estate: Estate | None = None,
        rules: Rules | None = None,
        *,
        tables: Tables | None = None,
        clocks: bool = True,
    ) -> None:
        self.random = dice(seed)
        self.estate = estate or replace(
            Estate.drawn(self.random),
            asks=seed % _ASKING == _ASKING - 1,
            clocks=clocks and seed % _CLOCKS == 0,
        )
        self.rules = rules or drawn_rules(self.random)
        self.steps = 0
        self.calm = False
        #: until when no timer fires, and until when no worker begins
        self.timers_stopped_until = self.down_until = 0.0
        self.turns = Shared() if self.estate.clocks else None
        self.weather = Weather()
        self.agenda = Agenda(self.random)
        self.faults = Faults(self.random)
        self.network = Network(self.agenda, self.random, self.faults)
        self.azure = LittleAzure(self.agenda, self.random, self.faults)
        self.tables = tables
        #: whether processes that begin now run version 0.1.0's code of the rows
        self.is_rolled_back = tables is not None and self.random.random() < 0.5
        if tables is not None:
            self.faults.likelihood[Fault.LEDGER_5XX_WRITTEN] = 0.3
            tables.when_lost = lambda: self._soon(self.follow_up)
        self.store = local(tables, lambda: self.agenda.time) if tables is not None else MemoryReports()
        self.waiting: dict[str, DeferredSignal] = {}
        self.causes = MemoryCauses()
        self.watch = self._watch()
        self.courier = Courier(
            self.agenda, self.random, self.faults, self.alive, self._signal_accepted, self.turns
        )
        self.azure.ended = self._backup_ended
        self.azure.next_ending = self.ending
        self.items = [self.estate.item(number) for number in range(self.estate.items)]
        for item in self.items:
            self._protect(item)
        self.known_vaults = MemoryKnownVaults({item.vault for item in self.items})
        self.workers: list[Worker] = []
        self.processes = 0
        for _ in range(self.estate.workers):
            self._start_worker()
        self.always(lambda: _FOLLOW_UP_IN_PEACE if self.calm else _FOLLOW_UP_EVERY, self.follow_up)
        self.always(lambda: _KEPT_IN_PEACE if self.calm else _FOLLOW_UP_EVERY, self.process_deferred)
        if self.estate.swept:
            self.always(lambda: self.estate.sweep_every, self.sweep)
        if self.estate.clocks:
            self.always(lambda: _FOLLOW_UP_EVERY, self._rule)

    @property
    def heads(self) -> list[Incident]:
        """The latest incident of every item, as the ledger has it: whatever version wrote it, it can be read."""
        try:
            records = [immediately(self.store.load(item)) for item in self.items]
        except RowUnreadable as error:
            raise Violation(f"invariant 5: {error}") from error
        return [record.incident for record in records if record.incident is not None]

    def alive(self) -> list[Worker]:
        """The workers that are up."""
        return [worker for worker in self.workers if worker.alive]

    def run(self, steps: int) -> None:
        """Let so many things happen."""
        until = self.steps + steps
        while self.steps < until and self.agenda.step():
            self.steps += 1

    def run_for(self, seconds: float) -> None:
        """Let everything happen that happens within that time."""
        over: list[bool] = []
        self.agenda.after(seconds, lambda: over.append(True))
        while not over:
            self.run(1)

    def leave_in_peace(self) -> None:
        """No more trouble; then every failure has to come to an end."""
        self.calm = True
        self.faults.heal()
        self.network.down.clear()
        self.network.denied.clear()
        self.network.missing.clear()
        self.network.hidden.clear()
        self.weather.over_at.clear()
        self.timers_stopped_until = self.down_until = 0.0
        for scope in list(self.watch.restraint.paused):
            self.resume(scope)
        self.deploy(is_earlier=False)
        self.run_for(PEACE)
        self.end()
        self.watch.at_peace(self.heads, self._horizon())
        left = self.turns.left_since(self.agenda.now - DAY) if self.turns else 0
        if left:
            raise Violation(f"invariant 9: {left} dead letters were never looked into")

    def end(self) -> None:
        """The run is over, and whoever is at work is not to go on when it is forgotten."""
        for worker in self.workers:
            worker.loop.kill()

    def _horizon(self) -> float:
        """How far back the first sweep looked that reached the ledger: what had ended before is nobody's."""
        first = immediately(self.store.last_beat(Beat.FIRST_SWEEP))
        return (first - START).total_seconds() if first else inf

    def deploy(self, *, is_earlier: bool) -> None:
        """Another version's processes take the place of those that run, one after the other within minutes."""
        self.is_rolled_back = is_earlier
        for worker in self.alive():
            if worker.is_earlier is not is_earlier:
                self.agenda.after(self.random.uniform(0, 10 * MINUTE), worker.kill)

    def resume(self, scope: str = "") -> None:
        """A pause is taken back."""
        immediately(self.store.resume(scope))
        self.watch.restraint.paused.pop(scope, None)

    def follow_up(self) -> None:
        """The timer fires, now and then on two workers at once."""
        for worker in self._whoever_has_the_timer():
            worker.run_follow_up()

    def process_deferred(self) -> None:
        """The other timer fires."""
        for worker in self._whoever_has_the_timer():
            worker.process_deferred()

    def sweep(self, repeats: int = 3) -> None:
        """The daily timer fires; what nobody was there for, or died of, is past due and fires again."""
        alive = self.alive()
        if self.timers_stopped_until > self.agenda.now:
            return
        if alive:
            self.random.choice(alive).run_sweep(lambda status: self._swept(status, repeats))
        else:
            self._swept(None, repeats)

    def _swept(self, status: int | None, repeats: int) -> None:
        """One that raised is begun again by the host, a few times."""
        if status is None:
            self.agenda.after(MINUTE, self.sweep)
        elif status != _OK and repeats:
            self.agenda.after(_REPEATED_AFTER, lambda: self.sweep(repeats - 1))

    def always(self, every: Callable[[], float], action: Callable[[], object]) -> None:
        """Do something again and again, peace or not."""

        def happen() -> None:
            action()
            self.always(every, action)

        self.agenda.after(every(), happen)

    def ending(self, item: ProtectedItem, kind: str) -> Ending:
        """How a backup that begins now is going to end."""
        seconds = self.random.choice((2.0, 60.0, self.random.uniform(60, 40 * MINUTE)))
        if not self.calm and self.random.random() < self.estate.slow:
            seconds = self.random.uniform(HOUR, 40 * HOUR)
        if self.weather.over_at.get(item.vault.key, 0.0) > self.agenda.now:
            return Ending(status=JobStatus.FAILED, seconds=seconds, error=self.weather.error[item.vault.key])
        if self.random.random() < self.estate.completes:
            return Ending(seconds=seconds)
        breaks = 4 if kind in {DIFFERENTIAL, LOG} else 0
        errors = (*PASSING, PERSON, UNKNOWN, "", CHAIN_BROKE)
        error = self.random.choices(errors, (6, 3, 3, 1, 1, 1, breaks))[0]
        return Ending(status=JobStatus.FAILED, seconds=seconds, error=error)

    # ---- inside ----

    def _soon(self, action: Callable[[], object]) -> None:
        """While somebody waits for the tables' answer."""
        self.agenda.after(self.random.uniform(0, SERVER_GIVES_UP), action)

    def _rule(self) -> None:
        """Azure Monitor's scheduler looks whether the timers are silent."""
        if self.timers_stopped_until > self.agenda.now:
            self.courier.strike()

    def _whoever_has_the_timer(self) -> list[Worker]:
        if self.timers_stopped_until > self.agenda.now:
            return []
        alive = self.alive()
        return self.random.sample(alive, min(len(alive), self.random.choice((1, 1, 1, 2))))

    def _watch(self) -> Watch:
        skew, incidents = self.estate.skew, dict[str, Incident]()
        restraint = Restraint(self.agenda, self.azure, self.rules, skew, incidents)
        scope = frozenset({SUBSCRIPTION})
        return Watch(
            self.agenda,
            self.azure,
            self.rules,
            skew,
            in_scope=scope,
            restraint=restraint,
            incidents=incidents,
            waiting=self.waiting,
            swept=self.estate.swept,
        )

    def _protect(self, item: ProtectedItem) -> None:
        true_item = self.azure.protect(item)
        true_item.policy = self.estate.policy(item, self.random)
        true_item.nodes = self.estate.nodes(item, self.random)

    def _start_worker(self) -> None:
        surroundings = Surroundings(
            network=self.network,
            azure=self.azure,
            store=self.store,
            tables=self.tables,
            known_vaults=self.known_vaults,
            is_earlier=self.is_rolled_back,
            waiting=self.waiting,
            causes=self.causes,
            places=self.estate.places,
            lookback=timedelta(seconds=self.estate.lookback),
            dispatches=self.estate.dispatches,
            deliver=self._deliver,
            hand_on=self.courier.hand_on,
            start=self.courier.start,
            turns=self.turns,
            swept=self.estate.swept,
            watch=self.watch,
            rules=self.rules,
        )
        bound = self.estate.skew
        worker = Worker(surroundings, self.random.choice((-bound, bound, self.random.uniform(-bound, bound))))
        worker.when_killed = lambda: self._restart(worker)
        self.workers.append(worker)
        self.processes += 1

    def _restart(self, worker: Worker) -> None:
        self.workers.remove(worker)
        self.agenda.at(
            max(self.down_until, self.agenda.now) + self.random.uniform(1, 10 * MINUTE), self._start_worker
        )

    def _backup_ended(self, job: TrueJob) -> None:
        self.watch.tell(job.item, f"job {job.id} ({job.kind}) ends {job.status} {job.error}")
        runs_into_another = job.ends_at - job.started_at <= 1.0  # there is no alert of such a backup
        if job.status is JobStatus.FAILED and not runs_into_another and self.estate.alerted:
            self.courier.alert(job)
            if self.random.random() < 0.1:
                self.courier.event(announced(job), [job])
            if self.random.random() < 0.1:
                self.courier.hint(
                    self.random.choice(({"itemId": job.item.id}, {"vaultId": job.item.vault.id})), job
                )

    def _deliver(self, data: Mapping[str, Any]) -> None:
        """What a sweep announces reaches some worker."""
        jobs = [self.azure.jobs[each["jobId"].rpartition("/")[2]] for each in data["failures"]]
        self.courier.event(data, jobs)

    def _signal_accepted(self, job: TrueJob, named: bool) -> None:
        self.watch.allowed(self.watch.promises.answered(job, named=named))


def announced(job: TrueJob) -> dict[str, str]:
    """How a failed job is named in an event of ours."""
    return {"jobId": f"{job.item.vault.id}/backupJobs/{job.id}", "itemId": job.item.id}
