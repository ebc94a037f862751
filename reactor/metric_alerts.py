"""Metric alerts on Backup Health Events, of one vault or of many, with a static or a dynamic threshold.

https://learn.microsoft.com/azure/backup/metrics-overview
"""

from reactor.alert_conditions import criteria
from reactor.common_schema import Alert
from reactor.signals import Ignored, Signal, named

_METRIC = "BackupHealthEvent"


def read(alert: Alert) -> Signal | Ignored:
    """The item or the vault whose backups are not healthy; the metric knows no jobs.

    Raises:
        BadSignal: the context is not written as Azure Monitor writes it.
    """
    met = criteria(alert)
    on_backups = [each for each in met if (each.metric_name or "").casefold() == _METRIC.casefold()]
    if not on_backups:
        names = ", ".join(each.metric_name or "?" for each in met) or "no metric"
        return alert.ignored(f"an alert on {names}, not on {_METRIC}")
    failing = [each for each in on_backups if each.value("healthStatus").casefold() != "healthy"]
    if not failing:
        return alert.ignored("the backup is Healthy")
    urls = [each.value(name) for name in ("backupInstanceUrl", "dataSourceURL") for each in failing]
    what = named([*urls, *alert.targets])
    if what.vault is None and not what.resource_id:
        return alert.ignored(f"names neither an item nor a vault: {[*urls, *alert.targets]!r}")
    return alert.signal(what)
