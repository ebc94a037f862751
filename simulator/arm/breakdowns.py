"""How Azure's own failures look: statuses, codes and bodies of 5xx answers, as they were recorded.

A service and the gateway before it answer differently, and some answers are no JSON at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.arm.errors import ArmError
from simulator.estate.faults import ServerError

_PROVIDER = re.compile(r"/providers/(Microsoft\.\w+)/", re.IGNORECASE)
_LATER = (
    "Wait for a few minutes and then try the operation again. "
    "If the issue persists, please contact Microsoft support."
)
#: A page of ASP.NET, which comes as application/json all the same.
_PAGE = """<!DOCTYPE html>
<html>
    <head>
        <title>Runtime Error</title>
    </head>

    <body bgcolor="white">
            <span><H1>Server Error in '/' Application.<hr width=100% size=1 color=silver></H1>
            <h2> <i>Runtime Error</i> </h2></span>
            <b> Description: </b>An application error occurred on the server.
    </body>
</html>
"""


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """One kind of failure."""

    status: int
    #: `{provider}` is replaced by the provider's namespace.
    message: str
    #: Whether Backup vaults put their own error into it.
    user_facing: bool = False
    #: The body where it is no error in JSON.
    page: str = ""


#: By the code that the answer has; `html` has none.
BREAKDOWNS: Mapping[str, Breakdown] = {
    "RestApiInternalError": Breakdown(
        status=500, message=f"The REST API call encountered an internal error. {_LATER}"
    ),
    "CloudInternalError": Breakdown(
        status=500,
        message="Microsoft Azure Backup encountered an internal error.",
        user_facing=True,
    ),
    "InternalServerError": Breakdown(status=500, message="Internal Server Error"),
    "html": Breakdown(status=500, message="", page=_PAGE),
    "InvalidGatewayHost": Breakdown(
        status=502, message="Host name resolution failed for '{provider}'; cannot fulfill the request."
    ),
    "ServiceUnavailable": Breakdown(
        status=503, message="The server is currently unable to process the request."
    ),
    "ServerTimeout": Breakdown(
        status=503, message="The request timed out. Diagnostic information: the server is busy."
    ),
    "GatewayTimeout": Breakdown(
        status=504,
        message="The gateway did not receive a response from '{provider}' within the specified time period.",
    ),
}
#: What a status most often comes with.
_USUAL = {
    500: "InternalServerError",
    502: "InvalidGatewayHost",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


class BrokenDownError(ArmError):
    """A failure of Azure's own, whose body need not be JSON."""

    page = ""


def broken_down(fault: ServerError, path: str) -> BrokenDownError:
    """What a call to a path is answered while the fault strikes."""
    code = fault.error or _USUAL.get(fault.status, "InternalServerError")
    kind = BREAKDOWNS[code]
    provider = found[1] if (found := _PROVIDER.search(path)) else "Microsoft.Resources"
    in_backup_vault = kind.user_facing and provider.lower() == "microsoft.dataprotection"
    message = kind.message.format(provider=provider)
    headers = {"x-ms-failure-cause": "service"}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    error = BrokenDownError(
        kind.status if fault.error else fault.status,
        code,
        message if in_backup_vault or not kind.user_facing else f"{message} {_LATER}",
        headers=headers,
        additional_info=[_user_facing(code, message)] if in_backup_vault else (),
        nulls=("target", "details") if in_backup_vault else (),
    )
    error.page = kind.page
    return error


def _user_facing(code: str, message: str) -> dict[str, object]:
    info = {
        "message": message,
        "recommendedAction": [_LATER],
        "details": None,
        "code": code,
        "target": "",
        "innerError": None,
        "isRetryable": False,
        "isUserError": False,
        "properties": None,
    }
    return {"type": "UserFacingError", "info": info}
