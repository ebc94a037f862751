"""The log search alert of a failed job: a rule over AddonAzureBackupJobs that splits by dimensions.

https://learn.microsoft.com/azure/backup/backup-azure-reports-data-model
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from simulator.arm.wire import instant
from simulator.estate.inventory import Job
from simulator.estate.workloads import DATA_PROTECTION
from simulator.monitor.alert_envelope import AlertRule, alert_id, envelope, fired_by

Json = dict[str, Any]

_RULE = AlertRule(
    name="failed-backup-jobs", severity="Sev1", signal_type="Log", monitoring_service="Log Alerts V2"
)
_QUERY = 'AddonAzureBackupJobs | where JobStatus == "Failed" | where State == "Active"'
_WORKSPACE = "law-backup"
_WINDOW = timedelta(minutes=15)


def log_alert(job: Job, guid: str, at: datetime) -> Json:
    """What the rule fires for a failed job: a row of the result never comes along, only the dimensions."""
    vault = job.vault
    group = f"/subscriptions/{vault.subscription_id}/resourceGroups/{vault.resource_group}"
    workspace = f"{group}/providers/microsoft.operationalinsights/workspaces/{_WORKSPACE}"
    essentials = fired_by(_RULE, alert_id(vault.subscription_id, guid), [workspace], origin=guid, at=at)
    context = {
        "properties": None,
        "conditionType": "LogQueryCriteria",
        "condition": {
            "windowSize": "PT15M",
            "allOf": [_criterion(job)],
            "windowStartTime": instant(at - _WINDOW),
            "windowEndTime": instant(at),
        },
    }
    return envelope(essentials, context)


def _criterion(job: Job) -> Json:
    dimensions = _dimensions(job)
    where = "".join(f' | where tostring({name}) == "{value}"' for name, value in dimensions.items())
    search, api = "https://portal.azure.com#blade/LogsBlade/q/", "https://api.loganalytics.io/v1/query?query="
    return {
        "searchQuery": _QUERY,
        "metricMeasureColumn": None,
        "targetResourceTypes": "['Microsoft.OperationalInsights/workspaces']",
        "operator": "GreaterThan",
        "threshold": "0",
        "timeAggregation": "Count",
        "dimensions": [{"name": name, "value": value} for name, value in dimensions.items()],
        "metricValue": 1.0,
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
        "linkToSearchResultsUI": search + quote(_QUERY, safe=""),
        "linkToFilteredSearchResultsUI": search + quote(_QUERY + where, safe=""),
        "linkToSearchResultsAPI": api + quote(_QUERY, safe=""),
        "linkToFilteredSearchResultsAPI": api + quote(_QUERY + where, safe=""),
    }


def _dimensions(job: Job) -> dict[str, str]:
    """The columns that the rule splits by; rows of Backup vaults say more than those of the others."""
    item = job.item
    columns = {
        "ResourceId": job.vault.id.upper(),  # as Log Analytics writes it
        "JobUniqueId": job.name,
        "BackupItemUniqueId": _unique_id(job),
        "JobOperation": job.operation,
        "JobStatus": str(job.status),
        "JobFailureCode": job.error.title if job.error else "",
    }
    if job.vault.provider == DATA_PROTECTION:
        columns |= {"BackupItemId": item.id, "DatasourceResourceId": item.source_resource_id}
    return columns


def _unique_id(job: Job) -> str:
    """`westeurope;17179;iaasvmcontainerv2;rg-app;vm-01`, or a Backup vault's name of the instance."""
    item = job.item
    if job.vault.provider == DATA_PROTECTION:
        return f"{job.vault.location};{item.name}"
    return f"{job.vault.location};17179;{item.name.partition(';')[2]}"
