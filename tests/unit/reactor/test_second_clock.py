"""The second clock: what timers have left undone is started by whoever calls, once, and named."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backup_retry.domain.errors import AzureUnavailable, BackupRetryError
from backup_retry.engine.turn import Slice, Turn, TurnTaker
from backup_retry.ports.ledger import Beat
from backup_retry.ports.publisher import MemoryPublisher
from backup_retry.ports.reports import MemoryReports
from backup_retry.ports.turns import TURN_DUE, MemoryTurns
from backup_retry.settings.loading import load_settings
from backup_retry.settings.timer_status import Timer, TimerState, timers
from reactor.alerts import parse_payload
from reactor.own_alerts import ClockStruck
from reactor.second_clock import SecondClock, run_slice, turn_in
from reactor.signals import Ignored
from tests.builders import NOW, item, minutes, vault
from tests.clock import Clock

_RULE = (
    "/subscriptions/x/resourceGroups/rg/providers/microsoft.insights/scheduledqueryrules/backup-retry-{}-abc"
)


class Starter:
    """A topic that keeps which turns were asked for, and refuses while told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.error: BackupRetryError | None = None

    async def turn_due(self, turn: str, number: int) -> None:
        """See Starter."""
        if self.error:
            raise self.error
        self.asked.append((turn, number))


class Installation:
    """An app whose timers have run well until now."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.ledger = MemoryReports()
        self.starter = Starter()
        self.publisher = MemoryPublisher()
        self.settings = load_settings({"ledger_endpoint": "https://ledger.test"})
        self.second = SecondClock(
            controls=self.ledger,
            reports=self.ledger,
            settings=self.settings,
            clock=self.clock,
            starter=self.starter,
            publisher=self.publisher,
        )
        self.taker = TurnTaker(
            turns=MemoryTurns(), controls=self.ledger, clock=self.clock, lease=timedelta(minutes=1)
        )

    async def ran(self, **minutes_ago: float) -> None:
        """When follow_up, sweep and look_back ran last."""
        names = {"follow_up": Beat.FOLLOW_UP, "sweep": Beat.SWEEP, "look_back": "sweep-look_back"}
        for name, ago in minutes_ago.items():
            await self.ledger.beat(names[name], self.clock() - minutes(ago))

    async def slice(self, turn: str, *, left: bool = False, number: int = 0) -> None:
        """The event arrives; the turn leaves its beat where it is completed."""

        def make(part: Slice) -> Turn:
            async def run() -> None:
                part.end(left)
                if not left:
                    await self.ledger.beat(turn, self.clock())

            return Turn(name=turn, run=run, slice=part)

        await run_slice(
            turn,
            number,
            make=make,
            taker=self.taker,
            controls=self.ledger,
            starter=self.starter,
            clock=self.clock,
        )

    async def timer(self, function: str) -> Timer:
        """How a timer stands."""
        found = timers(self.settings, await self.ledger.beats(), self.clock())
        return next(each for each in found if each.function == function)


@pytest.fixture
async def app() -> Installation:
    """All timers ran when they should have."""
    found = Installation()
    await found.ran(follow_up=4, sweep=540, look_back=40)
    return found


def own_alert(rule: str, *, by_id: bool = False, **dimensions: str) -> dict[str, Any]:
    """An alert of one of our rules, as the action group sends it."""
    essentials = {"monitoringService": "Log Alerts V2", "monitorCondition": "Fired", "alertId": "/alerts/1"}
    essentials |= {"alertRuleID": _RULE.format(rule)} if by_id else {}
    named = [{"name": name, "value": value} for name, value in dimensions.items()]
    data: dict[str, Any] = {
        "essentials": essentials,
        "alertContext": {"condition": {"allOf": [{"dimensions": named}]}},
    }
    data |= {} if by_id else {"customProperties": {"backupRetryRule": rule}}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


@pytest.mark.parametrize("by_id", [True, False])
@pytest.mark.parametrize("rule", ["needs-a-person", "exhausted", "second-clock", "follow-up-silent"])
def test_an_alert_of_ours_is_never_a_failure(rule: str, by_id: bool) -> None:
    """Though it names an item and its vault: it would go round in a circle. One of them is a clock."""
    found = parse_payload(own_alert(rule, by_id=by_id, ItemId=item().id, VaultId=vault().id))
    assert isinstance(found, Ignored)
    assert isinstance(found, ClockStruck) is (rule == "second-clock")


async def test_while_the_timers_fire_nothing_is_started(app: Installation) -> None:
    """Whatever calls."""
    assert await app.second.strike() == []
    await app.second.signal_came()
    assert (app.starter.asked, app.publisher.sent) == ([], [])


async def test_what_is_overdue_is_started(app: Installation) -> None:
    """The follow-up with the look into kept signals, and each sweep."""
    await app.ran(follow_up=360, sweep=60 * 33, look_back=360)
    started = await app.second.strike()
    assert started == ["sweep", "kept_signals", "follow_up", "sweep_look_back"]
    assert app.starter.asked == [(name, 0) for name in started]


async def test_a_dead_timer_is_named_until_it_fires_and_told_once(app: Installation) -> None:
    """A person is told when it misses turns a second time: whoever was down has only just come back at the first."""
    await app.ran(follow_up=20)
    since = NOW - minutes(20)
    told = []
    for _ in range(5):
        await app.second.strike()
        await app.slice("follow_up")
        timer = await app.timer("follow_up")
        assert (timer.state, timer.stopped, timer.needs_a_person) == (TimerState.STOPPED, since, True)
        assert f"{since:%Y-%m-%d %H:%M} UTC. An Azure Monitor alert rule" in timer.sentence
        told.append(len(app.publisher.sent))
        app.clock.time += minutes(20)
    assert told == [0, 1, 1, 1, 1]
    assert app.publisher.sent[0].data["reason"] == "timer_stopped"

    await app.ledger.beat(Beat.FOLLOW_UP, app.clock())
    assert (await app.timer("follow_up")).state is TimerState.WELL


async def test_a_signal_is_as_good_as_a_clock_once_a_minute(app: Installation) -> None:
    """While the follow-up is three turns late; it costs one small read a minute."""
    await app.ran(follow_up=20)
    for _ in range(9):
        await app.second.signal_came()
    assert [name for name, _ in app.starter.asked] == ["kept_signals", "follow_up"]
    app.clock.time += minutes(1)
    await app.second.signal_came()
    assert len(app.starter.asked) == 4


async def test_what_goes_wrong_is_not_the_signals_fault(app: Installation) -> None:
    """It is stored already; an alert of the clock itself is answered 503, which Azure Monitor repeats."""
    await app.ran(follow_up=20)
    app.starter.error = AzureUnavailable("topic away")
    await app.second.signal_came()
    with pytest.raises(AzureUnavailable):
        await app.second.strike()


async def test_a_slice_that_leaves_something_starts_the_next(app: Installation) -> None:
    """Up to a bound; the turn is completed only by the last."""
    await app.slice("follow_up", left=True)
    await app.slice("follow_up", left=True, number=1)
    await app.slice("follow_up", left=True, number=90)
    await app.slice("follow_up", number=2)
    assert app.starter.asked == [("follow_up", 1), ("follow_up", 2)]


async def test_two_clocks_do_one_turn(app: Installation) -> None:
    """The second start ends at once, and starts no other."""
    runs: list[str] = []

    async def run() -> None:
        runs.append("run")
        await asyncio.sleep(0.01)

    turn = Turn(name="sweep", run=run)
    assert sorted(await asyncio.gather(app.taker.take(turn), app.taker.take(turn))) == [False, True]
    assert runs == ["run"]


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        (TURN_DUE, {"turn": "sweep", "slice": 3}, ("sweep", 3)),
        (TURN_DUE.lower(), {"turn": "sweep"}, ("sweep", 0)),
        (TURN_DUE, {"turn": "sweep", "slice": "x"}, ("sweep", 0)),
        (TURN_DUE, {}, ("", 0)),
        (TURN_DUE, "text", None),
        ("BackupRetry.FailureFound", {"turn": "sweep"}, None),
    ],
)
def test_an_event_says_which_turn_is_due(kind: str, data: object, found: tuple[str, int] | None) -> None:
    """In either schema, whatever stands in it."""
    assert turn_in(kind, data) == found
