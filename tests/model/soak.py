"""The long run of the model: world after world, until so many steps have been made.

    python -m tests.model.soak --steps 200000 --workers 2

The worlds are others each day, unless a seed is given. Every world is made from its own seed, runs for a while in all
its trouble, and is then left in peace until every failure has to be closed. A world that breaks an invariant prints its
story and the command that replays it.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from multiprocessing import get_context

from tests.model.faults import Fault
from tests.model.invariants import Violation
from tests.model.lasting_storm import live_through
from tests.model.tables import Tables
from tests.model.trouble import Trouble
from tests.model.world import World

#: steps of trouble that one world sees
WORLD_STEPS = 4000
#: more worlds than are made in a day
_WORLDS_A_DAY = 10_000
_STORY_LINES = 40
#: of so many worlds one has a storm that lasts for a day besides
_STORM_OF_A_DAY_EVERY = 25
#: after so many worlds a long run says where it is
_TOLD_EVERY = 100
#: every so manieth world has the real ledger, on tables
_ON_TABLES = 10


@dataclass
class Found:
    """A broken invariant."""

    seed: int
    steps: int
    problem: str
    story: Sequence[str] = ()

    def __str__(self) -> str:
        replay = f"python -m tests.model.soak --steps {WORLD_STEPS} --seed {self.seed}"
        return "\n".join(
            [*self.story, f"seed {self.seed}, step {self.steps}: {self.problem}", f"replay: {replay}"]
        )


@dataclass
class Tried:
    """What one or many worlds went through."""

    worlds: int = 0
    steps: int = 0
    #: steps after the trouble, until everything is closed
    steps_in_peace: int = 0
    days: float = 0.0
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)

    def add(self, other: "Tried") -> None:
        """Sum up."""
        self.worlds += other.worlds
        self.steps += other.steps
        self.steps_in_peace += other.steps_in_peace
        self.days += other.days
        self.events += other.events
        self.faults += other.faults
        self.outcomes += other.outcomes
        self.found += other.found


def soak_one(
    seed: int, steps: int = WORLD_STEPS, *, tables: Tables | None = None, clocks: bool = True
) -> Tried:
    """One world, from its beginning to its peace; its ledger is in memory, or the real one on tables."""
    world = World(seed, tables=tables, clocks=clocks)
    Trouble(world).begin()
    tried = Tried(worlds=1)
    try:
        world.run(steps)
        tried.steps, tried.days = world.steps, world.agenda.now / 86400
        world.leave_in_peace()
        tried.steps_in_peace = world.steps - tried.steps
    except Violation as violation:
        tried.steps = tried.steps or world.steps
        tried.found = [Found(seed, world.steps, str(violation), world.watch.story_of()[-_STORY_LINES:])]
        world.end()
    tried.faults, tried.outcomes = world.faults.struck, world.watch.outcomes
    tried.events = Counter(
        {
            "backup jobs": len(world.azure.jobs),
            "signals delivered": world.courier.deliveries,
            "signals handed on": world.courier.handed_on,
            "turns that an event started": world.courier.started,
            "alerts about silent timers": world.courier.struck,
            "signals kept": world.watch.promises.times_deferred,
            "failures stored": sum(map(len, world.watch.noted.values())),
            "triggers sent": sum(sent.sent_at <= world.agenda.now for sent in world.watch.sent.values()),
            "worker processes": world.processes,
        }
    )
    return tried


def _storm_of_a_day(seed: int) -> Tried:
    """The same of a world whose storm lasts for a day."""
    tried = Tried(worlds=1, events=Counter({"storms of a day": 1}))
    try:
        tried.steps = live_through(seed).steps
    except Violation as violation:
        tried.found = [Found(seed, 0, str(violation))]
    return tried


def soak_drawn(seed: int) -> Tried:
    """A world of the long run."""
    tried = soak_one(seed, tables=Tables() if seed % _ON_TABLES == 0 else None)
    if seed % _STORM_OF_A_DAY_EVERY == 0:
        tried.add(_storm_of_a_day(seed))
    return tried


def seed_of(day: date) -> int:
    """Where a day's seeds begin: 202611290000 on the 29th of November 2026."""
    return int(f"{day:%Y%m%d}") * _WORLDS_A_DAY


def soak(
    seeds: Iterable[int], workers: int = 1, tell: Callable[[Tried, Tried], None] = lambda *_: None
) -> Tried:
    """Many worlds, on so many processes; `tell` hears after each what has been tried in it and in all."""
    total = Tried()
    with get_context("spawn").Pool(workers, _quiet) if workers > 1 else nullcontext() as pool:
        for tried in pool.imap(soak_drawn, seeds) if pool else map(soak_drawn, seeds):
            total.add(tried)
            tell(tried, total)
    return total


def report(tried: Tried, seconds: float) -> str:
    """What was tried, and what was found, for a person to read."""
    pace = tried.steps / seconds
    lines = [
        f"{tried.steps} steps in {tried.worlds} worlds, {tried.days:.0f} virtual days",
        f"{tried.steps_in_peace} more until all was closed",
        f"{seconds:.0f} s, {pace:.0f} steps/s",
        *_table("events", tried.events),
        *_table("faults", tried.faults),
        *_table("incidents closed", tried.outcomes),
        f"found: {len(tried.found)}",
        *(str(found) for found in tried.found),
    ]
    return "\n".join(lines) + "\n"


def _table(title: str, counts: Counter[str] | Counter[Fault]) -> list[str]:
    return [f"{title}:", *(f"  {count:>9}  {name}" for name, count in counts.most_common())]


def _progress(last: Tried, total: Tried) -> None:
    """A long run says what it finds when it finds it, and now and then where it is."""
    sys.stderr.writelines(f"{found}\n" for found in last.found)
    if total.worlds % _TOLD_EVERY == 0:
        sys.stderr.write(f"{total.worlds} worlds, {total.steps} steps, found: {len(total.found)}\n")


def _quiet() -> None:
    logging.getLogger("backup_retry").setLevel(logging.CRITICAL + 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 when an invariant was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200_000, help="steps of trouble, of all worlds together")
    today = seed_of(datetime.now(UTC).date())
    parser.add_argument(
        "--seed", type=int, default=today, help="of the first world; the others follow; today's: %(default)s"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes")
    options = parser.parse_args(arguments)
    _quiet()
    began = time.monotonic()
    worlds = -(-options.steps // WORLD_STEPS)
    sys.stdout.write(f"{worlds} worlds from seed {options.seed}\n")
    sys.stdout.flush()
    tried = soak(range(options.seed, options.seed + worlds), options.workers, _progress)
    sys.stdout.write(report(tried, time.monotonic() - began))
    return 1 if tried.found else 0


if __name__ == "__main__":
    sys.exit(main())
