"""A blueprint that shows where the app runs, and takes alerts as the product does."""

import json
import os

import azure.functions as func

environment = func.Blueprint()


@environment.route("settings", auth_level=func.AuthLevel.ANONYMOUS)
async def settings(req: func.HttpRequest) -> func.HttpResponse:
    """The app settings, and the process id."""
    return func.HttpResponse(json.dumps({**os.environ, "pid": os.getpid()}), mimetype="application/json")


@environment.route("alerts", methods=["POST"])
async def alerts(req: func.HttpRequest) -> func.HttpResponse:
    """Names the alert's rule."""
    rule = req.get_json()["data"]["essentials"]["alertRule"]
    return func.HttpResponse(json.dumps({"received": rule}), status_code=202, mimetype="application/json")
