"""A simulated Azure Monitor and Event Grid whose waits take no time."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp.test_utils import make_mocked_request

from simulator.arm import errors as arm_errors
from simulator.arm.refusals import Refusal
from simulator.estate.estate_file import EstateFile
from simulator.estate.faults import Faults
from simulator.estate.inventory import Job
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.estate.state import Azure
from simulator.event_grid.topics import EventGrid
from simulator.machine.outgoing_calls import Courier
from simulator.monitor.alerting import Monitor
from tests.webhook import Received, RecordedSleep, Subscriber, Webhook

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
START = datetime(2026, 3, 13, 2, 0, tzinfo=UTC)
BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
ESTATE: Mapping[str, Any] = {
    "subscriptions": [{"id": SUBSCRIPTION}],
    "vaults": [
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "vault-1",
            "items": [{"vm": "vm-01"}, {"workload": "MAB", "name": "files", "server": "SRV1"}],
        },
        {
            "kind": "backup",
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "bv-1",
            "items": [
                {"workload": BLOBS, "name": "stlogs"},
                {"workload": "Microsoft.Compute/disks", "name": "disk-1"},
            ],
        },
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "quiet",
            "alerts_for_all_job_failures": False,
            "items": [{"vm": "vm-quiet"}],
        },
    ],
}


class Scene:
    """A monitor and an Event Grid whose waits take no time, and an estate to fail in."""

    def __init__(self, *notices: str, **groups: Any) -> None:
        self.azure = Azure(EstateFile.read(ESTATE).build(START))
        self.monitor = Monitor(Faults(), lambda: START, Courier(time_out=5, sleep=RecordedSleep()))
        self.event_grid = EventGrid(lambda: START, Courier(time_out=5, sleep=RecordedSleep()))
        self.monitor.configure(groups.get("action_groups"), alert_delay=0, notices=notices)
        self.event_grid.configure(groups.get("event_subscriptions"), notices=notices)

    def job(self, item: str, title: str = "CloudInternalError", operation: str = "Backup") -> Job:
        """A job of the item that has failed."""
        found = self.azure.find_item(item)
        assert found is not None
        outcome = Outcome(status=JobStatus.FAILED, seconds=0, error=error_titled(title))
        return self.azure.run_job(found, outcome, now=START, operation=operation)

    def refusal(self, item: str, error: arm_errors.ArmError | None = None) -> Refusal:
        """The refusal of an on-demand backup of the item."""
        found = self.azure.find_item(item)
        assert found is not None
        refusal = refused(f"{found.id}/backup", error or arm_errors.invalid_input("all"))
        assert refusal is not None
        return refusal

    async def notices_of(self, *causes: Job | Refusal) -> list[Received]:
        """What a webhook and an event subscriber hear of the failures."""
        async with Webhook() as webhook, Subscriber() as subscriber:
            self.monitor.set_default_webhook(webhook.url)
            self.event_grid.set_default_endpoint(subscriber.url)
            for cause in causes:
                if isinstance(cause, Job):
                    self.monitor.job_failed(cause)
                else:
                    self.monitor.backup_refused(cause)
                    self.event_grid.backup_refused(cause)
            await self.monitor.idle()
            await self.event_grid.idle()
            return webhook.received + subscriber.notifications


def refused(path: str, error: arm_errors.ArmError, method: str = "POST") -> Refusal | None:
    """What a request that is answered with the error is a refusal of."""
    request = make_mocked_request(
        method, f"{path}?api-version=1", {"x-ms-client-request-id": "attempt", "Host": "localhost"}
    )
    return Refusal.of(error, request, "correlation", START)


@asynccontextmanager
async def scene(*notices: str, **groups: Any) -> AsyncIterator[Scene]:
    """A scene with these notices switched on."""
    each = Scene(*notices, **groups)
    try:
        yield each
    finally:
        await each.monitor.close()
        await each.event_grid.close()
