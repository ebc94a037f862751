"""`python -m tests.pages.pictures DIRECTORY`: every scene in three widths, light and dark, for somebody to look at."""

import asyncio
import sys
from pathlib import Path

from tests.pages.browser import chromium, tab
from tests.pages.scenes import SCENES

WIDTHS = (1440, 1024, 390)
SCHEMES = ("light", "dark")


async def draw(directory: Path) -> None:
    """A picture of each, whole."""
    bodies = {name: scene() for name, scene in SCENES.items()}
    async with chromium() as browser:
        for width in WIDTHS:
            for scheme in SCHEMES:
                viewport = {"width": width, "height": 900}
                async with tab(browser, viewport=viewport, color_scheme=scheme) as (page, _):
                    for name, body in bodies.items():
                        await page.set_content(body)
                        await page.screenshot(path=directory / f"{name}-{width}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(draw(target))
