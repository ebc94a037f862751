"""HTTP-triggered functions: routes, authorisation, and the translation of requests and responses."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.cookies import SimpleCookie
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from simulator.functions_host.functions import Function, Outcome
from simulator.functions_host.keys import Access, Keys
from simulator.functions_host.protos import RpcHttp, RpcHttpCookie, TypedData
from simulator.functions_host.request_queue import RequestQueue
from simulator.functions_host.route_template import RouteTemplate
from simulator.functions_host.worker import Worker

#: Bytes; the platform's own limit.
LARGEST_BODY = 100 * 1024 * 1024

_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)
_NEEDED = {"anonymous": Access.ANONYMOUS, "function": Access.FUNCTION, "admin": Access.ADMIN}
_SAME_SITE = {1: "Lax", 2: "Strict", 3: "None"}
#: Set by the server for the body that it sends.
_SERVER_HEADERS = frozenset({"content-length", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True)
class _Route:
    template: RouteTemplate
    #: Upper-cased; empty: all.
    methods: frozenset[str]
    function: Function


class HttpFunctions:
    """All HTTP-triggered functions of the app, as one request handler."""

    def __init__(
        self, worker: Worker, keys: Keys, functions: Iterable[Function], prefix: str, queue: RequestQueue
    ) -> None:
        """`prefix`: host.json's routePrefix, `api` unless set."""
        self._worker = worker
        self._keys = keys
        self._queue = queue
        self._routes = _routes(functions, prefix)

    async def handle(self, request: web.Request) -> web.Response:
        """Call the function that the path and method lead to; a wrong method is a 404, as on Azure."""
        # A slash that is encoded is part of a name.
        path = unquote(_ENCODED_SLASH.sub("%252F", request.rel_url.raw_path))
        for route in self._routes:
            parameters = route.template.match(path)
            if parameters is not None and (not route.methods or request.method in route.methods):
                return await self._call(route.function, request, parameters)
        return web.Response(status=HTTPStatus.NOT_FOUND)

    async def _call(
        self, function: Function, request: web.Request, parameters: dict[str, str]
    ) -> web.Response:
        access = self._keys.access(request)
        if access < _needed_access(function):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        if function.disabled and access is not Access.ADMIN:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return await self._queue.answer(partial(self._run, function, request, parameters))

    async def run_by_hand(self, function: Function, given: object) -> Outcome:
        """Call the function with a body that is the text given."""
        body = TypedData(bytes=str(given).encode()) if given else TypedData()
        return await self._worker.invoke(function, TypedData(http=RpcHttp(method="POST", body=body)))

    async def _run(
        self, function: Function, request: web.Request, parameters: dict[str, str]
    ) -> web.Response:
        data = TypedData(http=await _incoming(request, parameters))
        return _outgoing(await self._worker.invoke(function, data))


def _routes(functions: Iterable[Function], prefix: str) -> Sequence[_Route]:
    routes = [
        _Route(
            template=RouteTemplate(f"{prefix}/{function.trigger.get('route') or function.name}"),
            methods=frozenset(method.upper() for method in function.trigger.get("methods") or ()),
            function=function,
        )
        for function in functions
    ]
    return sorted(routes, key=lambda route: route.template.precedence)


def _needed_access(function: Function) -> Access:
    return _NEEDED[function.trigger.get("authLevel", "function").lower()]


async def _incoming(request: web.Request, parameters: dict[str, str]) -> RpcHttp:
    """The request as the host passes it on: lower-cased headers, no empty query values, the body as bytes."""
    headers = {name.lower(): ", ".join(request.headers.getall(name)) for name in request.headers}
    body = await request.read()
    return RpcHttp(
        method=request.method,
        url=str(request.url),
        headers=headers,
        query={name: ",".join(request.query.getall(name)) for name in request.query if request.query[name]},
        params=parameters,
        body=TypedData(bytes=body) if body else TypedData(),
    )


def _outgoing(outcome: Outcome) -> web.Response:
    if not outcome.succeeded:
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
    if outcome.value is None:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    if outcome.value.http is None:
        return web.Response(text=outcome.value.string)
    answer = outcome.value.http
    headers = CIMultiDict(
        {name: value for name, value in answer.headers.items() if name.lower() not in _SERVER_HEADERS}
    )
    for cookie in answer.cookies or ():
        headers.add("Set-Cookie", _set_cookie(cookie))
    return web.Response(status=int(answer.status_code), headers=headers, body=answer.body.bytes)


def _set_cookie(cookie: RpcHttpCookie) -> str:
    jar: SimpleCookie = SimpleCookie({cookie.name: cookie.value})
    morsel = jar[cookie.name]
    for attribute in ("domain", "path"):
        if (given := getattr(cookie, attribute)) is not None:
            morsel[attribute] = given.value
    morsel["secure"] = bool(cookie.secure and cookie.secure.value)
    morsel["httponly"] = bool(cookie.http_only and cookie.http_only.value)
    morsel["samesite"] = _SAME_SITE.get(cookie.same_site, "")
    if cookie.max_age is not None:
        morsel["max-age"] = int(cookie.max_age.value)
    return morsel.OutputString()
