"""Azure Backup's built-in alerts, of both vault types: one for each failed job.

https://learn.microsoft.com/azure/backup/backup-azure-monitoring-alerts
"""

from dataclasses import replace

from pydantic import Field

from backup_retry.domain.arm_ids import JOB_ID, parse_job_id
from backup_retry.domain.errors import BadSignal
from reactor.common_schema import Alert, Lenient, validated
from reactor.signals import Ignored, Signal, named

_BACKUP, _RESTORE = "backup failure", "restore failure"


class _ExtendedInfo(Lenient):
    job_id: str | None = Field(default=None, alias="jobId")


class _Context(Lenient):
    """Every field may be missing: the vaults' alerts are documented for one workload only."""

    category: str | None = None
    protected_item_id: str | None = Field(default=None, alias="protectedItemId")
    extended_info: _ExtendedInfo | None = Field(default=None, alias="extendedInfo")

    @property
    def job_id(self) -> str:
        """Bare, or the job's full ARM id."""
        return (self.extended_info.job_id if self.extended_info else None) or ""


def read(alert: Alert) -> Signal | Ignored:
    """The job, item and vault that a failure names.

    Raises:
        BadSignal: it names no vault, or something that can be no job's id.
    """
    rule = (alert.essentials.alert_rule or "").casefold()
    if rule not in {_BACKUP, _RESTORE}:
        return alert.ignored(
            f"{alert.essentials.alert_rule!r} of Azure Backup is not a Backup Failure or Restore Failure alert"
        )
    context = validated(_Context, alert.context, "data.alertContext")
    if (context.category or "Jobs").casefold() != "jobs":
        return alert.ignored(f"a backup alert of category {context.category!r}, not about a job")
    what = named(_ids(alert, context), [_bare_job_id(context.job_id)])
    if rule == _RESTORE and not what.job_id:
        # The item would lead to its failed backups; its restores are found among the vault's jobs.
        what = replace(what, item=None)
    return alert.signal(what)


def _ids(alert: Alert, context: _Context) -> list[str]:
    ids = [*alert.targets, context.protected_item_id or "", context.job_id]
    if named(ids).vault is None:
        raise BadSignal(
            f"names no Recovery Services vault or Backup vault: {alert.targets!r}.",
            where="data.essentials.alertTargetIDs",
            remedy="Send the alert as Azure Backup raised it.",
        )
    return ids


def _bare_job_id(job_id: str) -> str:
    if not job_id or parse_job_id(job_id):
        return ""
    return checked_job_id(job_id, "data.alertContext.extendedInfo.jobId")


def checked_job_id(job_id: str, where: str) -> str:
    """A bare job id that may become part of a URL.

    Raises:
        BadSignal: it may not.
    """
    if job_id and not JOB_ID.fullmatch(job_id):
        raise BadSignal(
            f"is not a job ID: {job_id[:80]!r}.", where=where, remedy="Send the ID as shown in the vault."
        )
    return job_id
