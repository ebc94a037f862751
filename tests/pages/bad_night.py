"""A small bad night on a simulated Azure, and the app that shows it."""

import ssl

import aiohttp
from playwright.async_api import Page

from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from tests.running_app import App, Json


class Night:
    """The app after the night, and what it remembers."""

    def __init__(self, app: App, ledger: TableLedger, inbox: TableInbox) -> None:
        self.app, self.ledger, self.inbox = app, ledger, inbox

    def url(self, path: str = "status", **filters: str) -> str:
        """An address of the app with its key."""
        more = "".join(f"&{name}={value}" for name, value in filters.items())
        return f"{self.app.stack.run.host}/api/{path}?code={self.app.stack.run.function_key}{more}"

    def trust(self) -> ssl.SSLContext:
        """What to trust the stack's table service by."""
        return ssl.create_default_context(cafile=self.app.stack.run.ca_file)

    async def document(self, path: str) -> Json:
        """What the app says in JSON."""
        async with aiohttp.ClientSession() as http, http.get(self.url(path)) as response:
            assert response.status == 200
            document: Json = await response.json()
            return document


async def names(page: Page, selector: str) -> list[str]:
    """The texts of what a selector finds."""
    return [text.strip() for text in await page.locator(selector).all_inner_texts()]
