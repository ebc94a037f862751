"""The health answer: a few facts, and nothing that an anonymous reader should not see."""

import asyncio
import json
from typing import Any

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.jobs import Source
from backup_retry.domain.protected_days import ProtectionCount
from backup_retry.domain.protection import Protection
from backup_retry.ports.ledger import Beat, LeftOpen
from backup_retry.ports.reports import Health
from backup_retry.settings.loading import load_settings
from status.health import SECONDS_KEPT, Answer, SharedAnswer, health
from tests.builders import NOW, item, minutes
from tests.cli_sessions import Terminal

PROFILES = [
    {"name": "hourly", "schedule": "0 0 * * * *"},
    {"name": "past", "schedule": "0 0 * * * *", "expires": "2026-11-01T00:00:00Z"},
]


@pytest.fixture
def world() -> Terminal:
    """A world whose ledger has reports."""
    return Terminal()


async def asked(world: Terminal, profiles: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """The answer of an app with these sweep profiles."""
    settings = load_settings(
        {"ledger_endpoint": "https://ledger.test", "sweep_profiles": json.dumps(profiles or [])}
    )
    return await health(world.ledger, settings, NOW)


async def test_a_fresh_app_has_not_run_anything_yet(world: Terminal) -> None:
    """Null, not a made-up time."""
    assert await asked(world) == {
        "last_sweep": None,
        "incomplete_sweep": None,
        "last_follow_up": None,
        "open_incidents": 0,
        "approvals_waiting": 0,
        "unwell_timers": 3,
        "stopped_timers": {},
        "unreadable_rows": {},
        "unprotected": None,
    }


async def test_the_last_runs_and_what_is_open_are_shown(world: Terminal) -> None:
    """Times in ISO 8601 with their zone; what is open is what the last follow-up left so."""
    await world.ledger.beat(Beat.SWEEP, NOW - minutes(60))
    await world.ledger.beat("sweep-look_back", NOW - minutes(40))
    await world.engine.note(world.fails("job-1", of=item(1)), Source.ALERT)
    await world.handle(world.fails("job-2", of=item(2), error="UserErrorVmProvisioningStateFailed"))
    await world.ledger.beat(Beat.FOLLOW_UP, NOW, LeftOpen(incidents=1, approvals=1))

    assert await asked(world) == {
        "last_sweep": "2026-11-22T13:00:00+00:00",
        "incomplete_sweep": None,
        "last_follow_up": "2026-11-22T14:00:00+00:00",
        "open_incidents": 1,
        "approvals_waiting": 1,
        "unwell_timers": 0,
        "stopped_timers": {},
        "unreadable_rows": {},
        "unprotected": None,
    }


@pytest.mark.parametrize(
    ("complete", "incomplete", "shown"),
    [
        (None, 30, "2026-11-22T13:30:00+00:00"),
        (60, 30, "2026-11-22T13:30:00+00:00"),
        (30, 60, None),
        (30, None, None),
    ],
)
async def test_a_sweep_that_left_something_out_shows_until_a_complete_one(
    world: Terminal, complete: int | None, incomplete: int | None, shown: str | None
) -> None:
    """It must not look as if all had been looked at."""
    for name, ago in ((Beat.SWEEP, complete), (Beat.INCOMPLETE_SWEEP, incomplete)):
        if ago is not None:
            await world.ledger.beat(name, NOW - minutes(ago))

    assert (await asked(world))["incomplete_sweep"] == shown


async def test_a_probe_sees_how_many_timers_are_unwell(world: Terminal) -> None:
    """A sweep that was late or incomplete, of a profile too; one that is over is none."""
    await world.ledger.beat(Beat.SWEEP, NOW - minutes(60))
    await world.ledger.beat(Beat.FOLLOW_UP, NOW)
    await world.ledger.beat("sweep-look_back", NOW - minutes(40))
    assert (await asked(world, PROFILES))["unwell_timers"] == 1

    await world.ledger.beat("sweep-hourly", NOW - minutes(30))
    assert (await asked(world, PROFILES))["unwell_timers"] == 0

    await world.ledger.beat("incomplete-sweep-hourly", NOW - minutes(10))
    answer = await asked(world, PROFILES)
    assert answer["unwell_timers"] == 1
    assert "hourly" not in json.dumps(answer)


async def test_rows_that_cannot_be_read_are_counted_by_kind(world: Terminal) -> None:
    """As the follow-up last summed them up; never by a key, which may hold a name."""
    world.ledger.unreadable_rows = {"head": 1, "pause": 1}

    answer = await asked(world)

    assert answer["unreadable_rows"] == {"head": 1, "pause": 1}


async def test_a_ledger_that_does_not_answer_is_an_error(world: Terminal) -> None:
    """The entry point makes a 503 of it."""

    async def no_answer() -> Health:
        raise AzureUnavailable("the ledger does not answer")

    world.ledger.health = no_answer  # type: ignore[method-assign]

    with pytest.raises(AzureUnavailable):
        await asked(world)


async def test_sixty_at_once_cost_one_reading_and_a_later_one_another() -> None:
    """Anybody may ask: an outage, too, is found once for all of them."""
    answers: list[Answer] = [(200, {"n": 1}), (503, {"n": 2})]
    read: list[float] = []
    now = 0.0

    async def reading() -> Answer:
        read.append(now)
        await asyncio.sleep(0)
        return answers[len(read) - 1]

    shared = SharedAnswer(reading, lambda: now)
    assert await asyncio.gather(*(shared.get() for _ in range(60))) == [answers[0]] * 60
    now = SECONDS_KEPT - 1
    assert await shared.get() == answers[0]
    now = SECONDS_KEPT
    assert await asyncio.gather(*(shared.get() for _ in range(60))) == [answers[1]] * 60
    assert read == [0.0, SECONDS_KEPT]


async def test_how_many_items_are_not_protected_is_a_number(world: Terminal) -> None:
    """As the daily sweep counted them, and no name."""
    states = {Protection.PROTECTED: 9, Protection.OVERDUE: 2, Protection.ACTION_REQUIRED: 1}
    world.ledger.protection = ProtectionCount(at=NOW, states=states)
    assert (await asked(world))["unprotected"] == 3


async def test_a_stopped_timer_is_named_while_the_second_clock_stands_in(world: Terminal) -> None:
    """With since when; once the timer fires again it is well."""
    await world.ledger.beat("stopped-follow_up", NOW - minutes(60))
    await world.ledger.beat("stood-in-follow_up", NOW - minutes(5))
    await world.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(4))
    assert (await asked(world))["stopped_timers"] == {"follow_up": (NOW - minutes(60)).isoformat()}

    await world.ledger.beat(Beat.FOLLOW_UP, NOW)
    assert (await asked(world))["stopped_timers"] == {}
