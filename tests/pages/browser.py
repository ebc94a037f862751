"""A real Chromium, driven by Playwright, that says what went wrong in a page."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: it is to talk to nobody but the page; as root it starts without its sandbox only
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 375, "height": 740}


@dataclass
class Seen:
    """What a tab complained of."""

    errors: list[str] = field(default_factory=list)
    #: addresses that the page asked for besides itself
    requests: list[str] = field(default_factory=list)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a screen, with an empty profile."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def tab(browser: Browser, **options: Any) -> AsyncIterator[tuple[Page, Seen]]:
    """A tab of its own, in a window of its own; `options` as of Browser.new_context."""
    context = await browser.new_context(**{"viewport": DESKTOP, **options})
    page, seen = await context.new_page(), Seen()
    page.on(
        "console", lambda said: seen.errors.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("dialog", lambda dialog: seen.errors.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: seen.requests.append(request.url))
    try:
        yield page, seen
    finally:
        await context.close()


async def violations(page: Page) -> Sequence[str]:
    """What axe finds in a page: rule, what it says, and the first elements."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    # Evaluated by the debugger: the page's own policy lets no script in.
    await page.evaluate(source)
    found: list[dict[str, Any]] = (await page.evaluate("axe.run({resultTypes: ['violations']})"))[
        "violations"
    ]
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:120] for node in each['nodes'][:3]]}"
        for each in found
    ]
