"""A small function app under the host, called as Azure's callers would."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from simulator.machine.processes import ChildProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPOSITORY = Path(__file__).parents[3]
TINY_APP = REPOSITORY / "tests" / "apps" / "tiny"
FUNCTION_KEY = {"x-functions-key": "function-key"}
MASTER_KEY = {"x-functions-key": "master-key"}
EVENT_GRID = "/runtime/webhooks/EventGrid?code=eventgrid-key&functionName="
NOTIFICATION = {"aeg-event-type": "Notification"}
JSON_TYPE = {"Content-Type": "application/json"}
TIMEOUT_SECONDS = 60.0


def command(app: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "simulator.functions_host", str(app), "--port", "0", *options]


def environment(**settings: str) -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONPATH": str(REPOSITORY), **settings}


async def start_tiny_app(directory: Path, **settings: str) -> tuple[ChildProcess, str]:
    keys = (
        "--function-key",
        "function-key",
        "--master-key",
        "master-key",
        "--eventgrid-key",
        "eventgrid-key",
    )
    host = await ChildProcess.start(
        "the Functions host",
        command(TINY_APP, *keys, "--log-file", str(directory / "app.log")),
        log_file=directory / "host.log",
        environment=environment(**settings),
    )
    ready = await host.logged(r"ready (http://\S+)", within=TIMEOUT_SECONDS)
    return host, ready[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    host, url = await start_tiny_app(
        tmp_path_factory.mktemp("host"),
        SWEEP_SCHEDULE="0 0 5 1 1 *",
        **{"AzureWebJobs.on_cloud_event.Disabled": "0"},
    )
    yield url
    await host.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(url) as session:
        yield session


async def seen(session: aiohttp.ClientSession, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What a function of the app recorded, as soon as it has."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            async with session.get("/api/seen") as response:
                found: dict[str, Any] | None = next(filter(matches, await response.json()), None)
            if found is not None:
                return found
            await asyncio.sleep(0.02)


async def status(session: aiohttp.ClientSession, method: str, path: str, **options: Any) -> int:
    async with session.request(method, path, **options) as response:
        return response.status


async def test_a_function_sees_the_request(session: aiohttp.ClientSession) -> None:
    """Route and query values, headers and body arrive; status, type and cookie come back."""
    async with session.post(
        "/api/echo/vault%201/7?a=1&a=2&empty=", data=b"{}", headers={**FUNCTION_KEY, "X-Test": "yes"}
    ) as response:
        assert response.status == 202
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Set-Cookie"] == "a=1; Path=/; SameSite=Lax"
        content = await response.json()
    assert content.pop("url").endswith("/api/echo/vault%201/7?a=1&a=2&empty=")
    assert content == {
        "method": "POST",
        "route": {"name": "vault 1", "number": "7"},
        "query": {"a": "1,2"},
        "header": "yes",
        "body": "{}",
    }


async def test_a_slash_that_is_encoded_stays_so_in_a_route(session: aiohttp.ClientSession) -> None:
    """It belongs to the name."""
    path = URL("/api/echo/a%2Fb%3Bc/7", encoded=True)
    async with session.get(path, headers=FUNCTION_KEY) as response:
        assert (await response.json())["route"]["name"] == "a%2Fb;c"


async def test_a_literal_route_wins_and_a_string_is_an_answer(session: aiohttp.ClientSession) -> None:
    """`echo/special` is not taken for `echo/{name}`."""
    async with session.get("/api/echo/special") as response:
        assert (response.status, await response.text()) == (200, "hello")


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("/api/echo/v", None, 401),
        ("/api/echo/v", "wrong", 401),
        ("/api/echo/v", "eventgrid-key", 401),
        ("/api/echo/v", "function-key", 202),
        ("/api/echo/v", "master-key", 202),
        ("/api/admin-only", "function-key", 401),
        ("/api/admin-only", "master-key", 200),
        ("/api/seen", None, 200),
    ],
)
async def test_a_key_opens_what_its_level_allows(
    session: aiohttp.ClientSession, path: str, key: str | None, expected: int
) -> None:
    """In the query or in the header."""
    assert await status(session, "GET", path, params={"code": key} if key else {}) == expected
    assert await status(session, "GET", path, headers={"x-functions-key": key} if key else {}) == expected


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/nothing"), ("DELETE", "/api/echo/v"), ("GET", "/api/echo/v/seven")]
)
async def test_a_route_that_does_not_match_is_not_found(
    session: aiohttp.ClientSession, method: str, path: str
) -> None:
    """A wrong method as well, as on Azure."""
    assert await status(session, method, path, headers=FUNCTION_KEY) == 404


async def test_a_function_that_raises_is_a_server_error(session: aiohttp.ClientSession) -> None:
    """Its error is in the log, not in the answer."""
    async with session.get("/api/crash") as response:
        assert (response.status, await response.text()) == (500, "")


async def test_requests_run_concurrently(session: aiohttp.ClientSession) -> None:
    """One that waits does not keep another from being served."""
    waiting = asyncio.create_task(status(session, "GET", "/api/doors/a", headers=FUNCTION_KEY))
    assert await status(session, "POST", "/api/doors/a", headers=FUNCTION_KEY) == 204
    assert await waiting == 200


async def test_event_grid_validates_its_subscription(session: aiohttp.ClientSession) -> None:
    """The Event Grid schema's handshake is answered with the code."""
    event = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "abc"},
    }
    async with session.post(
        EVENT_GRID + "on_event", json=[event], headers={"aeg-event-type": "SubscriptionValidation"}
    ) as response:
        assert (response.status, response.content_type) == (200, "text/plain")
        assert json.loads(await response.text()) == {"validationResponse": "abc"}


async def test_cloud_events_validates_its_subscription(session: aiohttp.ClientSession) -> None:
    """The CloudEvents handshake is answered with the origin."""
    async with session.options(
        EVENT_GRID + "on_event", headers={"WebHook-Request-Origin": "eventgrid.azure.net"}
    ) as response:
        assert response.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


async def test_each_event_of_a_delivery_calls_the_function(session: aiohttp.ClientSession) -> None:
    """An array of Event Grid events, in one request."""
    events = [_event("e1", {}), _event("e2", {"job": 1})]
    path = EVENT_GRID + "on_event"
    assert await status(session, "POST", path, json=events, headers=NOTIFICATION) == 202
    assert (await seen(session, lambda each: each.get("id") == "e2"))["data"] == {"job": 1}


async def test_a_cloud_event_calls_the_function(session: aiohttp.ClientSession) -> None:
    """A single object."""
    event = {"specversion": "1.0", "id": "c1", "source": "/v", "type": "t", "data": {"job": 1}}
    path = EVENT_GRID + "on_cloud_event"
    assert await status(session, "POST", path, json=event, headers=NOTIFICATION) == 202
    assert (await seen(session, lambda each: each.get("id") == "c1"))["function"] == "on_cloud_event"


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/runtime/webhooks/EventGrid?functionName=on_event", NOTIFICATION, 401),
        ("/runtime/webhooks/EventGrid?functionName=on_event&code=function-key", NOTIFICATION, 403),
        ("/runtime/webhooks/eventGRID?functionName=on_event&code=master-key", {}, 400),
        (EVENT_GRID + "nothing", NOTIFICATION, 404),
        (EVENT_GRID + "ON_EVENT", NOTIFICATION, 404),
        (EVENT_GRID + "sweep", NOTIFICATION, 404),
        (EVENT_GRID + "on_event", {}, 400),
        (EVENT_GRID + "on_event", NOTIFICATION, 500),
    ],
)
async def test_a_delivery_that_fails(
    session: aiohttp.ClientSession, path: str, headers: dict[str, str], expected: int
) -> None:
    """Without the system key, to a function that is none of Event Grid's, without a type, or to one that raises."""
    events = [_event("e3", {"fail": True})]
    assert await status(session, "POST", path, json=events, headers=headers) == expected


VALIDATION = {"aeg-event-type": "SubscriptionValidation"}
UNSUBSCRIBE = {"aeg-event-type": "Unsubscribe"}


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        *((NOTIFICATION, body, 500) for body in ("", "{", '"text"', "7")),
        *((VALIDATION, body, 500) for body in ("", "{}", "[]", "[{}]")),
        (NOTIFICATION, "[]", 202),
        (NOTIFICATION, "{}", 202),
        (UNSUBSCRIBE, "", 202),
        ({"aeg-event-type": "Other"}, "[]", 400),
    ],
)
async def test_a_body_that_is_no_event_is_a_server_error(
    session: aiohttp.ClientSession, headers: dict[str, str], body: str, expected: int
) -> None:
    """Which is repeated; an object without fields is an event without fields, and nothing is said of either."""
    async with session.post(EVENT_GRID + "on_event", data=body, headers=headers) as response:
        assert (response.status, await response.text()) == (expected, "")


def _event(identity: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": identity,
        "subject": "jobs/1",
        "eventType": "BackupRetry.Job",
        "eventTime": "2026-03-13T02:00:00.1234567Z",
        "dataVersion": "1",
        "data": data,
    }


async def test_a_timer_can_be_fired_by_hand(session: aiohttp.ClientSession) -> None:
    """The admin endpoint answers at once."""
    assert await status(session, "POST", "/admin/functions/sweep", json={}, headers=MASTER_KEY) == 202
    assert (await seen(session, lambda each: each["function"] == "sweep"))["past_due"] is False


async def test_an_event_grid_function_can_be_fired_by_hand(session: aiohttp.ClientSession) -> None:
    """Its input is the event, as JSON text."""
    body = {"input": '{"id": "by-hand", "data": {}}'}
    assert await status(session, "POST", "/admin/functions/on_event", json=body, headers=MASTER_KEY) == 202
    await seen(session, lambda each: each.get("id") == "by-hand")


async def test_a_timer_may_run_on_startup(session: aiohttp.ClientSession) -> None:
    """`run_on_startup` is respected."""
    await seen(session, lambda each: each["function"] == "at_startup")


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        ("POST", "/admin/functions/sweep", {"json": {}}, 401),
        ("POST", "/admin/functions/sweep", {"json": {}, "headers": FUNCTION_KEY}, 403),
        ("POST", "/admin/functions/sweep", {"headers": MASTER_KEY}, 415),
        ("POST", "/admin/functions/sweep", {"data": "", "headers": MASTER_KEY | JSON_TYPE}, 400),
        ("POST", "/admin/functions/sweep", {"data": "{", "headers": MASTER_KEY | JSON_TYPE}, 400),
        ("POST", "/admin/functions/nothing", {"json": {}, "headers": MASTER_KEY}, 404),
        ("GET", "/admin/functions", {}, 401),
    ],
)
async def test_admin_requests_that_are_refused(
    session: aiohttp.ClientSession, method: str, path: str, options: dict[str, Any], expected: int
) -> None:
    """Only the master key, and a JSON body that calls itself so."""
    assert await status(session, method, path, **options) == expected


@pytest.mark.parametrize("given", [{}, {"input": "no event"}, {"input": 7}, {"input": None}])
@pytest.mark.parametrize("name", ["show_request", "on_event"])
async def test_any_function_can_be_started_by_hand(
    session: aiohttp.ClientSession, name: str, given: dict[str, Any]
) -> None:
    """With whatever it is given; what becomes of it is not waited for."""
    assert await status(session, "POST", f"/admin/functions/{name}", json=given, headers=MASTER_KEY) == 202


async def test_the_host_answers_a_ping_without_a_key(session: aiohttp.ClientSession) -> None:
    """As nothing else under /admin does."""
    assert await status(session, "GET", "/admin/host/ping") == 200


async def test_the_host_lists_its_functions(session: aiohttp.ClientSession) -> None:
    """With their bindings, app settings resolved."""
    async with session.get("/admin/functions", headers=MASTER_KEY) as response:
        functions = {each["name"]: each for each in await response.json()}
    assert functions["sweep"]["config"]["bindings"][0]["schedule"] == "0 0 5 1 1 *"
    async with session.get("/admin/host/status", headers=MASTER_KEY) as response:
        assert (await response.json())["state"] == "Running"


async def test_timers_run_by_their_schedule_and_sigterm_ends_the_host(tmp_path: Path) -> None:
    """A function that is due every second runs without being asked; the end is clean."""
    host, url = await start_tiny_app(tmp_path, SWEEP_SCHEDULE="* * * * * *")
    async with aiohttp.ClientSession(url) as session:
        await seen(session, lambda each: each["function"] == "sweep")
    await host.stop()
    assert await host.ended() == 0
    assert "Executed 'Functions.sweep' (Succeeded" in (tmp_path / "app.log").read_text()


async def test_only_lines_of_living_invocations_are_logged(tmp_path: Path) -> None:
    """Those written while the app is loaded, or after the answer, are dropped."""
    host, url = await start_tiny_app(tmp_path, SWEEP_SCHEDULE="0 0 5 1 1 *")
    async with aiohttp.ClientSession(url, headers=FUNCTION_KEY) as session:
        assert await status(session, "POST", "/api/lines") == 204
        assert await status(session, "POST", "/api/lines/late") == 204
        assert await status(session, "POST", "/api/doors/late") == 204
        await seen(session, lambda each: each["function"] == "lines")
    await host.stop()
    log = (tmp_path / "app.log").read_text()
    written = [
        text for text in ("while the app", "within a thread", "within the", "after the") if text in log
    ]
    assert written == ["within a thread", "within the"]


async def test_a_disabled_function_is_not_found(tmp_path: Path) -> None:
    """The app setting AzureWebJobs.<name>.Disabled switches a function off."""
    off = {"AzureWebJobs.say_hello.Disabled": "true", "SWEEP_SCHEDULE": "0 0 5 1 1 *"}
    host, url = await start_tiny_app(tmp_path, **off)
    async with aiohttp.ClientSession(url) as session:
        assert await status(session, "GET", "/api/echo/special") == 404
    await host.stop()
