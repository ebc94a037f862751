"""How fresh a reading of a vault's jobs has to be for what is decided by it.

Reads of a vault are few (an hourly quota), so that many share one. What may be shared is a question of what it proves:

- one made after the run began, or after the signal came, is as good as one of one's own, for a minute;
- an earlier one, at most a minute old, serves only where it shows that the job in question has ended;
- none serves that was made before the item's last attempt was claimed.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureRefused
from backup_retry.domain.jobs import JobList
from backup_retry.ports.vaults import Vaults

#: how old a reading may be; what began in between is not seen, and a backup that runs into it ends at once
SHARED_FOR = timedelta(minutes=1)


def fresh_since(now: datetime, run_began: datetime | None) -> datetime:
    """From when on a reading needs no proof: made now, or within a run at most a minute ago."""
    return now if run_began is None else max(run_began, now - SHARED_FOR)


async def read_jobs(
    vaults: Vaults,
    vault: Vault,
    since: datetime,
    *,
    now: datetime,
    run_began: datetime | None,
    shows_the_end: Callable[[JobList], bool],
    after: datetime | None = None,
) -> JobList:
    """The vault's jobs that started at `since` or later, from a reading that others have made where it serves.

    `after`: none is older than this.
    """
    earliest = after or now - SHARED_FOR
    fresh = max(fresh_since(now, run_began), earliest)
    if run_began is not None:
        with suppress(AzureRefused):  # an earlier no proves nothing: permissions may have been given since
            listed = await vaults.jobs(vault, since, fresh_since=max(now - SHARED_FOR, earliest))
            if listed.read_at >= fresh or shows_the_end(listed):
                return listed
    return await vaults.jobs(vault, since, fresh_since=fresh)
