"""What a deployment makes in Blob Storage before anything runs."""

import ssl

import aiohttp

from simulator.stack.run_info import RunInfo

_STORAGE = "https://storage.azure.com"


async def make_container(url: str, run: RunInfo) -> None:
    """Make a container, with a token of the app's identity."""
    trust = ssl.create_default_context(cafile=run.ca_file)
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        params = {"resource": _STORAGE, "api-version": "2019-08-01"}
        headers = {"X-IDENTITY-HEADER": run.identity_header}
        async with session.get(run.identity_endpoint, params=params, headers=headers) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2021-12-02"}
        async with session.put(f"{url}?restype=container", headers=headers, ssl=trust):
            pass
