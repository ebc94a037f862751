"""Alerts of this app's own rules, where they come back to it: never a failure, and one of them is a clock."""

from backup_retry.domain.texts import valid
from reactor.common_schema import Alert
from reactor.signals import Ignored

#: what each of our rules says about itself, with the rule's short name
PROPERTY = "backupRetryRule"
#: the rule that goes to the app's own webhook
CLOCK = "second-clock"
_RULE_IDS = "/scheduledqueryrules/backup-retry-"


class ClockStruck(Ignored):
    """The timers are silent, says Azure Monitor's scheduler."""


def read(alert: Alert) -> Ignored | None:
    """What an alert of ours means; None for one of somebody else's.

    The line of a failure that it is about has its item and vault in its dimensions: taken for a signal, it could go
    round in a circle.
    """
    said = str(alert.custom.get(PROPERTY) or "")
    rule_id = (alert.essentials.alert_rule_id or "").casefold()
    if not said and _RULE_IDS not in rule_id:
        return None
    if CLOCK in {said, rule_id.partition(_RULE_IDS)[2][: len(CLOCK)]}:
        return _as_clock(alert.ignored("the second clock: overdue timer runs are started"))
    return alert.ignored(f"an alert of this app: {valid(said) or 'it reports what the app already knows'}")


def _as_clock(ignored: Ignored) -> ClockStruck:
    return ClockStruck(why=ignored.why, label=ignored.label, came=ignored.came)
