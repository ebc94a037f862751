"""From a hint to a fact: a failed job counts once the vault itself reports it, and only for the item it belongs to."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.jobs import FailedJob, Job, JobStatus, database_of
from backup_retry.domain.workloads import backup_rank, workload_in_name
from backup_retry.policy.rules import LONGEST_JOB
from backup_retry.ports.vaults import Vaults


def confirmed(job: Job, hint: ProtectedItem | None = None) -> FailedJob | None:
    """The failure that a vault's job shows; None when it did not fail or it is unknown what it backed up.

    The hint decides only between the items that the job's names fit. Neither a change of protection nor a restore that
    a person cancelled is a failure for us.
    """
    keys = {each.key for each in job.candidates}
    item = job.item or (hint if hint is not None and hint.key in keys else None)
    return FailedJob.of(job, item) if job.failed and _counts(job) and item is not None else None


def undecided(job: Job) -> bool:
    """True where a job that is no failure for us may become one: it has not ended, or nobody could say whose it is."""
    if job.failed:
        return job.item is None and _counts(job)
    return not job.status.succeeded


def why_none(job: Job) -> str:
    """Why a job is no failure for us, or none yet: for logs and answers."""
    if not job.failed:
        return f"job {job.id} is {job.status}, not Failed"
    if not _counts(job):
        return f"job {job.id} ({job.operation}, {job.status}) is not a failed backup or restore"
    if job.candidates:
        return (
            f"job {job.id} of {job.entity_name} matches several items in its vault, and the signal names none"
        )
    return f"job {job.id} failed, but neither it nor the signal names the item"


def _counts(job: Job) -> bool:
    return job.is_backup or (job.is_restore and job.status is JobStatus.FAILED)


async def failure_of(vaults: Vaults, job: Job, named: ProtectedItem | None) -> FailedJob | None:
    """The failure that a vault's job shows, of the item that somebody named with it, however the job is called.

    Before that only an id in the job itself is believed, of an item that is there. An item that its vault does not show
    is nobody's.
    """
    if (
        named is None
        or not job.failed
        or not _may_name(named, job)
        or not await _is_shown(vaults, named, job)
    ):
        return confirmed(job, named)
    return confirmed(replace(job, item=named, guessed=False, candidates=()))


async def _is_shown(vaults: Vaults, named: ProtectedItem, job: Job) -> bool:
    """True where the vault shows the item that was named, and none with the id that the job itself has."""
    if job.item is not None and not job.guessed and await vaults.item(job.item) is not None:
        return False
    return await vaults.item(named) is not None


def _may_name(named: ProtectedItem, job: Job) -> bool:
    """True where the job says less, or something else, than an item of its vault and workload that was named.

    The id in a Recovery Services job is made of a machine's names; in a backup vault's it is the instance's own.
    """
    known = {each.key for each in job.candidates} | ({job.item.key} if job.item else set())
    is_bound = job.item is not None and not job.guessed and job.vault.kind is VaultKind.BACKUP
    open_to_names = named.key not in known and not is_bound
    workload = workload_in_name(named)
    fits = not workload or not job.workload or workload.lower() == job.workload.lower()
    return named.vault.key == job.vault.key and not named.restore_job and open_to_names and fits


@dataclass(frozen=True, kw_only=True)
class Unrecovered:
    """What a vault's list shows of failures that is unresolved."""

    #: the newest failure of each worth, of each item; the one that ended first comes first
    failures: Sequence[FailedJob]
    #: why there may be more of them; "": there are none
    gap: str = ""


async def unrecovered(
    vaults: Vaults, vault: Vault, since: datetime, now: datetime, item: ProtectedItem | None = None
) -> Unrecovered:
    """The failures in a vault (or of one item) that ended since then and that is unresolved.

    A vault lists jobs by their start, so it is asked for those that may have run until then. A full backup that is
    missing hides no differential one: its incident may have been closed long ago.
    """
    listed = await vaults.jobs(vault, since - LONGEST_JOB, fresh_since=now)
    jobs = listed.jobs if item is None else await _named(vaults, listed.jobs, item)
    succeeded = defaultdict(list)
    for job in jobs:
        if job.item is not None and _surely_succeeded(job):
            succeeded[job.item.key].append(job)
    counting: dict[tuple[str, int], FailedJob] = {}
    for failed in (each for job in jobs if (each := confirmed(job, item)) is not None):
        key = failed.item.key
        made_up_for = any(job.makes_up_for(failed) for job in succeeded[key])
        if failed.ended_at >= since and not made_up_for and (item is None or key == item.key):
            like = key, backup_rank(failed.operation)
            counting[like] = max(failed, counting.get(like, failed), key=FailedJob.weight)
    failures = sorted(counting.values(), key=lambda failed: failed.ended_at)
    return Unrecovered(failures=failures, gap=listed.gap(item))


async def _named(vaults: Vaults, jobs: Sequence[Job], item: ProtectedItem) -> Sequence[Job]:
    """The jobs, of which failed ones that no item of the vault is called as are those of a database that is named.

    Another node of its availability group has done them. A success of that name proves nothing.
    """
    theirs = {
        job.id for job in jobs if job.failed and _is_nobodys_of_that_name(job, item) and _may_name(item, job)
    }
    if not theirs or await vaults.item(item) is None:
        return jobs
    return [replace(job, item=item, guessed=False) if job.id in theirs else job for job in jobs]


def _is_nobodys_of_that_name(job: Job, item: ProtectedItem) -> bool:
    """True for one that is called "database [node]" or "instance/database [node]", after no item of the vault."""
    called, name = database_of(job.entity_name), database_of(item.friendly_name)
    return job.item is not None and job.item.is_stand_in and name in {called, called.partition("/")[2]}


def _surely_succeeded(job: Job) -> bool:
    """False for one that completed with warnings: only its details say whether it moved anything, see `Gatherer`."""
    return job.status is JobStatus.COMPLETED or (job.status.succeeded and job.moved_data is True)
