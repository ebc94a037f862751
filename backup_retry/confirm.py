"""From a hint to a fact: a failed job counts once the vault itself reports it, and only for the item it belongs to."""

from collections.abc import Sequence
from datetime import datetime

from backup_retry.model import FailedJob, Job, ProtectedItem, Vault
from backup_retry.vaults import Vaults


def confirmed(job: Job, hint: ProtectedItem | None = None) -> FailedJob | None:
    """The failure that a vault's job shows; None when it did not fail or nobody can say what it backed up.

    The hint names the item only where the job itself does not, and only where the names agree.
    """
    item = job.item or (hint if hint is not None and job.is_of(hint) else None)
    return FailedJob.of(job, item) if job.failed and item is not None else None


async def unrecovered(
    vaults: Vaults, vault: Vault, since: datetime, now: datetime, item: ProtectedItem | None = None
) -> Sequence[FailedJob]:
    """The newest failed backup of each item of a vault (or of one item) that has no later success, oldest first."""
    newest: dict[str, Job] = {}
    for job in (await vaults.jobs(vault, since, fresh_since=now)).jobs:
        owner = job.item or item
        if owner is not None and job.is_of(owner) and job.is_backup and not job.status.running:
            newest.setdefault(owner.key, job)
    failures = [confirmed(job, item) for key, job in newest.items() if item is None or key == item.key]
    return sorted((each for each in failures if each is not None), key=lambda failed: failed.started_at)
