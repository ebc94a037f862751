"""The whole simulated stack with one protected item of each workload."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from backup_retry.domain.incident import Incident
from backup_retry.domain.notices import SOURCE
from tests.event_schemas import flaws
from tests.running_app import App, Json, running
from tests.scenarios.retried_workloads import WORKLOADS


@asynccontextmanager
async def app_with_news(directory: Path) -> AsyncIterator[App]:
    """The app with a topic for its news, each as its schema says; the usual policies may run at this very hour."""
    async with running(directory, {"SCHEDULE_MARGIN": "0s"}) as started:
        topic = f"{started.stack.run.arm}/topics/news/api/events"
        await started.restart({"EVENTGRID_TOPIC_ENDPOINT": topic})
        yield started
        news = [each["event"] for each in await started.events() if each["topic"] == "news"]
        assert [flaw for each in news if each["source"] == SOURCE for flaw in flaws(each)] == []


@dataclass(frozen=True)
class Azure:
    """What the simulated Azure recorded."""

    state: Json

    @property
    def ids(self) -> dict[str, str]:
        """The items' ARM ids by their names."""
        return {item["vm"]: item["id"] for item in self.state["items"]}

    def retries(self, arm_id: str) -> list[Json]:
        """The on-demand backups of an item."""
        jobs: list[Json] = self.state["jobs"]
        return [job for job in jobs if job["user_triggered"] and job["item"] == arm_id]

    def news(self, arm_id: str) -> list[str]:
        """Which events the app published about an item, in the order of their first appearance.

        One that is published twice counts once: it keeps its id, by which a receiver drops the second.
        """
        events = [each["event"] for each in self.state["events"] if each["topic"] == "news"]
        about = {
            each["id"]: each["type"] for each in events if each.get("subject", "").lower() == arm_id.lower()
        }
        return list(about.values())


async def seen(app: App) -> Azure:
    """The simulated Azure as it is now."""
    return Azure(await app.azure())


async def closed(app: App, arm_id: str) -> Incident:
    """An item's incident, followed up until it is closed."""

    async def look() -> Incident | None:
        await app.follow_up()
        found = await app.remembered(arm_id)
        return found if found and not found.is_open else None

    return await app.until(look)


def item_files(kind: str, act: str) -> list[Json]:
    return [each.item_file(f"{each.id}-{act}") for each in WORKLOADS if each.vault == kind]
