"""What goes wrong in the world: how often, and how often it did."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


def dice(seed: int) -> Random:
    """Randomness that a seed replays."""
    return Random(seed)  # noqa: S311  # no secrets hang on it


class Fault(StrEnum):
    """One way in which the world misbehaves."""

    LEDGER_REQUEST_LOST = "ledger: request lost"
    LEDGER_ANSWER_LOST = "ledger: answer lost after the write"
    LEDGER_5XX_WRITTEN = "ledger: 5xx after the write"
    READ_THROTTLED = "read: 429"
    READ_UNAVAILABLE = "read: 503"
    READ_LOST = "read: no answer"
    READ_REFUSED = "read: 400"
    JOB_LIST_LAGS = "read: job list lags"
    TRIGGER_THROTTLED = "trigger: 429"
    TRIGGER_NEVER_CONNECTED = "trigger: no connection"
    TRIGGER_REQUEST_LOST = "trigger: request lost"
    TRIGGER_ANSWER_LOST = "trigger: answer lost"
    TRIGGER_ARRIVES_LATE = "trigger: takes effect after we gave up"
    TRIGGER_5XX_STARTED = "trigger: 5xx, and started"
    TRIGGER_5XX_NOT_STARTED = "trigger: 5xx, not started"
    TRIGGER_REFUSED = "trigger: 400"
    OPERATION_FAILED = "trigger: accepted, then no job"
    JOB_APPEARS_LATE = "job appears late"
    GRAPH_LAGS = "Resource Graph lags"
    GRAPH_UNAVAILABLE = "Resource Graph: no answer"
    ALERT_LOST = "alert lost"
    ALERT_DOUBLED = "alert doubled"
    ALERT_DELAYED = "alert hours late"
    ALERTS_AT_ONCE = "alerts raised all at once"
    EVENT_UNAUTHORIZED = "event: 401, and given up"
    TIMERS_STOPPED = "timers stopped for hours"
    BOTH_CLOCKS = "both clocks at once"
    APP_DOWN = "app down for hours"
    FALSE_ALERT = "alert of a job that did not fail"
    OUT_OF_SCOPE = "alert of a foreign subscription"
    DIED_AT_AWAIT = "worker died at an await"
    KILLED = "worker killed"
    OUTAGE = "outage of minutes"
    ROLLED_BACK = "earlier version's rows for hours"
    NO_PERMISSION = "role taken away for a while"
    NOT_FOUND = "vault not found for a while"
    SUBSCRIPTION_LOST = "subscription lost for a while"
    SLOW_ANSWER = "slow answer"
    STORM = "storm"
    TOPIC_UNAVAILABLE = "topic: no answer"
    TAGS_UNAVAILABLE = "tags: no answer"


#: how likely each fault is when there is a chance for it
USUAL: dict[Fault, float] = {
    Fault.LEDGER_REQUEST_LOST: 0.01,
    Fault.LEDGER_ANSWER_LOST: 0.01,
    Fault.READ_THROTTLED: 0.01,
    Fault.READ_UNAVAILABLE: 0.01,
    Fault.READ_LOST: 0.01,
    Fault.READ_REFUSED: 0.002,
    Fault.JOB_LIST_LAGS: 0.1,
    Fault.TRIGGER_THROTTLED: 0.05,
    Fault.TRIGGER_NEVER_CONNECTED: 0.03,
    Fault.TRIGGER_REQUEST_LOST: 0.05,
    Fault.TRIGGER_ANSWER_LOST: 0.05,
    Fault.TRIGGER_ARRIVES_LATE: 0.05,
    Fault.TRIGGER_5XX_STARTED: 0.05,
    Fault.TRIGGER_5XX_NOT_STARTED: 0.05,
    Fault.TRIGGER_REFUSED: 0.03,
    Fault.OPERATION_FAILED: 0.02,
    Fault.JOB_APPEARS_LATE: 0.2,
    Fault.GRAPH_LAGS: 0.5,
    Fault.GRAPH_UNAVAILABLE: 0.15,
    Fault.ALERT_LOST: 0.2,
    Fault.ALERT_DOUBLED: 0.3,
    Fault.ALERT_DELAYED: 0.1,
    Fault.ALERTS_AT_ONCE: 0.3,
    Fault.EVENT_UNAUTHORIZED: 0.2,
    Fault.DIED_AT_AWAIT: 0.01,
    Fault.SLOW_ANSWER: 0.1,
    Fault.TOPIC_UNAVAILABLE: 0.1,
    Fault.TAGS_UNAVAILABLE: 0.02,
}


@dataclass
class Faults:
    """The dice of a world, and the record of what they did."""

    random: Random
    likelihood: dict[Fault, float] = field(default_factory=lambda: dict(USUAL))
    struck: Counter[Fault] = field(default_factory=Counter)

    def strikes(self, fault: Fault) -> bool:
        """Whether it happens this time."""
        happens = self.random.random() < self.likelihood.get(fault, 0.0)
        if happens:
            self.struck[fault] += 1
        return happens

    def first(self, *faults: Fault) -> Fault | None:
        """The first of several that happens, if one does."""
        return next((fault for fault in faults if self.strikes(fault)), None)

    def record(self, fault: Fault) -> None:
        """Something was done on purpose."""
        self.struck[fault] += 1

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self.likelihood.clear()
