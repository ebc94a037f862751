"""The follow-up: what is open decides what it costs, not what ever was."""

import json
import os
import time
from dataclasses import dataclass

from backup_retry import wiring
from bench.estates import EstatePlan, alert
from bench.figures import Figure, median
from bench.filling import Filler, storage_token
from bench.ground import App, Ground, ground
from bench.wire import ARM, LEDGER

_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class Size:
    """So many open incidents, in so many vaults, with few and with many closed ones behind them."""

    open: int = 100
    vaults: int = 10
    few: int = 1_000
    many: int = 1_000_000


TINY = Size(open=2, vaults=1, few=100, many=200)


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What one follow-up took."""

    seconds: float
    ledger_calls: int
    lists: int


async def measure(size: Size) -> list[Figure]:
    """The same follow-up twice, the second time with many more closed incidents in the tables."""
    plan = EstatePlan(vaults=size.vaults, machines=size.open // size.vaults, subscriptions=1)
    async with ground(plan) as place:
        app = App()
        for number, job in enumerate(await place.fail(range(size.open))):
            await app.alert(json.dumps(alert(plan, number, job)).encode())
        parts = await wiring.parts()
        like = (await parts.ledger.open_incidents())[0]
        filler = Filler(os.environ["LEDGER_ENDPOINT"], await storage_token(), like)
        await place.slow()
        await filler.fill(size.few)
        await app.follow_up()  # the first one writes down that the retries' jobs are running
        few = await _followed(place, app)
        began = time.perf_counter()
        await filler.fill(size.many)
        filling = time.perf_counter() - began
        many = await _followed(place, app)
        await app.close()
    return _figures(size, few, many, filling)


async def _followed(place: Ground, app: App) -> Followed:
    """The median of a few runs; every one of them looks at all that is open."""
    runs = [await _once(place, app) for _ in range(_RUNS)]
    return Followed(
        seconds=median([each.seconds for each in runs]),
        ledger_calls=max(each.ledger_calls for each in runs),
        lists=max(each.lists for each in runs),
    )


async def _once(place: Ground, app: App) -> Followed:
    place.wire.clear()
    began = time.perf_counter()
    await app.follow_up()
    return Followed(
        seconds=time.perf_counter() - began,
        ledger_calls=len(place.wire.to(LEDGER)),
        lists=sum(each.path.lower().endswith("/backupjobs") for each in place.wire.to(ARM)),
    )


def _figures(size: Size, few: Followed, many: Followed, filling: float) -> list[Figure]:
    how = f"{size.open} open in {size.vaults} vaults, ARM answers after 150 ms"
    behind = f"{size.many:,} closed behind, written in {filling:.0f} s: a head and a line of the journal each"
    return [
        Figure(key="follow_up_few", value=few.seconds, note=f"{how}; {few.ledger_calls} ledger requests"),
        Figure(key="follow_up_many", value=many.seconds, note=behind),
        Figure(
            key="follow_up_requests",
            value=many.ledger_calls - few.ledger_calls,
            note=f"{many.ledger_calls} instead of {few.ledger_calls}",
        ),
        Figure(key="follow_up_lists", value=many.lists / size.vaults, note=f"{many.lists} lists"),
    ]
