"""The status page where App Service signs people in instead of asking for the function key."""

from pathlib import Path

import aiohttp
import pytest

from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from simulator.stack import Stack
from tests.running_app import SETTINGS
from tests.vm_estate import estate


@pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make")
async def test_who_is_signed_in_sees_the_page_and_nobody_else(tmp_path: Path) -> None:
    """A person without a session is sent to sign in and back, a program is refused; no key is asked for."""
    stack = Stack({**SETTINGS, "WEBSITE_AUTH_ENABLED": "True"}, estate(vms=1), directory=tmp_path)
    async with stack, aiohttp.ClientSession(stack.run.host) as http:
        async with http.get("/api/status?vault=v&q=a", allow_redirects=False) as response:
            assert response.status == 302
            login = "/.auth/login/aad?post_login_redirect_uri="
            assert response.headers["Location"] == f"{login}%2Fapi%2Fstatus%3Fvault%3Dv%26q%3Da"
        async with http.get("/api/status.json") as response:
            assert response.status == 401
        signed_in = {"X-MS-CLIENT-PRINCIPAL-ID": "ada"}
        for path in ("/api/status", "/api/status.json"):
            async with http.get(path, headers=signed_in) as response:
                assert response.status == 200, await response.text()
        async with http.post("/api/alerts", json={}, headers=signed_in) as response:
            assert response.status == 401
