"""Azure Monitor's alerts, delivered to a webhook of this machine."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from simulator.estate.faults import Faults
from simulator.estate.inventory import Item, Job, Vault
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.machine.outgoing_calls import Courier
from simulator.monitor.alerting import Monitor
from tests.webhook import RecordedSleep, Webhook

SUBSCRIPTION = str(UUID(int=1))
START = datetime(2026, 3, 13, 2, 0, tzinfo=UTC)
RECORDED_ALERT = (
    Path(__file__).parents[4] / "shared/azure/signals/01_azure_backup_builtin_alert_rsv_sql_fired.json"
)


def failed_job(title: str = "VMCreationTimeOutStorageErrorV2", **vault: Any) -> Job:
    item = Item(
        vault=Vault(subscription_id=SUBSCRIPTION, resource_group="rg-Backup", name="vault-1", **vault),
        friendly_name="vm-01",
        resource_group="rg-app",
    )
    return Job(
        item=item,
        name=str(UUID(int=7)),
        operation="Backup",
        start_time=START,
        activity_id=str(UUID(int=8)),
        user_triggered=False,
        outcome=Outcome(status=JobStatus.FAILED, error=error_titled(title)),
        due=START,
        history=[(START, JobStatus.FAILED)],
        end_time=START,
    )


class Scene:
    """A monitor on a clock that stands still, whose waits take no time."""

    def __init__(self) -> None:
        self.time = START
        self.faults = Faults()
        self.sleep = RecordedSleep()
        courier = Courier(time_out=5, sleep=self.sleep)
        self.monitor = Monitor(self.faults, lambda: self.time, courier)
        self.monitor.configure(alert_delay=0)

    async def fail(self, job: Job) -> None:
        """Let the job fail and see its alert delivered."""
        self.monitor.job_failed(job)
        await self.monitor.idle()

    def statuses(self) -> list[int | None]:
        """What the deliveries were answered with."""
        return [delivery["status"] for delivery in self.monitor.record()["deliveries"]]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    yield scene
    await scene.monitor.close()


async def test_a_failed_backup_is_told_in_the_common_alert_schema(scene: Scene) -> None:
    """The payload names vault, item and job, the vault lower-cased and the item as it is."""
    job = failed_job()
    async with Webhook() as webhook:
        scene.monitor.set_default_webhook(webhook.url)
        await scene.fail(job)
    [received] = webhook.received
    data = received.content["data"]
    assert received.content["schemaId"] == "azureMonitorCommonAlertSchema"
    assert received.query == {"code": "secret"}
    assert data["essentials"]["alertRule"] == "Backup Failure"
    assert data["essentials"]["monitoringService"] == "Azure Backup"
    assert data["essentials"]["monitorCondition"] == "Fired"
    assert data["essentials"]["alertTargetIDs"] == [job.vault.id.lower()]
    assert data["essentials"]["firedDateTime"] == "2026-03-13T02:00:00.0000000Z"
    assert data["alertContext"]["protectedItemId"] == job.item.id
    assert data["alertContext"]["extendedInfo"]["jobId"] == job.name


@pytest.mark.skipif(not RECORDED_ALERT.exists(), reason="the recorded payloads are not on this machine")
async def test_the_payload_has_the_keys_of_a_recorded_one(scene: Scene) -> None:
    """What a parser may rely on in a real alert is there, and nothing that is not."""
    recorded = json.loads(RECORDED_ALERT.read_text())
    async with Webhook() as webhook:
        scene.monitor.set_default_webhook(webhook.url)
        await scene.fail(failed_job())
    assert _keys(webhook.received[0].content) == _keys(recorded)


def _keys(value: Any) -> Any:
    return {key: _keys(each) for key, each in value.items()} if isinstance(value, dict) else None


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(failed_job(alerts_for_all_job_failures=False), id="alerts-are-off"),
        pytest.param(failed_job("UserErrorBackupOperationInProgress"), id="another-backup-was-running"),
    ],
)
async def test_no_alert_is_raised(scene: Scene, job: Job) -> None:
    """Some failures only a sweep can see."""
    await scene.fail(job)
    assert scene.monitor.record() == {"alerts": [], "deliveries": []}


async def test_an_endpoint_that_is_away_is_called_again(scene: Scene) -> None:
    """503 is retried at the documented intervals, times the pace, and each attempt is on record."""
    scene.monitor.configure(alert_delay=0, pace=0.5)
    async with Webhook([503, 429, 202]) as webhook:
        scene.monitor.set_default_webhook(webhook.url)
        await scene.fail(failed_job())
    assert scene.statuses() == [503, 429, 202]
    assert scene.sleep.seconds == [2.5, 10]
    delivery = scene.monitor.record()["deliveries"][-1]
    assert delivery["url"] == webhook.url.removesuffix("?code=secret")
    assert delivery["answer"] == '{"seen": 3}'


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_refusal_is_not_retried(scene: Scene, status: int) -> None:
    """500 and most 4xx end the delivery."""
    async with Webhook([status]) as webhook:
        scene.monitor.set_default_webhook(webhook.url)
        await scene.fail(failed_job())
    assert scene.statuses() == [status]


async def test_a_dead_endpoint_is_left_alone_for_a_quarter_of_an_hour(scene: Scene) -> None:
    """After the fifth retry alerts are not delivered until the silence is over."""
    async with Webhook([503] * 6 + [200]) as webhook:
        scene.monitor.set_default_webhook(webhook.url)
        await scene.fail(failed_job())
        assert scene.sleep.seconds == [5, 20, 5, 40, 5]
        scene.time += timedelta(minutes=14)
        await scene.fail(failed_job())
        assert len(webhook.received) == 6
        scene.time += timedelta(minutes=1)
        await scene.fail(failed_job())
    assert scene.statuses() == [503] * 6 + [None, 200]


async def test_a_refused_connection_is_retried(scene: Scene) -> None:
    """No answer counts as an endpoint that is away."""
    async with Webhook() as webhook:
        scene.monitor.set_default_webhook(webhook.url)
    await scene.fail(failed_job())
    assert scene.statuses() == [None] * 6


async def test_every_group_of_the_subscription_is_told(scene: Scene) -> None:
    """Two groups with one endpoint deliver twice; a group of another subscription does not."""
    scene.monitor.configure(
        [
            {"name": "all"},
            {"name": "ours", "subscriptions": [SUBSCRIPTION.upper()]},
            {"name": "theirs", "subscriptions": [str(UUID(int=2))]},
        ],
        alert_delay=0,
    )
    async with Webhook() as webhook:
        scene.monitor.set_default_webhook(webhook.url)
        await scene.fail(failed_job())
    assert sorted(each["action_group"] for each in scene.monitor.record()["deliveries"]) == ["all", "ours"]


@pytest.mark.parametrize(
    ("fault", "deliveries"),
    [
        ({"name": "lose_alert"}, 0),
        ({"name": "duplicate_alert"}, 2),
        ({"name": "delay_alert", "seconds": 9}, 1),
    ],
)
async def test_alert_faults_strike_the_matching_job(
    scene: Scene, fault: dict[str, Any], deliveries: int
) -> None:
    """A lost alert reaches nobody, a duplicated one arrives twice, a delayed one later."""
    scene.faults.arm([{**fault, "match": "vm-01", "count": 1}])
    async with Webhook() as webhook:
        scene.monitor.set_default_webhook(webhook.url)
        await scene.fail(failed_job())
        assert len(webhook.received) == deliveries
    assert [alert["lost"] for alert in scene.monitor.record()["alerts"]] == [deliveries == 0]
    assert scene.sleep.seconds == ([9] if fault["name"] == "delay_alert" else [])


async def test_an_alert_can_be_raised_again(scene: Scene) -> None:
    """A replay is a new alert of the same job."""
    job = failed_job()
    async with Webhook() as webhook:
        scene.monitor.set_default_webhook(webhook.url)
        for _ in range(2):
            scene.monitor.raise_alert(job)
        await scene.monitor.idle()
    first, second = scene.monitor.record()["alerts"]
    assert first["job"] == second["job"]
    assert first["id"] != second["id"]


async def test_configuring_starts_afresh(scene: Scene) -> None:
    """What was recorded and what was under way is gone."""
    scene.monitor.raise_alert(failed_job())
    scene.monitor.configure()
    await scene.monitor.idle()
    assert scene.monitor.record() == {"alerts": [], "deliveries": []}


@pytest.mark.parametrize("group", [{"enabled": False}, {"rule": "off"}, {"rule": "none"}])
async def test_a_group_that_is_muted_or_has_no_rule_hears_nothing(
    scene: Scene, group: dict[str, Any]
) -> None:
    """The alert is raised all the same."""
    scene.monitor.configure([{"name": "ag", "webhook": "http://localhost:1", **group}], alert_delay=0)
    await scene.fail(failed_job())
    assert (len(scene.monitor.record()["alerts"]), scene.statuses()) == (1, [])


@pytest.mark.parametrize(
    "group", [{}, {"name": "ag", "url": "http://localhost"}, {"name": "an action group", "rule": "maybe"}]
)
async def test_a_malformed_action_group_is_refused(scene: Scene, group: dict[str, str]) -> None:
    """The estate's author learns which entry is wrong."""
    with pytest.raises(ValueError, match="an action group"):
        scene.monitor.configure([group])
