"""What the page tells of the app on the whole stack: a dry run, a topic that refuses, a permission that is lost."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.running_app import App, Json, running

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]

NEEDS_PERSON = "UserErrorVmProvisioningStateFailed"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app in a dry run; the second test lets retries go."""
    async with running(tmp_path_factory.mktemp("stack"), {"DRY_RUN": "true"}) as started:
        yield started


async def page(app: App) -> str:
    """The status page as it is by now."""
    async with app.http.get(f"{app.stack.run.host}/api/status?code={app.stack.run.function_key}") as answer:
        assert answer.status == 200
        return await answer.text()


async def document(app: App) -> Json:
    """The same as JSON."""
    found: Json = await app._json(
        "GET", f"{app.stack.run.host}/api/status.json?code={app.stack.run.function_key}"
    )
    return found


async def ends(app: App, machine: str, error: str = "CloudInternalError") -> None:
    """Its backup fails, the alert arrives, and its incident ends; a busy machine may put the alert off."""
    await app.failed_and_alerted(machine, error)
    if await app.waiting():
        await app.process_deferred()
    await app.closed(machine)


async def counts(app: App, **expected: int) -> Json:
    """The document, as soon as its counts are these."""

    async def look() -> Json | None:
        found = await document(app)
        return found if {name: found["counts"][name] for name in expected} == expected else None

    return await app.until(look)


async def test_a_dry_run_is_said_and_what_it_held_back_is_counted(app: App) -> None:
    """Nobody reads that retries are on."""
    await ends(app, "vm-03")
    found = await counts(app, would_have_been_retried=1, left_alone=0)
    assert found["app"]["dry_run"] is True
    shown = await page(app)
    assert "Dry run: no backup is started." in shown
    assert "Retries are on" not in shown
    assert await app.posts("vm-03") == []


async def test_a_topic_that_refuses_keeps_no_incident_open(app: App) -> None:
    """Its answer is shown with how many notices wait; the incident and every count are as if it had taken them."""
    topic = f"{app.stack.run.arm}/topics/deleted-by-somebody/api/events"
    await app.restart({"DRY_RUN": "false", "EVENTGRID_TOPIC_ENDPOINT": topic})
    await ends(app, "vm-01", NEEDS_PERSON)
    await app.follow_up()
    found = await counts(app, need_a_person=1, being_looked_after=0)
    unsent = found["unsent_notices"]
    assert (unsent["number"], unsent["answer"].partition(":")[0]) == (1, "Event Grid topic")
    assert found["headline"]["text"].endswith("your attention.")
    assert (await app.health())["open_incidents"] == 0
    assert "1 notice could not be sent" in await page(app)


async def test_a_lost_permission_is_said_by_vault(app: App) -> None:
    """With the role to assign; no item is called in progress without its vault being named."""
    await app.arm({"name": "forbid", "match": "backupJobs"})
    await app.failed_and_alerted("vm-02")
    found = await counts(app, vaults_without_access=1)
    assert any(
        each["trouble"] == "needs_person" and each["item"].endswith("/vault-1") for each in found["items"]
    )
    shown = await page(app)
    assert "Access lost" in shown
    assert "Azure denies access to this app&#39;s identity" in shown
    await app.arm()
