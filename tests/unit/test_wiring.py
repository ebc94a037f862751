"""The parts of a process: built once, for whoever waits."""

import asyncio
from typing import cast

import pytest

from backup_retry import wiring
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.wiring import Parts

BUILT = cast("Parts", object())


class Building:
    """What a process builds, as slowly and with such failures as a test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *failures: Exception) -> None:
        self.process = wiring._Process()
        self.begun = 0
        self.may_end = asyncio.Event()
        self._failures = list(failures)
        monkeypatch.setattr(self.process, "_build", self._build)

    async def _build(self) -> Parts:
        self.begun += 1
        await self.may_end.wait()
        if self._failures:
            raise self._failures.pop(0)
        return BUILT


async def test_all_who_wait_share_what_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first calls of an instance come together."""
    building = Building(monkeypatch)
    waiting = [asyncio.create_task(building.process.parts()) for _ in range(3)]
    building.may_end.set()

    assert await asyncio.gather(*waiting) == [BUILT] * 3
    assert await building.process.parts() is BUILT
    assert building.begun == 1


async def test_whoever_gives_up_leaves_the_work_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance that starts slowly gets further with every call."""
    building = Building(monkeypatch)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await building.process.parts()
    building.may_end.set()

    assert await building.process.parts() is BUILT
    assert building.begun == 1


async def test_a_failure_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger may answer the next time."""
    building = Building(monkeypatch, AzureUnavailable("no answer"))
    building.may_end.set()

    with pytest.raises(AzureUnavailable):
        await building.process.parts()
    assert await building.process.parts() is BUILT
