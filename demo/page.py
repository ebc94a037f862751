"""The status page of a running app as one file, with the pages of its incidents in it."""

import asyncio
import json
import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any

import aiohttp

from simulator.stack.run_info import RunInfo

#: how long Resource Graph may take for what the page shows
_PATIENCE_SECONDS, _POLL_SECONDS = 30.0, 0.25
#: what only the running app can do: filter, turn pages, show the same as JSON
_LEFT_OUT = {("nav", "filters"), ("nav", "pages"), ("p", "quiet id")}
_NAMED = re.compile(r'href="incidents/([0-9a-f-]{36})[?"]')
_INCIDENT = re.compile(r"(?:incidents/)?([0-9a-f-]{36})(?:\?|$)")
_DOCUMENTATION = "https://learn.microsoft.com/"
_EMPTY = frozenset({"br", "hr", "img", "input", "link", "meta", "rect"})
_MAIN = re.compile(r"<main[^>]*>(.*)</main>", re.DOTALL)
#: one story at a time takes the page's place, and no script is needed for that
_STYLE = (
    ".incident{display:none}.incident:target{display:block}"
    "body:has(.incident:target) #main{display:none}</style>"
)


async def saved(run: RunInfo, note: str) -> str:
    """The status page with the incidents that it links to."""
    async with aiohttp.ClientSession(f"{run.host}/api/") as app:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                if (await _document(app, run))["estate_read_at"]:
                    break
                await asyncio.sleep(_POLL_SECONDS)
        page = await _read(app, run, "status")
        read = {
            each: await _read(app, run, f"incidents/{each}") for each in sorted(set(_NAMED.findall(page)))
        }
    return self_contained(page, {name: found for name, found in read.items() if found}, note)


async def _document(app: aiohttp.ClientSession, run: RunInfo) -> dict[str, Any]:
    return dict(json.loads(await _read(app, run, "status.json")))


async def _read(app: aiohttp.ClientSession, run: RunInfo, path: str) -> str:
    """What the app answers; "" where it does not know of it."""
    async with app.get(path, params={"code": run.function_key, "refresh": "off"}) as response:
        if response.status == HTTPStatus.NOT_FOUND:
            return ""
        response.raise_for_status()
        return await response.text()


def self_contained(page: str, incidents: Mapping[str, str], note: str) -> str:
    """A page that needs no server: links to incidents lead to their pages below, others than to documents are gone."""
    stories = "".join(_story(name, each, incidents) for name, each in incidents.items())
    page = _copied(page, incidents).replace("</style>", _STYLE, 1)
    page = page.replace('<main id="main">', f'<main id="main"><p class="note">{escape(note)}</p>', 1)
    return page.replace("</main>", f"</main>{stories}", 1)


def _story(name: str, page: str, incidents: Mapping[str, str]) -> str:
    found = _MAIN.search(page)
    content = _copied(found[1] if found else "", incidents, without_ids=True)
    return f'<article class="incident" id="{name}"><p><a href="#main">All items</a></p>{content}</article>'


def _copied(page: str, incidents: Mapping[str, str], *, without_ids: bool = False) -> str:
    copy = _Copy(incidents, without_ids=without_ids)
    copy.feed(page)
    copy.close()
    return "".join(copy.parts)


class _Copy(HTMLParser):
    """Copies a page tag by tag, except for what needs the app."""

    def __init__(self, incidents: Mapping[str, str], *, without_ids: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._incidents = incidents
        self._without = {"id", "aria-labelledby"} if without_ids else set()
        #: how many elements deep in one that is left out
        self._skipped = 0
        self._link_is_kept = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs if name not in self._without}
        if self._skipped or (tag, given.get("class", "")) in _LEFT_OUT:
            self._skipped += tag not in _EMPTY
            return
        if tag == "a":
            given["href"] = self._led(given.get("href", ""))
            self._link_is_kept = bool(given["href"])
            if not self._link_is_kept:
                return
        shown = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
        self.parts.append(f"<{tag}{shown}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._skipped:
            shown = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs)
            self.parts.append(f"<{tag}{shown}/>")

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif tag != "a" or self._link_is_kept:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._append(data)

    def handle_entityref(self, name: str) -> None:
        self._append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._append(f"<!{decl}>")

    def _append(self, text: str) -> None:
        if not self._skipped:
            self.parts.append(text)

    def _led(self, href: str) -> str:
        """Where a link leads in the file; "": nowhere."""
        incident = _INCIDENT.match(href)
        if incident and incident[1] in self._incidents:
            return f"#{incident[1]}"
        return href if href.startswith(("#", _DOCUMENTATION)) else ""
