"""The engine by group: the tag says which profile holds, and the incident's story says that it did."""

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.journal import Step, StepKind
from backup_retry.policy.hours import Hours, Window
from backup_retry.policy.profiles import Profile
from backup_retry.policy.rules import Rules
from tests.builders import NOW, PASSES, item, vault
from tests.world import World

UTC_ZONE = ZoneInfo("UTC")
NIGHT = Hours(windows=(Window.parse("20:00-06:00"),), zone=UTC_ZONE)
PRODUCTION = Profile(max_attempts=2, hours=NIGHT, deadline=time(6))
TEST = Profile(max_attempts=1, hours=Hours(zone=UTC_ZONE))


@pytest.fixture
def world() -> World:
    """It is two in the afternoon; production is retried by night, tests at any hour and once."""
    return World(Rules(backoff=(timedelta(0),), profiles={"production": PRODUCTION, "test": TEST}))


async def profile_steps(world: World) -> list[str]:
    steps: list[Step] = list(await world.ledger.steps(item()))
    return [step.detail for step in steps if step.kind is StepKind.PROFILE]


async def test_a_profiles_hours_hold_and_the_story_says_which(world: World) -> None:
    """Once, however often it is decided anew; the numbers are those that held."""
    world.tag_lookup.tag(vault().id, profile="Production")
    report = await world.handle(world.fails())
    assert (report.reason, report.detail) == (
        Reason.OUTSIDE_HOURS,
        "Retries are allowed again from 20:00 UTC, profile production.",
    )
    await world.follow_up(hours=1)
    assert await profile_steps(world) == [
        f"backup-retry-profile = production on {vault().key}: 2 retries at most, 20:00-06:00, none after 06:00 (UTC)."
    ]
    assert (await world.incident()).profile == "production"
    await world.follow_up(hours=5)
    assert len(world.attempts) == 1


async def test_a_profiles_attempts_hold(world: World) -> None:
    """The nearest tag counts."""
    world.tag_lookup.tag(vault().id, profile="production")
    world.tag_lookup.tag(item().machine_id, profile="test")
    await world.handle(world.fails())
    world.ends(world.runs(world.attempts[0]), JobStatus.FAILED, PASSES)
    await world.follow_up(hours=2)
    await world.follow_up(hours=2)
    assert ((await world.incident()).outcome, len(world.attempts)) == (Outcome.EXHAUSTED, 1)


async def test_after_a_profiles_deadline_a_person_is_told() -> None:
    """At six in the morning, not when the backoff would be over."""
    world = World(Rules(backoff=(timedelta(0), timedelta(hours=1)), profiles={"production": PRODUCTION}))
    world.tag_lookup.tag(vault().id, profile="production")
    await world.handle(world.fails())
    await world.follow_up(hours=6)
    running = world.runs(world.attempts[0])
    world.clock.move(hours=9, minutes=30)
    world.ends(running, JobStatus.FAILED, PASSES)
    await world.follow_up(minutes=0)
    assert (await world.incident()).due == NOW + timedelta(hours=16)
    await world.follow_up(minutes=30)
    closed = await world.incident()
    assert (closed.outcome, closed.reason, len(world.attempts)) == (Outcome.NEEDS_ACTION, Reason.DEADLINE, 1)
    assert "(UTC, profile production)" in closed.detail


async def test_a_name_that_nobody_knows_leaves_the_settings_and_is_said(world: World) -> None:
    """A slip on a tag is found in the story."""
    world.tag_lookup.tag(item().machine_id, profile="produktion")
    assert (await world.handle(world.fails())).decision == "triggered"
    assert await profile_steps(world) == [
        f"backup-retry-profile = produktion on {item().machine_id} is not in RETRY_PROFILES: the app's settings apply."
    ]


async def test_another_tag_is_another_step(world: World) -> None:
    """And so is none any more."""
    world.tag_lookup.tag(vault().id, profile="production")
    await world.handle(world.fails())
    world.tag_lookup.tag(vault().id)
    await world.follow_up(hours=6)
    assert (await profile_steps(world))[1:] == ["The profile tag was removed: the app's settings apply."]
    assert (await world.incident()).profile == ""


async def test_a_tag_that_cannot_be_read_permits_nothing(world: World) -> None:
    """The settings would allow a retry now; it waits until somebody can say which profile holds."""
    world.tag_lookup.error = AzureUnavailable("Resource Graph: no answer")
    report = await world.handle(world.fails())
    assert (report.reason, world.attempts) == (Reason.AZURE_UNAVAILABLE, [])


async def test_the_tag_of_a_resource_that_only_the_vault_names_counts(world: World) -> None:
    """Once for the story, although the vault's own tag is seen first."""
    odd = replace(item(), container="Windows;server", name="x")
    source = (
        f"/subscriptions/{vault().subscription}/resourceGroups/rg-data/providers/Microsoft.Storage/accounts/d"
    )
    failed = world.fails(of=odd)
    world.vaults.items[odd.key] = replace(world.vaults.items[odd.key], source_id=source)
    world.tag_lookup.tag(vault().id, profile="test")
    world.tag_lookup.tag(source, profile="production")
    assert (await world.handle(failed)).reason is Reason.OUTSIDE_HOURS
    await world.follow_up(hours=1)
    steps = [each for each in await world.ledger.steps(odd) if each.kind is StepKind.PROFILE]
    assert len(steps) == 1
