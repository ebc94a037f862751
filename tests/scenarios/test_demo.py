"""`make demo`, as somebody runs it who has just cloned the repository."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page

from demo.scenario import load
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.demo_output import assert_a_stranger_follows
from tests.documents import REPOSITORY
from tests.pages.browser import CHROMIUM, Seen, chromium, tab

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
PAGE = REPOSITORY / "build" / "status.html"
_SECONDS = 200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def output() -> str:
    """What the documented command prints, once for all; its exit code is 0."""
    PAGE.unlink(missing_ok=True)
    made = Path(sys.prefix) / "installed"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTEST"))
    }
    process = await asyncio.create_subprocess_exec(
        *("make", "--old-file", made, f"VENV={sys.prefix}", "demo"),
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with asyncio.timeout(_SECONDS):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


@pytest_asyncio.fixture(loop_scope="module")
async def page(output: str) -> AsyncIterator[tuple[Page, Seen]]:
    """The file that the demo leaves, opened in a browser while nothing of the demo runs any more."""
    async with chromium() as browser, tab(browser) as (opened, seen):
        await opened.goto(PAGE.as_uri())
        yield opened, seen


async def test_each_failure_can_be_followed_by_one_name(output: str) -> None:
    """From failing to its end, in at most thirty lines of 80 columns, with one kind of time."""
    assert_a_stranger_follows(output)


@needs_chromium
async def test_the_saved_page_shows_the_night_without_the_app(page: tuple[Page, Seen]) -> None:
    """It asks for nothing but itself, no link leads nowhere, and an item's story opens in its place."""
    opened, seen = page
    shown = await opened.inner_text("#main")
    assert [name for name in load().items if name not in shown] == []
    assert "items need your attention." in shown
    leading_nowhere = await opened.evaluate(
        "[...document.links].map(a => a.getAttribute('href')).filter(href => href.startsWith('#')"
        " ? !document.getElementById(href.slice(1)) : !href.startsWith('https://learn.microsoft.com/'))"
    )
    assert leading_nowhere == []
    await opened.get_by_role("link", name="web-11").first.click()
    assert await opened.locator("article:target h1").inner_text() == "web-11: recovered by a retry"
    assert not await opened.locator("#main").is_visible()
    await opened.get_by_role("link", name="All items").click()
    assert await opened.locator("#main").is_visible()
    assert seen.errors == []
    assert seen.requests == [PAGE.as_uri()]
