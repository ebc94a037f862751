"""`python -m tools.pictures [DIRECTORY]`: the pictures of the documents, docs/pictures unless named otherwise.

Both are of one run of the demo's night that is made now. demo.svg is what `make demo` prints: the whole table, and of
the story the lines about a few machines. status.png is the status page on the morning after; it needs Chromium.
"""

import argparse
import asyncio
import io
import os
import re
import shutil
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from demo.__main__ import SETTINGS, Play
from demo.ledger import open_ledger
from demo.scenario import Night, load
from demo.show import table, totals
from simulator.stack.run_info import RunInfo
from simulator.stack.stack import Stack

REPOSITORY = Path(__file__).parents[1]
DIRECTORY = REPOSITORY / "docs" / "pictures"
DEMO, PAGE = "demo.svg", "status.png"
#: recovered at the second try with an answer lost, found by the sweep, needs a person, mended by a colleague
MACHINES = ("web-11", "cart-02", "dc-02", "app-12")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_BROWSER_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_WIDTH = 118
_PATIENCE_SECONDS, _POLL_SECONDS = 60.0, 0.5
_STORY_LINE = re.compile(r"^ *\d+\.\d s  (?P<machine>\S+)")
#: rich would have the viewer fetch its font from elsewhere
_FONTS_FROM_ELSEWHERE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_DAY_SECONDS = 86_400
_NIGHTS_BEFORE = 13


async def draw(directory: Path, browser: str | None) -> bool:
    """Play the night and draw it; False where it did not end as it should, and then nothing is drawn."""
    night, console = load(), _terminal()
    console.print("Starting Azurite, a simulated Azure and the Functions host ...")
    async with Stack(SETTINGS, night.estate(), directory=REPOSITORY / "build" / "pictures") as stack:
        await _remember(night, stack.run)
        os.environ.update(
            IDENTITY_ENDPOINT=stack.run.identity_endpoint, IDENTITY_HEADER=stack.run.identity_header
        )
        async with open_ledger(stack.run) as morning:
            acts = Play(night, stack, console)
            verdict = await acts.play(morning)
        if verdict.good:
            console.print(table(verdict), totals(verdict, acts.elapsed), sep="\n")
            (directory / DEMO).write_text(drawing(console.export_text(styles=True)), encoding="utf-8")
        if verdict.good and browser:
            await photograph(stack.run, browser, directory / PAGE, night.items)
    return verdict.good


async def _remember(night: Night, run: RunInfo) -> None:
    """Two weeks of good nights before the bad one."""
    nights = [
        {"item": machine, "scheduled": True, "age_seconds": _DAY_SECONDS * ago}
        for ago in range(_NIGHTS_BEFORE, 0, -1)
        for machine in night.items
    ]
    async with (
        aiohttp.ClientSession(run.admin, raise_for_status=True) as http,
        http.post("/_sim/backups", json=nights),
    ):
        pass


async def photograph(run: RunInfo, browser: str, target: Path, machines: Collection[str]) -> None:
    """The status page as a browser shows it, as soon as it knows of all the machines."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 (the demo's picture does not need it)

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=_BROWSER_OPTIONS)
        page = await chromium.new_page(viewport={"width": 1280, "height": 1500}, color_scheme="light")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                await page.goto(f"{run.host}/api/status?refresh=off&code={run.function_key}")
                shown = await page.inner_text("body")
                if all(machine in shown for machine in machines):
                    break
                await asyncio.sleep(_POLL_SECONDS)
        await page.screenshot(path=target)
        await chromium.close()


def drawing(output: str) -> str:
    """What a terminal shows of the demo's output, as SVG; of the story, some machines only."""
    console = _terminal()
    console.print("[bold green]$[/] make demo")
    for line in output.splitlines():
        text = Text.from_ansi(line)
        if _is_shown(text.plain):
            console.print(text, no_wrap=True)
    picture = console.export_svg(title="One bad night", theme=DIMMED_MONOKAI, unique_id="demo")
    return _FONTS_FROM_ELSEWHERE.sub("", picture)


def _terminal() -> Console:
    options: dict[str, Any] = {"force_terminal": True, "color_system": "truecolor"}
    return Console(file=io.StringIO(), record=True, width=_WIDTH, **options)


def _is_shown(line: str) -> bool:
    story = _STORY_LINE.match(line)
    return story is None or story["machine"] in MACHINES


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=DIRECTORY)
    directory = parser.parse_args(arguments).directory
    directory.mkdir(parents=True, exist_ok=True)
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if not asyncio.run(draw(directory, browser)):
        sys.stderr.write("The night did not end as it should: nothing was drawn.\n")
        return 1
    if browser is None:
        sys.stderr.write(f"No Chromium here: {PAGE} was not made.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
