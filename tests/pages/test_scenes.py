"""Situations that take long to come about, in a real Chromium: nobody is shut out, and nothing sticks out."""

import pytest
from playwright.async_api import Browser

from tests.pages.browser import CHROMIUM, tab, violations
from tests.pages.scenes import SCENES

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


#: these show nothing to axe that the others do not, only more of it
_MORE = {"groups", "ten_thousand", "dry_run", "pause"}


@pytest.mark.parametrize("scene", SCENES)
async def test_every_scene_is_fit_for_everybody(browser: Browser, scene: str) -> None:
    """On a phone in the dark, where colours and room are scarcest."""
    async with tab(browser, viewport={"width": 390, "height": 900}, color_scheme="dark") as (page, _):
        await page.set_content(SCENES[scene]())
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert scene in _MORE or await violations(page) == []


async def test_on_a_phone_what_needs_action_stands_first(browser: Browser) -> None:
    """Right under the headline, above all that the app says of itself."""
    async with tab(browser, viewport={"width": 390, "height": 800}) as (page, _):
        await page.set_content(SCENES["troubled"]())
        tops = await page.evaluate(
            "['h1', '#needs', '.states', '.counts'].map(s => document.querySelector(s).getBoundingClientRect().top)"
        )
    assert tops == sorted(tops)


async def test_a_group_opens_without_a_script(browser: Browser) -> None:
    """Three causes on one screen, their items one click away."""
    async with tab(browser, java_script_enabled=False) as (page, _):
        await page.set_content(SCENES["groups"]())
        assert await page.locator(".card").count() == 3
        assert not await page.locator(".item").first.is_visible()
        await page.locator("summary").first.click()
        assert await page.locator(".item").first.is_visible()
