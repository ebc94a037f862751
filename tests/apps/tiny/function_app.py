"""A function app with one function of every kind that the host serves."""

import asyncio
import json
import logging
from typing import Any

import azure.functions as func
from echo import echo  # type: ignore[import-not-found]  # the host puts this folder on the path
from environment import environment  # type: ignore[import-not-found]  # likewise

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(echo)
app.register_functions(environment)

seen: list[dict[str, Any]] = []
_doors: dict[str, asyncio.Event] = {}


def _door(name: str) -> asyncio.Event:
    return _doors.setdefault(name, asyncio.Event())


@app.route("seen", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def what_was_seen(req: func.HttpRequest) -> func.HttpResponse:
    """Everything that events and timers brought."""
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route("doors/{name}", methods=["GET"])
async def wait_at_door(req: func.HttpRequest) -> func.HttpResponse:
    """Answers when the door is opened."""
    await _door(req.route_params["name"]).wait()
    return func.HttpResponse("through")


@app.route("doors/{name}", methods=["POST"])
async def open_door(req: func.HttpRequest) -> func.HttpResponse:
    """Opens the door."""
    _door(req.route_params["name"]).set()
    return func.HttpResponse(status_code=204)


_log = logging.getLogger("tiny")
_log.error("while the app is loaded")
_left_behind: set[asyncio.Task[None]] = set()


async def _write_late(name: str) -> None:
    await _door(name).wait()
    _log.error("after the answer")
    seen.append({"function": "lines", "late": True})


@app.route("lines/{door}", methods=["POST"])
async def lines(req: func.HttpRequest) -> func.HttpResponse:
    """Writes a line now, and another one when the door is opened."""
    _left_behind.add(asyncio.create_task(_write_late(req.route_params["door"])))
    _log.error("within the invocation")
    return func.HttpResponse(status_code=204)


@app.route("lines", methods=["POST"])
def line_of_a_thread(req: func.HttpRequest) -> func.HttpResponse:
    """Writes a line from a thread."""
    _log.error("within a thread")
    return func.HttpResponse(status_code=204)


@app.event_grid_trigger(arg_name="event")
async def on_event(event: func.EventGridEvent) -> None:
    """Keeps the event; one whose data say so fails."""
    seen.append({"function": "on_event", "id": event.id, "data": event.get_json()})
    if (event.get_json() or {}).get("fail"):
        raise RuntimeError("told to fail")


@app.event_grid_trigger(arg_name="event")
def on_cloud_event(event: func.CloudEvent) -> None:
    """Keeps the event."""
    seen.append({"function": "on_cloud_event", "id": event.id, "data": event.get_json()})


@app.timer_trigger(schedule="%SWEEP_SCHEDULE%", arg_name="timer")
async def sweep(timer: func.TimerRequest) -> None:
    """Runs when SWEEP_SCHEDULE says."""
    seen.append({"function": "sweep", "past_due": timer.past_due})


@app.timer_trigger(schedule="0 0 5 1 1 *", arg_name="timer", run_on_startup=True)
async def at_startup(timer: func.TimerRequest) -> None:
    """Runs when the host starts."""
    seen.append({"function": "at_startup", "past_due": timer.past_due})
