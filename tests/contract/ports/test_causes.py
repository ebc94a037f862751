"""Causes and the notices that wait, in memory and in Table Storage."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from backup_retry.azure.table_causes import TableCauses
from backup_retry.domain.causes import Cause, opened_by_first
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.notices import NoticeKind
from backup_retry.ports.causes import Causes, MemoryCauses
from tests.builders import NOW, incident, minutes
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST = notice(NoticeKind.NEEDS_PERSON, incident(), NOW)
SECOND = notice(NoticeKind.NEEDS_PERSON, incident(), NOW, about='another "one"')


@pytest_asyncio.fixture(params=["memory", "tables"], loop_scope="module")
async def causes(request: pytest.FixtureRequest, tables: Tables) -> AsyncIterator[Causes]:
    """Each of the two, with nothing that waits."""
    store = MemoryCauses() if request.param == "memory" else TableCauses(tables.service)
    yield store
    await store.release(await store.held())


async def test_a_cause_that_was_saved_is_read(causes: Causes) -> None:
    """With its window and whose message it is; one that nobody has told of is none."""
    opened = replace(opened_by_first(FIRST, None, NOW), key="read vault/#? ü")
    assert await causes.cause(opened.key) is None
    saved = await causes.save_cause(opened)
    assert saved is not None
    assert await causes.cause(opened.key) == saved
    assert replace(saved, version="") == opened


@pytest.mark.parametrize("known", [False, True])
async def test_of_many_that_open_a_window_one_has_it(causes: Causes, known: bool) -> None:
    """Whether it is the cause's first or not."""
    cause = Cause(key=f"raced-{known}", since=NOW, until=NOW + minutes(1))
    seen = await causes.save_cause(cause) if known else None
    opened = [replace(seen or cause, first=str(number)) for number in range(8)]

    saved = await asyncio.gather(*(causes.save_cause(each) for each in opened))

    (mine,) = (each for each in saved if each is not None)
    assert await causes.cause(cause.key) == mine


async def test_what_is_held_is_kept_once_until_it_is_released(causes: Causes) -> None:
    """As it was given; releasing what is gone already is no error."""
    for each in (FIRST, SECOND, FIRST):
        await causes.hold(each)
    assert sorted(each.id for each in await causes.held()) == sorted([FIRST.id, SECOND.id])
    assert FIRST in await causes.held()

    await causes.release([FIRST])
    await causes.release([FIRST])

    assert await causes.held() == [SECOND]
