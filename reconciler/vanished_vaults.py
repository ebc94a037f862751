"""Vaults that an earlier sweep has seen and that Resource Graph does not show any more: each is asked once.

It hides what the app has lost its role on, so that no row, no alert and no error would ever report it. A vault that
Azure refuses to show has an incident; one that was removed is remembered for as long as Azure keeps jobs: when it is
shown again, what failed in it meanwhile is looked for.
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

    async def look(self) -> list[str]:
        """Ask what has vanished, look through what is back; returns what could not be looked at, and why."""
        problems: list[str] = []
        try:
            shown = {vault.key: vault for vault in await self._seen.shown()}
            known = {each.vault.key: each for each in await self._seen.seen()}
            await self._seen.remember(
                [SeenVault(vault=vault) for key, vault in shown.items() if key not in known]
            )
        except BackupRetryError as error:
            return [f"Deleted or inaccessible vaults cannot be determined: {in_words(error)}"]
        for key, each in known.items():
            try:
                await self._compare(each, is_shown=key in shown)
            except AzureUnavailable as error:
                problems.append(f"Vault {each.vault.name}: {in_words(error)}")
        return problems

    async def _compare(self, known: SeenVault, *, is_shown: bool) -> None:
        if not self._scope.allows_vault(known.vault):
            await self._seen.forget(known.vault)
        elif known.gone_since is None:
            if not is_shown:
                await self._ask(known.vault)
        elif is_shown:
            await self._look_through(known.vault)
            await self._seen.remember([SeenVault(vault=known.vault)])
        elif self._clock() - known.gone_since > JOB_RETENTION:
            await self._seen.forget(known.vault)

    async def _ask(self, vault: Vault) -> None:
        """One list of the vault's jobs says whether it is there, and what no row could report."""
        try:
            await self._look_through(vault)
        except AzureRefused as error:
            log_event(LogEvent.VAULT_VANISHED, vault=vault.id, problem=in_words(error))
            if not isinstance(error, NotFound) or error.code.lower() == _ACCESS_LOST:
                await self._engine.vault_incidents.refused(whole(vault), error, Source.SWEEP)
            await self._seen.remember([SeenVault(vault=vault, gone_since=self._clock())])

    async def _look_through(self, vault: Vault) -> None:
        now = self._clock()
        found = await unrecovered(self._vaults, vault, now - JOB_RETENTION, now)
        for failed in found.failures:
            await self._engine.note(failed, Source.SWEEP)
        if found.gap:
            raise AzureUnavailable(found.gap)
