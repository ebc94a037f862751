"""The status page in a real Chromium, after a small bad night on a simulated Azure."""

import re
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.domain.jobs import Pause
from backup_retry.ports.ledger import Beat
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from simulator.stack import Stack
from tests.pages import night
from tests.pages.browser import CHROMIUM, DESKTOP, PHONE, Seen, chromium, tab, violations
from tests.running_app import App, Json
from tests.table_storage import table_service

# The first answer may say that the ledger is still being read, and a busy machine takes its time over that.
expect.set_options(timeout=30_000)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]


class Night:
    """The app after the night, and what it remembers."""

    def __init__(self, app: App, ledger: TableLedger, inbox: TableInbox) -> None:
        self.app, self.ledger, self.inbox = app, ledger, inbox

    def url(self, path: str = "status", **filters: str) -> str:
        """An address of the app with its key."""
        more = "".join(f"&{name}={value}" for name, value in filters.items())
        return f"{self.app.stack.run.host}/api/{path}?code={self.app.stack.run.function_key}{more}"

    async def document(self, path: str) -> Json:
        """What the app says in JSON."""
        async with aiohttp.ClientSession() as http, http.get(self.url(path)) as response:
            assert response.status == 200
            document: Json = await response.json()
            return document


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bad_night(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Night]:
    """Played once for all."""
    stack = Stack(night.APP_SETTINGS, night.estate(), directory=tmp_path_factory.mktemp("stack"))
    async with stack, aiohttp.ClientSession() as http:
        trust = ssl.create_default_context(cafile=stack.run.ca_file)
        async with table_service(stack.run.table_endpoint, trust) as (service, _):
            ledger = TableLedger(service, lambda: datetime.now(UTC))
            inbox = TableInbox(service, lambda: datetime.now(UTC))
            app = App(stack, http, ledger, inbox)
            await night.play(app)
            await ledger.beat("sweep-yearly", datetime.now(UTC))
            yield Night(app, ledger, inbox)


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


async def names(page: Page, selector: str) -> list[str]:
    """The texts of what a selector finds."""
    return [text.strip() for text in await page.locator(selector).all_inner_texts()]


# ---- what it says ------------------------------------------------------------------------------------------


async def test_the_first_screen_says_how_it_stands(status: tuple[Page, Seen]) -> None:
    """One sentence, the numbers, and whether the timers run."""
    page, _ = status
    await expect(page.locator("h1")).to_have_text("3 items need a person.")
    counts = dict(text.split("\n", 1)[::-1] for text in await names(page, ".counts li"))
    assert {name: int(number) for name, number in counts.items() if number != "0"} == {
        "need a person": 1,
        "retries used up": 2,
        "being looked after": 1,
        "recovered by a retry": 1,
    }
    await expect(page.locator(".timers").first).to_contain_text("Retries are on")
    assert await page.locator(".timers .late").count() == 0
    await expect(page.locator(".timers .off")).to_have_text("past never, over")


async def test_what_needs_a_person_is_listed_with_its_remedy(status: tuple[Page, Seen]) -> None:
    """Error, what to do, the age of the last good recovery point, and the way to Azure."""
    page, _ = status
    card = page.locator(".card", has=page.get_by_role("link", name="vm-02", exact=True))
    await expect(card).to_contain_text(night.NEEDS_PERSON)
    await expect(card.locator(".remedy")).to_contain_text("Repair or remove the failed extension")
    await expect(card).to_contain_text("last good recovery point 1 day ago")
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
    """What needs a person, then what is being looked after, then the rest."""
    page, _ = status
    order = await names(page, ".calendar .who")
    assert set(order[:3]) == {night.HOSTILE, "vm-02", "vm-twice"}
    assert order[3] == "vm-slow"


async def test_hostile_names_are_shown_and_not_run(status: tuple[Page, Seen]) -> None:
    """A machine may be called anything."""
    page, seen = status
    await expect(page.locator(".card h3").filter(has_text=night.HOSTILE)).to_have_count(1)
    assert await page.locator("svg[onload]").count() == 0
    await page.get_by_role("link", name=night.HOSTILE).first.click()
    await expect(page.locator("h1")).to_contain_text(night.HOSTILE)
    assert await page.locator("svg, script").count() == 0
    assert seen.errors == []


async def test_an_incidents_page_tells_its_story(status: tuple[Page, Seen]) -> None:
    """Heard from, claimed, triggered, ended, closed; with the reason in words."""
    page, _ = status
    await page.locator(".calendar").get_by_role("link", name="vm-01", exact=True).click()
    await expect(page.locator("h1")).to_have_text("vm-01: recovered after a retry")
    steps = [re.sub(r"\s.*", "", each) for each in await names(page, ".timeline h3")]
    assert steps[0] == "Heard"
    assert steps[-1] == "Closed"
    await expect(page.locator(".timeline")).to_contain_text("The retry completed.")
    await page.get_by_role("link", name="All items").click()
    await expect(page.locator("h1")).to_have_text("3 items need a person.")


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
        await bad_night.inbox.keep({"label": f"alert {number}"})
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
        for kept in await bad_night.inbox.kept(10):
            await bad_night.inbox.forget(kept)


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
        await page.locator(".card h3 a").first.click()
        await expect(page.locator(".timeline").first).to_be_visible()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.errors == []


async def test_everything_is_reached_by_keyboard(status: tuple[Page, Seen]) -> None:
    """The first stop skips to the content."""
    page, _ = status
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
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
        await expect(page.locator("h1")).to_have_text("No such incident")
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


async def _reloaded(page: Page, url: str, text: str) -> bool | None:
    await page.goto(url)
    return text in await page.locator("main").inner_text() or None


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
