"""The status page of a bad night, opened in a real Chromium."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from simulator.stack import Stack
from tests.pages import night
from tests.pages.bad_night import Night
from tests.pages.browser import Seen, chromium, tab
from tests.running_app import App
from tests.table_storage import table_service

# The first answer may say that the ledger is still being read, and a busy machine takes its time over that.
expect.set_options(timeout=30_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bad_night(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Night]:
    """Played once for all."""
    stack = Stack(night.APP_SETTINGS, night.estate(), directory=tmp_path_factory.mktemp("stack"))
    async with stack, aiohttp.ClientSession() as http:
        trust = ssl.create_default_context(cafile=stack.run.ca_file)
        async with table_service(stack.run.table_endpoint, trust) as (service, _):
            ledger = TableLedger(service, lambda: datetime.now(UTC))
            inbox = TableInbox(service, lambda: datetime.now(UTC))
            app = App(stack, http, service)
            await app.ready()
            await night.play(app)
            found = Night(app, ledger, inbox)
            await app.until(lambda: _is_read(found))
            yield found


async def _is_read(night: Night) -> bool | None:
    """True once Resource Graph has answered: a busy machine takes its time."""
    return (await night.document("status.json"))["estate_read_at"] is not None or None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def status(bad_night: Night, browser: Browser) -> AsyncIterator[tuple[Page, Seen]]:
    """The status page, opened; whatever it complains of fails the test."""
    async with tab(browser) as (page, seen):
        await page.goto(bad_night.url())
        yield page, seen
    assert seen.errors == []
