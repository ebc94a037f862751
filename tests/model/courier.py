"""Azure's deliveries in the model: alerts by an action group, events by Event Grid; lost, doubled, late, repeated."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.failure_batches import FAILURE_FOUND
from backup_retry.ports.inbox import SIGNAL_DEFERRED
from backup_retry.ports.turns import TURN_DUE
from tests.model.agenda import Agenda
from tests.model.faults import Fault, Faults
from tests.model.signal_promises import SHOWN_WITHIN
from tests.model.true_jobs import TrueJob
from tests.model.turns import Shared
from tests.model.worker import Answered, Worker

#: an action group's waits between its calls, in seconds
ACTION_GROUP_WAITS = (5.0, 20.0, 5.0, 40.0, 5.0)
#: the first of Event Grid's
EVENT_GRID_WAITS = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
_ALERT_WITHIN = 1200.0
#: Event Grid waits so long before an event is a dead letter
_UNTIL_DEAD = 300.0
_CLOCK_STRIKES = json.dumps(
    {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {"alertRule": "The second clock", "monitoringService": "Log Alerts V2"},
            "alertContext": {},
            "customProperties": {"backupRetryRule": "second-clock"},
        },
    }
).encode()
_SUCCESS = frozenset({200, 202})
#: answers after which nobody calls again
_FINAL = _SUCCESS | {400, 413}


@dataclass
class Courier:
    """Carries signals to whichever worker is there."""

    agenda: Agenda
    random: Random
    faults: Faults
    workers: Callable[[], list[Worker]]
    #: told which failed job's signal was answered with success, and whether that named the job
    accepted: Callable[[TrueJob, bool], None]
    #: where events go that reach nobody; None: there is no such container
    turns: Shared | None = None
    deliveries: int = 0
    #: how often Azure Monitor's alert about silent timers was raised, and a turn was started
    struck: int = 0
    started: int = 0
    #: signals that a worker had no time for
    handed_on: int = 0

    def alert(self, job: TrueJob) -> None:
        """Azure Monitor raises the built-in alert of a job."""
        if self.faults.strikes(Fault.ALERT_LOST):
            return
        for _ in range(2 if self.faults.strikes(Fault.ALERT_DOUBLED) else 1):
            self._deliver([job], self._until_raised(), iter(ACTION_GROUP_WAITS), _by_alert(job.item, job.id))

    def hint(self, data: dict[str, str], job: TrueJob) -> None:
        """An event tells of a failure by its item or vault alone, once the vault surely shows it."""
        wait = self.random.uniform(SHOWN_WITHIN, _ALERT_WITHIN)
        self._deliver([job], wait, iter(EVENT_GRID_WAITS), _by_event(data), named=False)

    def event(self, data: object, jobs: Sequence[TrueJob] = ()) -> None:
        """Somebody publishes an event of ours; `jobs` are those that its data names."""
        if self.turns is not None and self.faults.strikes(Fault.EVENT_UNAUTHORIZED):
            self._give_up(data, jobs)
        else:
            self._deliver(jobs, 0.0, iter(EVENT_GRID_WAITS), _by_event(data), data=data)

    def start(self, turn: str, number: int) -> None:
        """A worker has a slice of a turn run in an invocation of its own."""
        self.started += 1
        data = {"turn": turn, "slice": number}
        self._deliver(
            [],
            0.0,
            iter(EVENT_GRID_WAITS),
            lambda worker, answered: worker.post_event(TURN_DUE, data, answered),
        )

    def strike(self) -> None:
        """Azure Monitor raises the alert of the app's own rule about silent timers."""
        self.struck += 1
        self._deliver(
            [],
            self.random.uniform(0, 60),
            iter(ACTION_GROUP_WAITS),
            lambda worker, answered: worker.post_alert(_CLOCK_STRIKES, answered),
        )

    def hand_on(self, key: str) -> None:
        """A worker has stored a signal that it had no time for."""
        self.handed_on += 1
        data = {"key": key}
        self._deliver(
            [],
            0.0,
            iter(EVENT_GRID_WAITS),
            lambda worker, answered: worker.post_event(SIGNAL_DEFERRED, data, answered),
        )

    def _until_raised(self) -> float:
        if self.faults.strikes(Fault.ALERTS_AT_ONCE):
            return -self.agenda.now % _ALERT_WITHIN
        hours_late = self.faults.strikes(Fault.ALERT_DELAYED)
        return self.random.uniform(0, 20 * 3600.0 if hours_late else _ALERT_WITHIN)

    def _deliver(
        self,
        jobs: Sequence[TrueJob],
        wait: float,
        waits: Iterator[float],
        post: Callable[[Worker, Answered], None],
        *,
        named: bool = True,
        data: object = None,
    ) -> None:
        def answered(status: int | None) -> None:
            if status in _SUCCESS:
                for job in jobs:
                    self.accepted(job, named)
            again = next(waits, None) if status not in _FINAL else None
            if again is not None:
                self._deliver(jobs, again, waits, post, named=named, data=data)
            elif status not in _SUCCESS and data is not None and self.turns is not None:
                self._give_up(data, jobs)

        def call() -> None:
            self.deliveries += 1
            alive = self.workers()
            if alive:
                post(self.random.choice(alive), answered)
            else:
                answered(None)

        self.agenda.after(wait, call)

    def _give_up(self, data: object, jobs: Sequence[TrueJob]) -> None:
        """Event Grid puts an event into the container, minutes later."""
        event = {"eventType": FAILURE_FOUND, "data": data, "deadLetterReason": "Unauthorized"}
        if self.turns is not None:
            put, content = self.turns.put, json.dumps([event]).encode()
            self.agenda.after(_UNTIL_DEAD, lambda: put(content, jobs, self.agenda.now))


def _by_alert(item: ProtectedItem, job_id: str) -> Callable[[Worker, Answered], None]:
    body = alert_body(item, job_id)
    return lambda worker, answered: worker.post_alert(body, answered)


def _by_event(data: object) -> Callable[[Worker, Answered], None]:
    return lambda worker, answered: worker.post_event(FAILURE_FOUND, data, answered)


def alert_body(item: ProtectedItem, job_id: str) -> bytes:
    """The built-in alert "Backup Failure" in the common alert schema, as far as anybody reads it."""
    return json.dumps(
        {
            "schemaId": "azureMonitorCommonAlertSchema",
            "data": {
                "essentials": {
                    "alertRule": "Backup Failure",
                    "monitorCondition": "Fired",
                    "monitoringService": "Azure Backup",
                    "alertTargetIDs": [item.vault.id],
                },
                "alertContext": {
                    "category": "Jobs",
                    "protectedItemId": item.id,
                    "extendedInfo": {"jobId": job_id},
                },
            },
        }
    ).encode()
