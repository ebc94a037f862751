"""The metric alert of a failed backup: the vault counts a health event that is not "Healthy".

https://learn.microsoft.com/azure/backup/metrics-overview
"""

from datetime import datetime, timedelta
from typing import Any

from simulator.arm.wire import instant
from simulator.estate.inventory import Job
from simulator.monitor.alert_envelope import AlertRule, alert_id, envelope, fired_by

Json = dict[str, Any]

#: The workloads whose backups make health events; there are none of disks, clusters and servers.
MEASURED = frozenset(
    {
        "VM",
        "AzureFileShare",
        "SQLDataBase",
        "SAPHanaDatabase",
        "Microsoft.Storage/storageAccounts/blobServices",
    }
)

_RULE = AlertRule(name="backup-health", severity="Sev2", signal_type="Metric", monitoring_service="Platform")
_WINDOW = timedelta(minutes=15)


def is_measured(job: Job) -> bool:
    """Whether the job makes a backup health event."""
    return job.is_backup and job.item.workload.name in MEASURED


def single_resource_alert(job: Job, guid: str, at: datetime) -> Json:
    """What a static rule on one vault fires."""
    return _alert(job, guid, at, "SingleResourceMultipleMetricCriteria")


def multi_resource_alert(job: Job, guid: str, at: datetime) -> Json:
    """What a static rule on all vaults of a subscription fires."""
    return _alert(job, guid, at, "MultipleResourceMultipleMetricCriteria")


def _alert(job: Job, guid: str, at: datetime, condition_type: str) -> Json:
    vault = job.vault
    group = f"/subscriptions/{vault.subscription_id}/resourceGroups/{vault.resource_group}"
    origin = f"{vault.subscription_id}_{vault.resource_group}_microsoft.insights_metricAlerts_{_RULE.name}_1"
    essentials = fired_by(_RULE, alert_id(vault.subscription_id, guid), [vault.id], origin=origin, at=at) | {
        "alertRuleID": f"{group}/providers/microsoft.insights/metricAlerts/{_RULE.name}",
        "targetResourceType": vault.type.lower(),
        "targetResourceGroup": vault.resource_group.lower(),
    }
    context = {
        "properties": None,
        "conditionType": condition_type,
        "condition": {
            "windowSize": "PT15M",
            "allOf": [_criterion(job)],
            "staticThresholdFailingPeriods": {"numberOfEvaluationPeriods": 0, "minFailingPeriodsToAlert": 0},
            "windowStartTime": instant(at - _WINDOW),
            "windowEndTime": instant(at),
        },
    }
    return envelope(essentials, context)


def _criterion(job: Job) -> Json:
    item = job.item
    dimensions = {
        "backupInstanceUrl": item.id,
        "dataSourceURL": item.source_resource_id,
        "dataSourceType": item.workload.name,
        "backupInstanceName": item.friendly_name,
        "healthStatus": _health(job),
    }
    return {
        "metricName": "BackupHealthEvent",
        "metricNamespace": job.vault.type,
        "operator": "GreaterThan",
        "threshold": "0",
        "timeAggregation": "Count",
        "dimensions": [{"name": name, "value": value} for name, value in dimensions.items()],
        "metricValue": 1.0,
        "webTestName": None,
    }


def _health(job: Job) -> str:
    """A user's error degrades, until the user acts; the service's own may pass."""
    by_user = job.error is not None and job.error.title.startswith("UserError")
    return "PersistentDegraded" if by_user else "TransientUnhealthy"
