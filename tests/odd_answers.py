"""Answers that Azure Resource Manager should not give, and an app that gets one beside a vault that is well."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.cases.case import Json, read_case
from tests.cases.player import trusted
from tests.cases.product import Product, running
from tests.cases.resource_manager import Call, Reply
from tests.cases.server import Azure, serving
from tests.clock import Clock

FILES = Path(__file__).parent / "cases" / "files"
#: by the kind of vault, a failure with all that Azure tells of it, and its vault's name
KINDS: Mapping[str, tuple[str, str]] = {
    "rsv": ("plain_failure", "rsv-weu"),
    "dpp": ("disk_backed_up_by_hand", "bv-weu"),
}
#: "jobs": a job as well as the list of them
CALLS = ("job", "jobs", "list", "item", "operation")
HTML = "<html><body>Our services aren't available right now</body></html>"
JSON = {"Content-Type": "application/json"}
Change = Callable[[Json], None]


@dataclass(frozen=True, kw_only=True)
class Odd:
    """One answer, and what is odd about it."""

    what: str
    status: int = 200
    #: a text is sent as it stands; None: no body
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    #: instead: what becomes of the resource that would be the right answer, or of the first one in its list
    change: Change | None = None
    #: instead: what becomes of the text that would be the right answer
    cut: Callable[[str], str] | None = None
    #: it is about jobs, and nothing that is read of an item or an operation
    of_jobs: bool = False

    def __str__(self) -> str:
        """As the name of a test."""
        return self.what

    def instead_of(self, right: Reply) -> Reply:
        """The answer in the place of the right one."""
        if self.cut is not None:
            return Reply(body=self.cut(json.dumps(right.body)), headers=JSON)
        if self.change is None:
            return Reply(body=self.body, status=self.status, headers=self.headers)
        body = deepcopy(right.body)
        self.change(body["value"][0] if "value" in body else body)
        return Reply(body=body)


def refused(what: str, status: int, code: str) -> Odd:
    """A no in Azure Resource Manager's own form."""
    return Odd(what=what, status=status, body={"error": {"code": code, "message": code}})


def beside(row: Json) -> Odd:
    """One more row in a list."""
    return Odd(what="a row", cut=lambda text: json.dumps({"value": [*json.loads(text)["value"], row]}))


def _numbers(resource: Json) -> None:
    resource |= {"id": 5, "name": 6, "properties": "none", "status": 7}


def says(**properties: object) -> Change:
    """Other properties than the right ones."""

    def change(resource: Json) -> None:
        resource["properties"] |= properties

    return change


#: of which nothing is understood, or not all
NONSENSE: Sequence[Odd] = (
    Odd(what="a page for people", body=HTML, headers={"Content-Type": "text/html"}),
    Odd(what="a page for people that calls itself JSON", body=HTML),
    Odd(what="empty"),
    Odd(what="cut", cut=lambda text: text[:60]),
    Odd(what="not the end", cut=lambda text: text[:-1]),
    Odd(what="null", body="null"),
    Odd(what="a list", body=[]),
    Odd(what="an empty object", body={}),
    Odd(what="a number", body=5),
    Odd(what="a text", body='"none"'),
    Odd(what="null for a list", body={"value": None}),
    Odd(what="an object for a list", body={"value": {}}),
    Odd(what="a text for a list", body={"value": "none"}),
    Odd(what="nested without end", body='{"value": ' + "[" * 100_000),
    Odd(
        what="not what it is packed as",
        body="{}",
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ),
    Odd(what="numbers for names", change=_numbers),
    Odd(what="null for properties", change=lambda resource: resource.update(properties=None)),
    Odd(what="a time that is none", change=says(startTime="31/12/2026 25:00"), of_jobs=True),
    Odd(what="a time after time", change=says(endTime="9999-12-31T23:59:59-14:00"), of_jobs=True),
    Odd(what="no beginning", change=says(startTime=None), of_jobs=True),
    Odd(what="a number for a status", change=says(status=7), of_jobs=True),
    Odd(what="a text for an error", change=says(errorDetails=["broken"]), of_jobs=True),
    Odd(what="nothing", status=204),
    Odd(what="elsewhere", status=302, headers={"Location": "https://elsewhere.test/"}),
    Odd(what="a proxy's no", status=403, body=HTML, headers={"Content-Type": "text/html"}),
)
#: which say what they mean
REFUSALS: Sequence[Odd] = (
    Odd(what="404 for people", status=404, body=HTML, headers={"Content-Type": "text/html"}),
    refused("404 ResourceNotFound", 404, "ResourceNotFound"),
    refused("404 SubscriptionNotFound", 404, "SubscriptionNotFound"),
    refused("403", 403, "AuthorizationFailed"),
    refused("400", 400, "BadRequest"),
    refused("401", 401, "ExpiredAuthenticationToken"),
    refused("409", 409, "Conflict"),
    Odd(what="429", status=429, body={"error": {"code": "429"}}, headers={**JSON, "Retry-After": "0.5"}),
    Odd(what="503 for people", status=503, body=HTML, headers={"Content-Type": "text/html"}),
    Odd(what="500 of nothing", status=500, body={"error": None}),
)
#: of a list only: pages
PAGES: Sequence[Odd] = (
    Odd(what="the same page again", body={"value": [], "nextLink": "{url}{path}?again=1"}),
    Odd(what="the next page elsewhere", body={"value": [], "nextLink": "https://elsewhere.test/{path}"}),
    Odd(what="a number for the next page", body={"value": [], "nextLink": 2}),
    Odd(what="null among the rows", change=lambda resource: resource.clear()),
)


def is_about(call: str, asked: Call, vault: str) -> bool:
    """True where one of a vault's resources, or an operation, is asked for by that kind of call."""
    path = asked.path.lower()
    if asked.method != "GET" or (call != "operation" and f"/{vault}/" not in path):
        return False
    return {
        "job": "/backupjobs/" in path,
        "jobs": "/backupjobs" in path,
        "list": path.endswith("/backupjobs"),
        "item": "/protecteditems/" in path or "/backupinstances/" in path,
        "operation": path.startswith("/operations/"),
    }[call]


@dataclass
class Pair:
    """The app, with a vault that answers oddly and one of the same kind that is well."""

    product: Product
    azure: Azure
    sick: str
    well: str
    #: the alert of the failure in each vault
    alerts: Mapping[str, Any]

    def answer(self, odd: Odd | None, call: str) -> None:
        """Azure answers this from now on to that call; None: as it should."""
        manager = self.azure.manager
        right = type(manager).answer

        def answer(asked: Call) -> Reply:
            reply = right(manager, asked)
            if odd is None or not is_about(call, asked, self.sick):
                return reply
            told = odd.instead_of(reply)
            if isinstance(told.body, dict) and isinstance(link := told.body.get("nextLink"), str):
                link = link.format(url=manager.url, path=asked.path)
                return Reply(body={**told.body, "nextLink": link}, status=told.status, headers=told.headers)
            return told

        manager.answer = answer  # type: ignore[method-assign, assignment]

    async def alert(self, vault: str) -> int:
        """The webhook's status for the alert of that vault's failure."""
        return (await self.product.alert(self.alerts[vault]))[0]

    async def later(self, **time: float) -> None:
        """So much later the timers fire."""
        self.product.clock.time += timedelta(**time)
        await self.product.timer("follow_up")

    async def beat(self) -> object:
        """When the follow-up last ran to its end."""
        return await self.product.ledger.last_beat("follow_up")

    def started(self, vault: str) -> int:
        """How many backups were asked for in that vault."""
        return sum(f"/{vault}/" in str(post["path"]).lower() for post in self.azure.posts)

    def reasons(self, vault: str) -> set[str]:
        """Why the incidents of that vault, open or closed, are as they are."""
        latest = self.product.ledger.latest.values()
        return {each.reason.value for each in latest if each.item.vault.name == vault}

    def details(self, vault: str) -> str:
        """What the incidents of that vault's items say."""
        latest = self.product.ledger.latest.values()
        return " ".join(each.detail for each in latest if each.item.vault.name == vault)

    def closed(self, vault: str) -> list[str]:
        """How the incidents of that vault's items have ended."""
        latest = self.product.ledger.latest.values()
        own = [each for each in latest if each.item.vault.name == vault and not each.item.is_vault]
        return [str(each.outcome) for each in own if not each.is_open]

    def problems(self, event: str) -> list[str]:
        """What the app's log says in its events of that name."""
        log = self.product.app_log.events
        return [str(each.get("problem", "")) for each in log if each["event"] == event]


@asynccontextmanager
async def pair(kind: str, directory: Path) -> AsyncIterator[Pair]:
    """The app and both vaults, as long as the block runs."""
    file, sick = KINDS[kind]
    well = sick.replace("weu", "neu")
    told = json.loads((FILES / f"{file}.json").read_text(encoding="utf-8"))
    other = json.loads(json.dumps(told).replace(sick, well))
    parts = {key: [*told[kind][key], *other[kind][key]] for key in ("jobs", "items")}
    both = {"now": told["now"], "alerts": [], kind: {**parts, "policies": told[kind]["policies"]}}
    path = directory / "case.json"
    path.write_text(json.dumps({**both, "rows": []}), encoding="utf-8")
    case = read_case(path)
    clock = Clock()
    clock.time = case.now
    alerts = {sick: told["alerts"][0], well: other["alerts"][0]}
    async with (
        serving(case, clock, trusted()) as azure,
        running(azure, clock, trusted(), {}) as product,
    ):
        yield Pair(product, azure, sick, well, alerts)
