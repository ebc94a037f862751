"""An event that met a door still shut: Event Grid gives it up at once, and the app finds it among the dead letters."""

import re
import ssl
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from backup_retry.domain.decisions import Outcome
from tests.running_app import App, running
from tests.vm_estate import item_id, vault_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

_TOPIC = "grid"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app with a container for dead letters."""
    async with running(tmp_path_factory.mktemp("stack"), dead_letters=True) as started:
        yield started


async def announce(app: App, job: str) -> str:
    """Publish a failed job; the event's id."""
    event = {
        "id": str(uuid4()),
        "subject": "tests",
        "eventType": "BackupRetry.FailureFound",
        "dataVersion": "1.0",
    }
    data = {"jobId": f"{vault_id()}/backupJobs/{job}"}
    await app.publish(_TOPIC, {**event, "eventTime": "2026-11-22T14:00:00Z", "data": data})
    return event["id"]


async def blobs(app: App) -> list[str]:
    """The names of the blobs in the container."""
    headers = {
        "Authorization": f"Bearer {await app.token('https://storage.azure.com')}",
        "x-ms-version": "2021-12-02",
    }
    trust = ssl.create_default_context(cafile=app.stack.run.ca_file)
    url = f"{app.stack.dead_letters}?restype=container&comp=list"
    async with app.http.get(url, headers=headers, ssl=trust) as response:
        return re.findall(r"<Name>([^<]+)</Name>", await response.text())


async def test_an_event_that_met_a_host_without_its_keys_is_retried_from_the_dead_letters(app: App) -> None:
    """401 is never repeated: without the container nobody would know of it before the next look back."""
    first = await announce(app, await app.fail("vm-01"))
    assert (await app.delivered(first))[-1] == 202
    await app.stack.restart_host(eventgrid_key_delay=60)
    await app.ready()
    await announce(app, await app.fail("vm-02"))

    async def dead() -> list[str] | None:
        return await blobs(app) or None

    [name] = await app.until(dead)
    assert re.fullmatch(r"grid/GRID/\d{4}/\d{1,2}/\d{1,2}/\d{1,2}/[0-9a-f-]{36}\.json", name)
    assert await app.posts("vm-02") == []

    began = time.monotonic()
    await app.process_deferred()
    await app.until(lambda: app.remembered(item_id("vm-02")))
    assert time.monotonic() - began < 15
    assert (await app.closed("vm-02")).outcome is Outcome.RECOVERED
    assert (await blobs(app), len(await app.posts("vm-02"))) == ([], 1)
    [line] = app.lines("dead_letter_handled")
    assert (line["blob"], line["signals"], line["attempts"], line["last"]) == (name, 1, 1, "Unauthorized")
