"""Pauses, heartbeats and storms in Azure Table Storage: rows of one partition of the table `control`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.data.tables import UpdateMode

from backup_retry.azure import control_rows
from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import CONTROL_PARTITION
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.table_writes import save_over, version_of
from backup_retry.azure.tables import CONTROL, get, query
from backup_retry.domain.pauses import Pause
from backup_retry.policy.storm import Storm
from backup_retry.ports.ledger import LeftOpen

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

#: how long a worker acts on what it last read of the pauses
_PAUSES_SHARED_FOR = timedelta(seconds=10)
#: a heartbeat that cannot be read must not let a sweep look back less far than it has to
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class TableControls:
    """The ports `ledger.Controls` and `ledger.Storms` on Table Storage."""

    def __init__(
        self,
        service: "TableServiceClient",
        clock: Callable[[], datetime],
        quarantine: Quarantine | None = None,
    ) -> None:
        self._clock = clock
        self._quarantine = quarantine or Quarantine()
        self._control = service.get_table_client(CONTROL)
        self._pauses_read: tuple[datetime, Sequence[Pause]] | None = None

    async def pauses(self) -> Sequence[Pause]:
        """See Controls; read every few seconds only."""
        now = self._clock()
        if self._pauses_read is None or now - self._pauses_read[0] >= _PAUSES_SHARED_FOR:
            self._pauses_read = (now, [self._pause(row) for row in await self._pause_rows()])
        return self._pauses_read[1]

    async def set_pause(self, pause: Pause) -> None:
        """See Controls; other workers see it within seconds. It stands before the one that it replaces goes."""
        async with azure_errors("ledger"):
            await self._control.upsert_entity(control_rows.pause_row(pause), mode=UpdateMode.REPLACE)
        await self._remove(pause.scope, besides=control_rows.pause_key(pause.scope))

    async def resume(self, scope: str = "") -> None:
        """See Controls; other workers see it within seconds."""
        await self._remove(scope)

    async def _remove(self, scope: str, besides: str = "") -> None:
        """Remove the pauses of a scope; a row written by hand has a key of its own."""
        for row in await self._pause_rows():
            if self._pause(row).scope.lower() == scope.lower() and row["RowKey"] != besides:
                async with azure_errors("ledger"):
                    await self._control.delete_entity(CONTROL_PARTITION, row["RowKey"])
        self._pauses_read = None

    async def beat(self, name: str, at: datetime, left: LeftOpen | None = None) -> None:
        """See Controls."""
        row = control_rows.beat_row(name, at, left)
        async with azure_errors("ledger"):
            await self._control.upsert_entity(row, mode=UpdateMode.REPLACE)

    async def last_beat(self, name: str) -> datetime | None:
        """See Controls."""
        row = await get(self._control, CONTROL_PARTITION, control_rows.beat_key(name))
        if row is None:
            return None
        beat = self._quarantine.read(control_rows.read_beat, CONTROL, row)
        return beat[1] if beat else _LONG_AGO

    async def storm(self, key: str) -> Storm | None:
        """See Storms."""
        row = await get(self._control, CONTROL_PARTITION, control_rows.storm_row_key(key))
        return self._read_storm(row) if row is not None else None

    async def save_storm(self, storm: Storm) -> Storm | None:
        """See Storms."""
        return await save_over(self._control, control_rows.storm_row(storm), storm, self._read_storm)

    def _read_storm(self, row: Mapping[str, Any]) -> Storm:
        return replace(
            self._quarantine.require(control_rows.read_storm, CONTROL, row), version=version_of(row)
        )

    async def _pause_rows(self) -> list[Mapping[str, Any]]:
        wanted = "PartitionKey eq @partition and RowKey ge 'pause' and RowKey lt 'pausf'"
        return await query(self._control, wanted, {"partition": CONTROL_PARTITION})

    def _pause(self, row: Mapping[str, Any]) -> Pause:
        pause = self._quarantine.read(control_rows.read_pause, CONTROL, row)
        return pause or control_rows.held_pause(row)
