"""Who can use the status page, and who cannot: scripts, keyboard, screen readers, the key."""

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.pages.bad_night import Night
from tests.pages.browser import CHROMIUM, PHONE, Seen, tab, violations

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]


# ---- safe and fit for everybody ----------------------------------------------------------------------------


async def test_the_policy_lets_no_script_run(status: tuple[Page, Seen], bad_night: Night) -> None:
    """Neither one in the page nor one from elsewhere, and the page asks for nothing but itself."""
    page, seen = status
    await page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    assert await page.evaluate("window.ran") is None
    assert any("Content Security Policy" in each for each in seen.errors)
    seen.errors.clear()
    assert {each for each in seen.requests if not each.startswith("data:")} == {bad_night.url()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_axe_finds_nothing(bad_night: Night, browser: Browser, scheme: str, size: str) -> None:
    """On both pages; and nothing sticks out of a phone's screen."""
    sized = {"viewport": PHONE} if size == "phone" else {}
    async with tab(browser, color_scheme=scheme, **sized) as (page, seen):
        await page.goto(bad_night.url())
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.locator(".card h4 a").first.click()
        await expect(page.locator(".timeline").first).to_be_visible()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.errors == []


async def test_everything_is_reached_by_keyboard(status: tuple[Page, Seen]) -> None:
    """The first stop skips to the content."""
    page, _ = status
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to main content"
    await page.get_by_role("link", name="Filter …").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Name contains").focus()
    await page.keyboard.type("vm-03")
    await page.keyboard.press("Enter")
    await expect(page.locator(".calendar .who")).to_have_text(["vm-03"])


async def test_without_the_key_there_is_nothing_to_see(bad_night: Night) -> None:
    """Neither page nor document."""
    async with aiohttp.ClientSession(bad_night.app.stack.run.host) as http:
        for path in ("status", "status.json", "incidents/x", "incidents/x.json"):
            async with http.get(f"/api/{path}") as response:
                assert response.status == 401


async def test_an_incident_that_is_none_is_a_404(bad_night: Night, browser: Browser) -> None:
    """Said in a sentence."""
    async with tab(browser) as (page, _):
        answer = await page.goto(bad_night.url("incidents/nobody"))
        assert answer is not None
        assert answer.status == 404
        await expect(page.locator("h1")).to_have_text("Incident not found")
        assert await violations(page) == []


# ---- for programs ------------------------------------------------------------------------------------------


async def test_the_json_says_the_same(bad_night: Night) -> None:
    """Counts, marks and the incident's timeline."""
    document = await bad_night.document("status.json")
    assert document["counts"]["need_a_person"] == 1
    items = {each["name"]: each for each in document["items"]}
    assert items["vm-01"]["marks"][-1] == "recovered"
    told = await bad_night.document(f"incidents/{items['vm-01']['last_incident']['id']}.json")
    assert (told["name"], told["reason"]) == ("vm-01", "retry_succeeded")
    assert [each["kind"] for each in told["timeline"]][-1] == "incident_closed"
