"""The status page in a real Chromium, after a small bad night on a simulated Azure."""

import re
from datetime import UTC, datetime

import aiohttp
import pytest
from playwright.async_api import Locator, Page, expect

from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.pages import night
from tests.pages.bad_night import Night, names
from tests.pages.browser import CHROMIUM, Seen
from tests.running_app import App

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]


# ---- what it says ------------------------------------------------------------------------------------------


async def test_the_first_screen_says_how_it_stands(status: tuple[Page, Seen]) -> None:
    """One sentence, the numbers, and whether the timers run."""
    page, _ = status
    await expect(page.locator("h1")).to_have_text("3 items need your attention.")
    counts = dict(text.split("\n", 1)[::-1] for text in await names(page, ".counts li"))
    assert {name: int(number) for name, number in counts.items() if number != "0"} == {
        "action required": 3,
        "in progress": 1,
        "recovered by a retry": 1,
        "action was required": 1,
        "retries exhausted": 2,
    }
    await expect(page.locator(".timers").first).to_contain_text("Retries are on")
    assert await page.locator(".timers .late").count() == 0
    await expect(page.locator(".timers .off")).to_have_text("past never, expired")


async def test_what_needs_a_person_is_listed_with_its_remedy(status: tuple[Page, Seen]) -> None:
    """Error, what to do, the age of the last good recovery point, and the way to Azure."""
    page, _ = status
    card = page.locator(".card", has=page.get_by_role("link", name="vm-02", exact=True))
    await expect(card).to_contain_text(night.NEEDS_PERSON)
    await expect(card.locator(".remedy")).to_contain_text("Repair or remove the failed extension")
    await expect(card).to_contain_text("last recovery point 1 day ago")
    portal = await card.get_by_role("link", name="Azure portal").get_attribute("href")
    assert portal is not None
    assert portal.startswith("https://portal.azure.com/#resource/subscriptions/")
    assert portal.endswith("/virtualmachines/vm-02/backup")


async def test_the_calendar_is_the_simulators_truth(status: tuple[Page, Seen], bad_night: Night) -> None:
    """Every item once; each day is what its jobs of that day were."""
    page, _ = status
    truth = await _truth(bad_night.app)
    rows = await page.locator(".calendar tbody tr").all()
    found = {}
    for row in rows:
        cells = row.locator("td.m")
        marks = [re.sub(r"^m (\w+).*", r"\1", each or "") for each in await _classes(cells)]
        found[(await row.locator(".who").inner_text()).strip()] = marks
    assert set(found) == set(truth)
    days = await page.locator(".calendar thead th .sr").all_inner_texts()
    assert len(days) == 14
    for name, marks in found.items():
        assert marks == truth[name], name


async def test_the_worst_stand_first(status: tuple[Page, Seen]) -> None:
    """What needs a person, then what is in progress, then the rest."""
    page, _ = status
    order = await names(page, ".calendar .who")
    assert set(order[:3]) == {night.HOSTILE, "vm-02", "vm-twice"}
    assert order[3] == "vm-slow"


async def test_hostile_names_are_shown_and_not_run(status: tuple[Page, Seen]) -> None:
    """A machine may be called anything."""
    page, seen = status
    await expect(page.locator(".card h4").filter(has_text=night.HOSTILE)).to_have_count(1)
    assert await page.locator("svg[onload]").count() == 0
    await page.get_by_role("link", name=night.HOSTILE).first.click()
    await expect(page.locator("h1")).to_contain_text(night.HOSTILE)
    assert await page.locator("svg, script").count() == 0
    assert seen.errors == []


async def test_an_incidents_page_tells_its_story(status: tuple[Page, Seen]) -> None:
    """From the failure to its end, with the reason in words."""
    page, _ = status
    await page.locator(".calendar").get_by_role("link", name="vm-01", exact=True).click()
    await expect(page.locator("h1")).to_have_text("vm-01: recovered by a retry")
    steps = [re.sub(r"\s.*", "", each) for each in await names(page, ".timeline h3")]
    assert steps[0] == "Failure"
    assert steps[-1] == "Closed"
    await expect(page.locator(".timeline")).to_contain_text("The retry completed.")
    await page.get_by_role("link", name="All items").click()
    await expect(page.locator("h1")).to_have_text("3 items need your attention.")


async def _classes(cells: Locator) -> list[str]:
    found: list[str] = await cells.evaluate_all("cells => cells.map(cell => cell.className)")
    return found


async def _truth(app: App) -> dict[str, list[str]]:
    """What each day has to be, by the simulator's own record of jobs."""
    async with aiohttp.ClientSession() as http, http.get(f"{app.stack.run.admin}/_sim/state") as response:
        state = await response.json()
    today = datetime.now(UTC).date()
    by_item: dict[str, dict[int, set[str]]] = {}
    for job in state["jobs"]:
        days_ago = (today - datetime.fromisoformat(job["start_time"]).date()).days
        by_item.setdefault(job["item"].rsplit(";", 1)[-1], {}).setdefault(days_ago, set()).add(job["status"])
    return {
        name: [_mark(days.get(ago, set())) for ago in range(13, -1, -1)] for name, days in by_item.items()
    }


def _mark(statuses: set[str]) -> str:
    if "InProgress" in statuses:
        return "open"
    if "Failed" in statuses:
        return "recovered" if "Completed" in statuses else "failed"
    return "good" if "Completed" in statuses else "nothing"
