"""The real app behind App Service authentication: each address under the headers that reach it."""

from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from simulator.stack import Stack
from tests.app_service import PAGE, WEBHOOK, application, named, person, reaches
from tests.running_app import SETTINGS
from tests.vm_estate import estate

PAGES = ("/api/status", "/api/status.json", "/api/incidents/x", "/api/incidents/x.json")
BOTH = {"SIGN_IN_CLIENT_ID": PAGE, "SECURE_WEBHOOK_CLIENT_ID": WEBHOOK}
READER = named(person(roles=["BackupRetry.Reader"]))
MONITOR = named(application("ActionGroupsSecureWebhook"))
STRANGER = named(person())


async def answered(
    stack: Stack,
    session: Mapping[str, str] | None = None,
    *,
    forged: Mapping[str, str] | None = None,
    key: str = "",
) -> tuple[list[int], int]:
    """How the four pages, and the webhook that is sent an alert of nothing, answer a caller."""
    headers = reaches({**(forged or {}), **({"x-functions-key": key} if key else {})}, session, on=True)
    statuses = []
    async with aiohttp.ClientSession(stack.run.host, headers=headers) as http:
        for path in PAGES:
            async with http.get(path, allow_redirects=False) as response:
                statuses.append(response.status)
        async with http.post("/api/alerts", json={}) as response:
            return statuses, response.status


@pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make")
async def test_people_and_azure_monitor_come_in_each_by_its_own_way(tmp_path: Path) -> None:
    """Each way opens to whom it is for; a key opens the webhook only together with Azure Monitor's sign-in."""
    settings = {**SETTINGS, **BOTH, "WEBSITE_AUTH_ENABLED": "True"}
    seen, missing = [200, 200, 404, 404], [302, 401, 302, 401]
    async with Stack(settings, estate(vms=1), directory=tmp_path) as stack:
        key = stack.run.function_key
        assert await answered(stack) == (missing, 401)
        assert await answered(stack, forged=READER, key=key) == (missing, 401)
        assert await answered(stack, READER) == (seen, 401)
        assert await answered(stack, READER, key=key) == (seen, 401)
        assert await answered(stack, STRANGER, key=key) == ([403] * 4, 401)
        assert await answered(stack, MONITOR) == ([403] * 4, 401)
        assert await answered(stack, MONITOR, key=key) == ([403] * 4, 400)
