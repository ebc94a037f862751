"""Metric alerts on Backup and Restore Health Events, of one vault or of many, with a static or a dynamic threshold.

https://learn.microsoft.com/azure/backup/metrics-overview
"""

from dataclasses import replace

from reactor.alert_conditions import Criterion, criteria
from reactor.common_schema import Alert
from reactor.signals import Ignored, Signal, named

_BACKUPS, _RESTORES = "BackupHealthEvent", "RestoreHealthEvent"


def read(alert: Alert) -> Signal | Ignored:
    """The item or the vault whose backups or restores are not healthy; the metrics know no jobs.

    Raises:
        BadSignal: the context does not have the form Azure Monitor writes it.
    """
    met = criteria(alert)
    on_health = [each for each in met if _is_on(each, _BACKUPS) or _is_on(each, _RESTORES)]
    if not on_health:
        names = ", ".join(each.metric_name or "?" for each in met) or "no metric"
        return alert.ignored(f"an alert on {names}, not on {_BACKUPS} or {_RESTORES}")
    failing = [each for each in on_health if each.value("healthStatus").casefold() != "healthy"]
    if not failing:
        return alert.ignored("its health is Healthy")
    urls = [each.value(name) for name in ("backupInstanceUrl", "dataSourceURL") for each in failing]
    what = named([*urls, *alert.targets])
    if what.vault is None and not what.resource_id:
        return alert.ignored(f"names no item or vault: {[*urls, *alert.targets]!r}")
    if what.vault and any(_is_on(each, _RESTORES) for each in failing):
        # The item would lead to its failed backups; its restores are found among the vault's jobs.
        what = replace(what, item=None, resource_id="")
    return alert.signal(what)


def _is_on(criterion: Criterion, metric: str) -> bool:
    return (criterion.metric_name or "").casefold() == metric.casefold()
