"""`python -m tools.pictures`: plays the demo's night once, and shows it in the documents.

What the demo prints goes into the README. The status page after the night goes to docs/pictures/status.png, for which
Chromium is needed.
"""

import argparse
import asyncio
import io
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from demo.__main__ import last_words, play
from demo.play import SETTINGS
from demo.scenario import load
from demo.show import WIDTH
from simulator.stack.run_info import RunInfo
from simulator.stack.stack import Stack
from simulator.stack.to_try import page_address

REPOSITORY = Path(__file__).parents[1]
README, PAGE = REPOSITORY / "README.md", REPOSITORY / "docs" / "pictures" / "status.png"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_BROWSER_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
#: the block of text that has the night in it
_OUTPUT = re.compile(r"(?<=```text\n)(?:(?!```).)*nightly backups start(?:(?!```).)*(?=```)", re.DOTALL)


async def draw(browser: str | None) -> bool:
    """Play the night and show it; False where it did not end as it should, and then nothing is changed."""
    night, output = load(), io.StringIO()
    stack = Stack(SETTINGS, night.estate(), directory=REPOSITORY / "build" / "pictures")
    try:
        verdict = await play(stack, night, Console(file=output, width=WIDTH))
        if verdict.good:
            print(last_words(verdict, keep=False), file=output)
            README.write_text(
                with_output(README.read_text(encoding="utf-8"), output.getvalue()), encoding="utf-8"
            )
        if verdict.good and browser:
            await photograph(stack.run, browser)
    finally:
        await stack.stop()
    return verdict.good


def with_output(readme: str, output: str) -> str:
    """The README with this output of the demo."""
    return _OUTPUT.sub(lambda _: output, readme, count=1)


async def photograph(run: RunInfo, browser: str) -> None:
    """The status page as a browser shows it."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 (the output does not need it)

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=_BROWSER_OPTIONS)
        page = await chromium.new_page(viewport={"width": 1280, "height": 1500}, color_scheme="light")
        await page.goto(f"{page_address(run)}&refresh=off")
        await page.screenshot(path=PAGE)
        await chromium.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Renew the output and the picture; the exit code."""
    argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__).parse_args(arguments)
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if not asyncio.run(draw(browser)):
        sys.stderr.write("The night did not end as it should: nothing was changed.\n")
        return 1
    if browser is None:
        sys.stderr.write(f"Chromium was not found: {PAGE.name} is as it was.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
