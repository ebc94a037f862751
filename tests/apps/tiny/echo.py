"""A blueprint whose functions show what they are called with."""

import json

import azure.functions as func

echo = func.Blueprint()


@echo.route("echo/{name}/{number:int?}", methods=["GET", "POST"])
async def show_request(req: func.HttpRequest) -> func.HttpResponse:
    """The request as the function sees it."""
    content = {
        "method": req.method,
        "url": req.url,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "header": req.headers.get("X-Test"),
        "body": req.get_body().decode(),
    }
    response = func.HttpResponse(json.dumps(content), status_code=202, mimetype="application/json")
    response.headers.add("Set-Cookie", "a=1; Path=/; SameSite=Lax")
    return response


@echo.route("echo/special", auth_level=func.AuthLevel.ANONYMOUS)
def say_hello(req: func.HttpRequest) -> str:
    """Answers a plain string, from a thread."""
    return "hello"


@echo.route("crash", auth_level=func.AuthLevel.ANONYMOUS)
async def crash(req: func.HttpRequest) -> func.HttpResponse:
    """Raises."""
    raise KeyError("nope")


@echo.route("admin-only", auth_level=func.AuthLevel.ADMIN)
async def admin_only(req: func.HttpRequest) -> func.HttpResponse:
    """Answers to the master key alone."""
    return func.HttpResponse("welcome")
