"""What the scenarios share: the app on the whole simulated stack, one for a module."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.running_app import App, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The real function app under the Functions host, with Azurite and a simulated Azure."""
    async with running(tmp_path_factory.mktemp("stack")) as started:
        yield started
