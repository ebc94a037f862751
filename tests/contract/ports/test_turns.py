"""The leases of turns, in memory and in Table Storage: of two that take one, one has it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from azure.data.tables import UpdateMode

from backup_retry.azure.table_turns import TableTurns
from backup_retry.azure.tables import CONTROL
from backup_retry.domain.errors import RowUnreadable
from backup_retry.ports.turns import Lease, MemoryTurns, Turns
from tests.builders import NOW, minutes
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(params=["memory", "tables"])
def turns(request: pytest.FixtureRequest) -> Iterator[Turns]:
    """Each of the two."""
    if request.param == "memory":
        yield MemoryTurns()
    else:
        yield TableTurns(request.getfixturevalue("tables").service)


def begun(turn: str) -> Lease:
    """A turn that has just begun."""
    return Lease(turn=turn, holder="a", until=NOW + minutes(1), began=NOW, starts=1)


async def test_what_was_saved_is_read(turns: Turns) -> None:
    """A turn that nobody has run is nobody's."""
    assert await turns.lease("first") == Lease(turn="first")
    saved = await turns.save_lease(begun("first"))
    assert saved is not None
    assert await turns.lease("first") == saved
    assert replace(saved, version="") == begun("first")
    over = await turns.save_lease(saved.ended(NOW, completed=True))
    assert over is not None
    assert (over.began, over.starts, over.is_held(NOW)) == (None, 0, False)
    assert await turns.lease("first") == over


@pytest.mark.parametrize("known", [False, True])
async def test_of_many_that_take_a_turn_one_has_it(turns: Turns, known: bool) -> None:
    """Whether it is the first time or not."""
    turn = f"raced-{known}"
    if known:
        await turns.save_lease(begun(turn))
    lease = await turns.lease(turn)

    taken = await asyncio.gather(*(turns.save_lease(replace(lease, holder=str(n))) for n in range(8)))

    (mine,) = (each for each in taken if each is not None)
    assert await turns.lease(turn) == mine


async def test_a_lease_whose_answer_was_lost_is_its_writers(tables: Tables) -> None:
    """The SDK repeats the write, and the repetition is refused because the first one took effect."""
    turns = TableTurns(tables.service)
    known = await turns.save_lease(begun("lost"))
    assert known is not None
    tables.wire.repeat = lambda call: call[0] in {"PATCH", "PUT"}

    again = await turns.save_lease(replace(known, holder="b"))

    assert again is not None
    assert again.holder == "b"
    assert await turns.lease("lost") == again


async def test_a_lease_that_cannot_be_read_is_somebodys(tables: Tables) -> None:
    """Another version or a hand wrote it."""
    turns = TableTurns(tables.service)
    await turns.save_lease(begun("odd"))
    row = {"PartitionKey": "control", "RowKey": "lease-odd", "until": "tomorrow"}
    await tables.service.get_table_client(CONTROL).upsert_entity(row, mode=UpdateMode.REPLACE)

    with pytest.raises(RowUnreadable):
        await turns.lease("odd")
