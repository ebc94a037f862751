"""`python -m demo [--keep]`: one bad night on a simulated Azure, and a check of how every failure ended.

Exit code 1 where a failure was missed, was retried twice or ended otherwise than it should; 2 where the night
could not be played; 130 where it was interrupted.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from demo.ledger import open_ledger
from demo.page import saved
from demo.play import SETTINGS, Play
from demo.scenario import Night, load
from demo.show import WIDTH, Story
from demo.verdict import Verdict
from simulator.machine.locks import InUseError
from simulator.machine.processes import ProcessDiedError
from simulator.machine.stopping import StoppedError, stop_requested, unless_stopped
from simulator.machine.terminal import own_terminal
from simulator.stack.stack import Stack
from simulator.stack.to_try import announcement, write_files

BUILD = Path("build")
PAGE, RECORD = BUILD / "status.html", BUILD / "demo.json"
_NOTE = (
    "Saved after the demo's night. Filters, sorting and auto-refresh work in the running app: make demo KEEP=1. "
    "The items are simulated, so links to the Azure portal are left out."
)
_EXIT_BAD, _EXIT_FAILED, _EXIT_INTERRUPTED = 1, 2, 130


async def play(stack: Stack, night: Night, console: Console) -> Verdict:
    """Start the stack, play the night on it, and write the page and the record."""
    console.print(
        "Starting the app and a simulated Azure, where minutes take seconds. Times: UTC.", highlight=False
    )
    await stack.start()
    run = stack.run
    os.environ.update(IDENTITY_ENDPOINT=run.identity_endpoint, IDENTITY_HEADER=run.identity_header)
    async with open_ledger(run) as morning:
        verdict = await Play(night, run, Story(console)).play(morning)
    RECORD.write_text(json.dumps(verdict.document(), indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(await saved(run, _NOTE), encoding="utf-8")
    return verdict


async def _run(console: Console, *, keep: bool) -> int:
    stop, night = stop_requested(), load()
    stack = Stack(SETTINGS, night.estate(), directory=BUILD / "demo")
    try:
        verdict = await unless_stopped(stop, play(stack, night, console))
        console.print(last_words(verdict, keep=keep), highlight=False, soft_wrap=True)
        if keep:
            console.print()
            write_files(BUILD, stack.run, {**stack.settings, **SETTINGS}, night.estate())
            console.print(
                announcement(BUILD, stack.run, night.estate()), highlight=False, soft_wrap=True, markup=False
            )
            await stack.until(stop)
    finally:
        await stack.stop()
    return 0 if verdict.good else _EXIT_BAD


def last_words(verdict: Verdict, *, keep: bool) -> str:
    """What there is to look at now."""
    if not verdict.good:
        return f"[bold red]The night did not end as it should: see {RECORD.as_posix()}.[/]"
    more = "" if keep else "; make demo KEEP=1 keeps the app running"
    return f"Status page saved: {PAGE.as_posix()}{more}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep everything running until Ctrl-C")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.width = min(console.width, WIDTH)
    try:
        with own_terminal():
            return asyncio.run(_run(console, keep=options.keep))
    except StoppedError:
        console.print("Stopped.")
        return _EXIT_INTERRUPTED
    except (ProcessDiedError, InUseError, OSError, TimeoutError) as error:
        Console(stderr=True).print(_why(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return _EXIT_FAILED


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"Cannot write {error.filename}: {error.strerror}."
    return str(error) or "The app did not answer in time: see build/demo/host.log."


if __name__ == "__main__":
    sys.exit(main())
