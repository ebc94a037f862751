"""Azure's notices of a failure, by the names that the estate's `notices` switches them on with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.estate.inventory import Job
from simulator.monitor.alert_schema import job_failure
from simulator.monitor.log_alerts import log_alert
from simulator.monitor.metric_alerts import is_measured, multi_resource_alert, single_resource_alert

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class JobNotice:
    """An alert that a failed job can raise."""

    #: Whether it reports this job.
    tells_of: Callable[[Job], bool]
    #: The payload from the job, the alert's GUID and the time.
    payload: Callable[[Job, str, datetime], Json]


def _raises_alert(job: Job) -> bool:
    """No alert comes when the vault has them off or another backup of the item was running."""
    already_running = job.error is not None and job.error.title == job.item.workload.collision
    return job.vault.alerts_for_all_job_failures and not already_running


def _is_logged(_job: Job) -> bool:
    """Every failed job is a row in the workspace."""
    return True


def _built_in(job: Job, guid: str, at: datetime) -> Json:
    return job_failure(job, alert_guid=guid, fired=at)


JOB_NOTICES: Mapping[str, JobNotice] = {
    "built_in": JobNotice(tells_of=_raises_alert, payload=_built_in),
    "metric": JobNotice(tells_of=is_measured, payload=single_resource_alert),
    "metric_multi": JobNotice(tells_of=is_measured, payload=multi_resource_alert),
    "log": JobNotice(tells_of=_is_logged, payload=log_alert),
}
