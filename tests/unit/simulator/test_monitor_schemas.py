"""The simulator's notices beside those that Microsoft published: the same fields."""

import json
from typing import Any

import pytest

from tests.monitor_world import scene
from tests.recorded import RECORDINGS, needs_recordings, shape


def sample(name: str) -> Any:
    """A payload that Microsoft published."""
    path = next((RECORDINGS.parent / "signals").glob(f"{name}_*.json"))
    return json.loads(path.read_text(encoding="utf-8"))


@needs_recordings
@pytest.mark.parametrize(("notice", "name"), [("metric", "03"), ("log", "02")])
async def test_a_jobs_alert_has_the_fields_of_a_published_one(notice: str, name: str) -> None:
    """Besides those that only newer alerts have."""
    wanted = sample(name)
    async with scene(notice) as stage:
        [received] = await stage.notices_of(stage.job("vm-01"))
    context, published = received.content["data"]["alertContext"], wanted["data"]["alertContext"]
    context["condition"].pop("staticThresholdFailingPeriods", None)
    assert set(wanted["data"]["essentials"]) <= set(received.content["data"]["essentials"])
    assert set(context) == set(published)
    assert set(context["condition"]) == set(published["condition"])
    assert set(context["condition"]["allOf"][0]) == set(published["condition"]["allOf"][0])


@needs_recordings
async def test_an_activity_alert_has_the_fields_of_a_published_one() -> None:
    """And what a failure adds to them."""
    wanted = sample("04")
    async with scene("activity") as stage:
        [received] = await stage.notices_of(stage.refusal("vm-01"))
    data = received.content["data"]
    added = {"statusCode", "serviceRequestId", "statusMessage"}
    assert set(data["alertContext"]) == set(wanted["data"]["alertContext"])
    assert set(data["alertContext"]["properties"]) - added == set(
        wanted["data"]["alertContext"]["properties"]
    )
    assert shape(data["essentials"]) == shape(wanted["data"]["essentials"])


@needs_recordings
async def test_a_resource_event_has_the_fields_of_a_published_one() -> None:
    """Success and failure differ in the type alone."""
    [wanted] = sample("08")
    async with scene("resource_action_failure") as stage:
        [received] = await stage.notices_of(stage.refusal("vm-01"))
    [event] = received.content
    assert set(event) == set(wanted)
    assert set(event["data"]) == set(wanted["data"])


@needs_recordings
async def test_a_runbooks_wrapper_has_the_fields_of_a_real_one() -> None:
    """Of its headers those that matter."""
    wanted = sample("11")
    async with scene("built_in", action_groups=[{"name": "runbook", "kind": "runbook"}]) as stage:
        [received] = await stage.notices_of(stage.job("vm-01"))
    assert set(received.content) == set(wanted)
    assert set(received.content["RequestHeader"]) <= set(wanted["RequestHeader"])
