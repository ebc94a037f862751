"""The status page's filters, saved views and reloads, its pauses and late sweeps."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from backup_retry.azure.table_unsent import TableUnsentStore
from backup_retry.domain.pauses import Pause
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.ports.ledger import Beat
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.pages import night
from tests.pages.bad_night import Night, names
from tests.pages.browser import CHROMIUM, DESKTOP, PHONE, tab, violations
from tests.table_storage import table_service

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
        await page.get_by_role("link", name="Filter …").click()
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
        await page.get_by_role("link", name="Filter …").click()
        await expect(page.get_by_label("Name contains")).to_have_value("shop-0")
        await page.get_by_role("link", name="Cancel").click()
        await page.get_by_role("link", name="Clear filter").click()
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
        ({"state": "open"}, ["vm-slow"]),
        ({"cause": night.NEEDS_PERSON}, ["vm-02"]),
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
        await page.get_by_role("link", name="Auto-refresh: on").click()
        await expect(page.get_by_role("link", name="Auto-refresh: off")).to_be_visible()
        await page.wait_for_load_state()
        answer = await page.reload()
        assert answer is not None
        assert "refresh" not in await answer.all_headers()
        await expect(page.get_by_role("link", name="Auto-refresh: off")).to_be_visible()


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
            await bad_night.app.until(lambda: _reloaded(page, bad_night.url(), "3 deferred alerts"))
            await expect(page.locator(".note.tone-bad")).to_have_count(2)
            notes = await names(page, ".note.tone-bad")
            assert notes[0].startswith("The last daily sweep did not complete. It started ")
            assert notes[1].startswith("The sweep yearly is overdue.")
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


async def test_what_is_typed_outlives_the_time_of_a_reload(bad_night: Night, browser: Browser) -> None:
    """While the filter is open the page does not come back by itself; applied, it does again, with the filter."""
    async with tab(browser) as (page, _):
        await page.goto(bad_night.url())
        async with page.expect_navigation() as opened:
            await page.get_by_role("link", name="Filter …").click()
        answer = await opened.value
        assert answer is not None
        assert "refresh" not in await answer.all_headers()
        await page.get_by_label("Name contains").fill("vm-0")
        async with page.expect_navigation() as applied:
            await page.get_by_role("button", name="Filter").click()
        answer = await applied.value
        assert answer is not None
        assert (await answer.all_headers())["refresh"] == "60"
        assert "q=vm-0" in page.url


# ---- lists ------------------------------------------------------------------------------------------------------


async def test_each_tile_leads_to_its_list(bad_night: Night, browser: Browser) -> None:
    """With as many lines as its number says."""
    async with tab(browser) as (page, seen):
        await page.goto(bad_night.url())
        tiles = await page.locator(".counts a").evaluate_all(
            "links => links.map(link => [link.querySelector('strong').textContent, link.getAttribute('href')])"
        )
        for number, address in tiles:
            await page.goto(f"{bad_night.app.stack.run.host}/api/{address}")
            lines = await page.locator(".calendar tbody tr, .incidents tbody tr").count()
            assert (address, lines) == (address, int(number))
    assert seen.errors == []


async def test_columns_are_sorted_by_a_click(bad_night: Night, browser: Browser) -> None:
    """Up, down, and back to worst first; screen readers are told."""
    async with tab(browser, java_script_enabled=False) as (page, _):
        await page.goto(bad_night.url(vault="vault-shop"))
        for expected, order in [
            ("ascending", ["shop-01", "shop-02", "shop-03"]),
            ("descending", ["shop-03", "shop-02", "shop-01"]),
        ]:
            await page.locator("thead th.name a").first.click()
            await expect(page.locator(f"th[aria-sort={expected}]")).to_be_visible()
            assert await names(page, ".calendar .who") == order


async def test_a_list_is_a_file_for_a_spreadsheet(bad_night: Night) -> None:
    """Items and incidents, with what somebody called a machine as text."""
    async with aiohttp.ClientSession() as http:
        async with http.get(bad_night.url(format="csv")) as answer:
            assert (answer.status, answer.content_type) == (200, "text/csv")
            items = (await answer.text()).splitlines()
        async with http.get(bad_night.url(format="csv", show="incidents", outcome="recovered")) as answer:
            incidents = (await answer.text()).splitlines()
    assert len(items) == 12
    assert [line.split(",")[1] for line in incidents[1:]] == ["vm-01"]


async def test_what_the_topic_refuses_is_said_at_the_top(bad_night: Night, browser: Browser) -> None:
    """With its answer; nothing is in progress for that."""
    async with table_service(bad_night.app.stack.run.table_endpoint, bad_night.trust()) as (service, _):
        store, now = TableUnsentStore(service), datetime.now(UTC)
        unsent = UnsentNotices(number=2, since=now, answer="403 <b>", tries=1, due=now + timedelta(hours=1))
        await store.save_unsent(unsent)
        try:
            async with tab(browser) as (page, _):
                await page.goto(bad_night.url())
                note = page.locator(".states .note")
                await expect(note).to_contain_text("2 notices could not be sent")
                await expect(note).to_contain_text("Event Grid answered: 403 <b>.")
                assert await violations(page) == []
        finally:
            await store.save_unsent(None)
