"""A blueprint that shows where the app runs, and takes alerts as the product does."""

import json
import os
import signal

import azure.functions as func

environment = func.Blueprint()


@environment.route("settings", auth_level=func.AuthLevel.ANONYMOUS)
async def settings(req: func.HttpRequest) -> func.HttpResponse:
    """The app settings, and the process ids of worker and host."""
    processes = {"pid": os.getpid(), "host_pid": os.getppid()}
    return func.HttpResponse(json.dumps({**os.environ, **processes}), mimetype="application/json")


@environment.route("die", auth_level=func.AuthLevel.ANONYMOUS)
async def die(req: func.HttpRequest) -> func.HttpResponse:
    """Ends the worker, as a crash of the interpreter does."""
    os.kill(os.getpid(), signal.SIGKILL)
    return func.HttpResponse("still alive")


@environment.route("alerts", methods=["POST"])
async def alerts(req: func.HttpRequest) -> func.HttpResponse:
    """Names the alert's rule."""
    rule = req.get_json()["data"]["essentials"]["alertRule"]
    return func.HttpResponse(json.dumps({"received": rule}), status_code=202, mimetype="application/json")
