"""The status page's filters, saved views and reloads, its pauses and late sweeps."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from backup_retry.domain.pauses import Pause
from backup_retry.ports.ledger import Beat
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.pages import night
from tests.pages.bad_night import Night, names
from tests.pages.browser import CHROMIUM, DESKTOP, PHONE, tab, violations

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]


# ---- filters -----------------------------------------------------------------------------------------------


async def test_filters_stand_in_the_url_and_need_no_script(bad_night: Night, browser: Browser) -> None:
    """Chosen in the form, kept by a reload, taken back by one link."""
    async with tab(browser, java_script_enabled=False) as (page, seen):
        await page.goto(bad_night.url())
        await page.get_by_label("Subscription").select_option(label="Shop")
        await page.get_by_label("Name contains").fill("shop-0")
        await page.get_by_role("button", name="Filter").click()
        await page.wait_for_url("**q=shop-0**")
        await page.wait_for_load_state()
        assert f"subscription={night.SHOP}" in page.url
        assert "q=shop-0" in page.url
        await page.reload()
        assert sorted(await names(page, ".calendar .who")) == ["shop-01", "shop-02", "shop-03"]
        assert await page.locator("section[aria-labelledby=needs]").count() == 0
        await expect(page.get_by_label("Name contains")).to_have_value("shop-0")
        await page.get_by_role("link", name="Show everything").click()
        await expect(page.locator(".calendar .who")).to_have_count(11)
        assert len(await names(page, ".calendar .who")) == 11
    assert seen.errors == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"vault": "vault-shop"}, ["shop-01", "shop-02", "shop-03"]),
        ({"q": "SLOW"}, ["vm-slow"]),
        ({"workload": "VM", "q": "vm-02"}, ["vm-02"]),
        ({"vault": "nobody"}, []),
        ({"page": "-7", "q": "vm-03"}, ["vm-03"]),
    ],
    ids=str,
)
async def test_a_view_can_be_kept_as_an_address(
    bad_night: Night, browser: Browser, filters: dict[str, str], expected: list[str]
) -> None:
    """Whatever stands in it."""
    async with tab(browser) as (page, seen):
        await page.goto(bad_night.url(**filters))
        assert sorted(await names(page, ".calendar .who")) == expected
    assert seen.errors == []


# ---- refresh and pauses ------------------------------------------------------------------------------------


async def test_it_reloads_itself_unless_told_not_to(bad_night: Night, browser: Browser) -> None:
    """The answer says so; the URL can switch it off."""
    async with tab(browser) as (page, _):
        answer = await page.goto(bad_night.url())
        assert answer is not None
        assert (await answer.all_headers())["refresh"] == "60"
        await page.get_by_role("link", name="stop reloading").click()
        await expect(page.get_by_role("link", name="reload by itself")).to_be_visible()
        await page.wait_for_load_state()
        answer = await page.reload()
        assert answer is not None
        assert "refresh" not in await answer.all_headers()
        await expect(page.get_by_role("link", name="reload by itself")).to_be_visible()


async def test_a_pause_is_shown_with_its_author(bad_night: Night, browser: Browser) -> None:
    """By whom, why, and where."""
    await bad_night.ledger.set_pause(Pause(by="ada", why="we move <b>house</b>", scope=night.SHOP))
    try:
        async with tab(browser) as (page, _):
            # The app shares what it last read of the pauses for some seconds.
            await bad_night.app.until(lambda: _reloaded(page, bad_night.url(), "Retries are paused in"))
            note = page.locator(".note")
            await expect(note).to_contain_text("Retries are paused in subscription Shop by ada")
            await expect(note).to_contain_text("we move <b>house</b>")
    finally:
        await bad_night.ledger.resume(night.SHOP)


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)])
async def test_sweeps_that_were_late_or_incomplete_are_said_at_the_top(
    bad_night: Night, browser: Browser, scheme: str, size: ViewportSize
) -> None:
    """With what to do, readable for everybody; signals that wait stand beside the open incidents."""
    ledger, now = bad_night.ledger, datetime.now(UTC)
    await ledger.beat("sweep-yearly", now - timedelta(days=800))
    await ledger.beat(Beat.INCOMPLETE_SWEEP, now)
    for number in range(3):
        await bad_night.inbox.add({"label": f"alert {number}"})
    try:
        async with tab(browser, color_scheme=scheme, viewport=size) as (page, seen):
            await bad_night.app.until(
                lambda: _reloaded(page, bad_night.url(), "3 signals wait to be looked into")
            )
            await expect(page.locator(".note.tone-bad")).to_have_count(2)
            notes = await names(page, ".note.tone-bad")
            assert notes[0].startswith("The last sweep was not complete. It began ")
            assert notes[1].startswith("The sweep yearly has not run when it should have.")
            assert "sweep_incomplete" in await page.locator(".note code").first.inner_text()
            assert await page.locator(".timers .late strong").count() == 2
            assert await violations(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert seen.errors == []
    finally:
        await ledger.beat("sweep-yearly", now)
        await ledger.beat(Beat.SWEEP, now + timedelta(seconds=1))
        for kept in await bad_night.inbox.due(10):
            await bad_night.inbox.forget(kept)


async def _reloaded(page: Page, url: str, text: str) -> bool | None:
    await page.goto(url)
    return text in await page.locator("main").inner_text() or None
