"""Vaults that Resource Graph shows no more, or shows for the first time: each is asked once.

It hides vaults on which the app has no role, and no row, alert or error reports that. A vault that Azure refuses to
show has an incident; one that was removed is remembered for as long as Azure keeps jobs. When a vault is shown again,
or for the first time after the app's first sweep, the sweep looks for what failed in it while it was hidden.
"""

from collections.abc import Callable
from datetime import datetime

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, BackupRetryError, NotFound, in_words
from backup_retry.domain.jobs import Source
from backup_retry.engine.engine import Engine
from backup_retry.engine.failed_jobs import unrecovered
from backup_retry.engine.vault_incidents import whole
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.policy.scope import Scope
from backup_retry.ports.known_vaults import SeenVault, SeenVaults
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.vaults import Vaults

#: a 404 that may mean a lost right; one of the vault or its group means that somebody has removed it
_ACCESS_LOST = "subscriptionnotfound"


class VanishedVaults:
    """Compares what Resource Graph shows with what it has shown."""

    def __init__(
        self,
        *,
        seen: SeenVaults,
        vaults: Vaults,
        engine: Engine,
        scope: Scope,
        clock: Callable[[], datetime],
    ) -> None:
        self._seen = seen
        self._vaults = vaults
        self._engine = engine
        self._scope = scope
        self._clock = clock

    async def look(self, *, is_first: bool) -> list[str]:
        """Ask what has vanished, look through what is back or new; returns what could not be looked at, and why.

        `is_first`: no sweep has been complete yet; it looks back as far as its profile says, and no further.
        """
        problems: list[str] = []
        try:
            known = {each.vault.key: each for each in await self._seen.seen()}
            shown = {
                vault.key: vault for vault in await self._seen.shown() if self._scope.allows_vault(vault)
            }
            if is_first:
                new = [SeenVault(vault=vault) for key, vault in shown.items() if key not in known]
                await self._seen.remember(new)
                known |= {each.vault.key: each for each in new}
        except BackupRetryError as error:
            return [f"Deleted or inaccessible vaults cannot be determined: {in_words(error)}"]
        hidden_until_now = {
            key: SeenVault(vault=vault, gone_since=self._clock())
            for key, vault in shown.items()
            if key not in known
        }
        for key, each in (known | hidden_until_now).items():
            try:
                await self._compare(each, is_shown=key in shown)
            except AzureUnavailable as error:
                problems.append(f"Vault {each.vault.name}: {in_words(error)}")
        return problems

    async def _compare(self, known: SeenVault, *, is_shown: bool) -> None:
        if not self._scope.allows_vault(known.vault):
            await self._seen.forget(known.vault)
        elif is_shown != (known.gone_since is None):
            await self._ask(known, is_shown=is_shown)
        elif known.gone_since and self._clock() - known.gone_since > JOB_RETENTION:
            await self._seen.forget(known.vault)

    async def _ask(self, known: SeenVault, *, is_shown: bool) -> None:
        """One list of the vault's jobs says whether it is there, and what no row could report."""
        vault, gone_since = known.vault, known.gone_since
        try:
            await self._look_through(vault)
        except AzureRefused as error:
            if not is_shown:
                log_event(LogEvent.VAULT_VANISHED, vault=vault.id, problem=in_words(error))
            if not isinstance(error, NotFound) or error.code.lower() == _ACCESS_LOST:
                await self._engine.vault_incidents.refused(whole(vault), error, Source.SWEEP)
            await self._seen.remember([SeenVault(vault=vault, gone_since=gone_since or self._clock())])
        else:
            if is_shown:
                await self._seen.remember([SeenVault(vault=vault)])

    async def _look_through(self, vault: Vault) -> None:
        now = self._clock()
        found = await unrecovered(self._vaults, vault, now - JOB_RETENTION, now)
        for failed in found.failures:
            await self._engine.note(failed, Source.SWEEP)
        if found.gap:
            raise AzureUnavailable(found.gap)
