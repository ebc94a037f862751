"""The errors of Azure Resource Manager and of the services behind it: one constructor for each.

https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
"""

from collections.abc import Mapping, Sequence
from typing import Any


class ArmError(Exception):
    """A refusal: the status, and the content of the `{"error": {"code", "message"}}` envelope."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        details: Sequence[Mapping[str, str]] = (),
        additional_info: Sequence[Mapping[str, Any]] = (),
        nulls: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.details = details
        self.additional_info = additional_info
        self.nulls = nulls

    @property
    def envelope(self) -> dict[str, Any]:
        """The body."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, **dict.fromkeys(self.nulls)}
        if self.details:
            error["details"] = list(self.details)
        if self.additional_info:
            error["additionalInfo"] = list(self.additional_info)
        return {"error": error}


def authentication_failed(why: str, authority: str) -> ArmError:
    """There is no token, or one that is not valid here."""
    challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{why}"'
    return ArmError(401, "AuthenticationFailed", why, headers={"WWW-Authenticate": challenge})


def token_expired(authority: str) -> ArmError:
    """The token was valid once."""
    why = "The access token expiry UTC time is earlier than current UTC time."
    challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{why}"'
    return ArmError(401, "ExpiredAuthenticationToken", why, headers={"WWW-Authenticate": challenge})


def authorization_failed(principal: str, action: str, scope: str) -> ArmError:
    """The principal has no role that allows the action on the scope."""
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{principal}' with object id '{principal}' does not have authorization to perform "
        f"action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials.",
    )


def missing_api_version() -> ArmError:
    """The query has no api-version."""
    return ArmError(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )


def subscription_not_found(subscription_id: str) -> ArmError:
    """No such subscription, or none that the caller may see."""
    message = f"The subscription '{subscription_id}' could not be found."
    return ArmError(404, "SubscriptionNotFound", message, headers=_GATEWAY)


def resource_group_not_found(name: str) -> ArmError:
    """No such resource group."""
    message = f"Resource group '{name}' could not be found."
    return ArmError(404, "ResourceGroupNotFound", message, headers=_GATEWAY)


def resource_not_found(resource: str, resource_group: str) -> ArmError:
    """No such resource; `resource` is `Provider.Namespace/type/name`."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{resource}' under resource group '{resource_group}' was not found. For more details "
        "please go to https://aka.ms/ARMResourceNotFoundFix",
        headers=_GATEWAY,
    )


def not_simulated(method: str, path: str) -> ArmError:
    """A call that Azure may know and this simulator does not."""
    return ArmError(
        404, "InvalidResourceType", f"The simulator has nothing at {method} {path}.", headers=_GATEWAY
    )


def method_not_allowed(method: str, path: str) -> ArmError:
    """The path exists, for other methods."""
    message = f"The requested resource does not support http method '{method}': {path}"
    return ArmError(405, "HttpMethodNotAllowed", message)


def subscription_throttled(subscription_id: str, method: str, seconds: int) -> ArmError:
    """A token bucket of the subscription is empty."""
    return ArmError(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of requests for subscription '{subscription_id}' and operation '{method}' exceeded the "
        f"backend storage limit. Please try again after '{seconds}' seconds.",
        headers={"Retry-After": str(seconds)},
    )


def reads_throttled(action: str, limit: int, seconds: int) -> ArmError:
    """The hourly read quota of an action is exhausted; its text names the wait as well as Retry-After does."""
    return ArmError(
        429,
        "ResourceRequestsThrottled",
        f"Number of requests for action '{action}' exceeded the limit of '{limit}' for time interval '01:00:00'. "
        f"Please try again after '{seconds}' seconds.",
        headers={**_GATEWAY, "Retry-After": str(seconds)},
    )


def graph_throttled(seconds: int, headers: Mapping[str, str]) -> ArmError:
    """The caller exhausted Resource Graph's quota."""
    return ArmError(
        429,
        "RateLimiting",
        "Client application has been throttled and should not attempt to repeat the request until an amount "
        "of time has elapsed. Please see help for more details.",
        headers={**headers, "Retry-After": str(seconds)},
    )


def invalid_input(what: str) -> ArmError:
    """Recovery Services cannot read the request."""
    message = f"Input provided for the call is invalid\r\nPlease check the required inputs: {what}"
    return ArmError(400, "BMSUserErrorInvalidInput", message, nulls=("target", "details"))


def item_not_found() -> ArmError:
    """The vault has no such protected item."""
    return ArmError(
        404,
        "BMSUserErrorDataSourceObjectNotFound",
        "Item not found. Selected item might have been deleted. "
        "Please check if item is registered to the vault.",
    )


def object_not_found(what: str) -> ArmError:
    """The vault has no such job, operation or policy."""
    return ArmError(404, "BMSUserErrorObjectNotFound", f"{what} could not be found in the vault.")


def item_not_protected(state: str) -> ArmError:
    """An on-demand backup was asked for an item whose protection is stopped."""
    message = f"Backup cannot be triggered as the item is not protected. Its protection state is {state}."
    return ArmError(400, "BMSUserErrorItemNotProtected", message)


def job_not_cancellable(status: str) -> ArmError:
    """Only a running backup can be cancelled."""
    message = f"The job cannot be cancelled as its status is {status}."
    return ArmError(400, "BMSUserErrorJobNotCancellable", message)


def altered_signature() -> ArmError:
    """A polling URL did not come back as it was given."""
    return ArmError(
        400, "InvalidSignature", "The signature of the asynchronous operation's URL does not match."
    )


def bad_request(code: str, message: str) -> ArmError:
    """The request cannot be read."""
    return ArmError(400, code, message)


def invalid_query(why: str) -> ArmError:
    """Resource Graph cannot run the query."""
    return ArmError(
        400,
        "BadRequest",
        "Please provide below info when asking for support.",
        details=(
            {
                "code": "InvalidQuery",
                "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph "
                "service and fix the error before retrying.",
            },
            {"code": "ParserFailure", "message": why},
        ),
    )


_GATEWAY = {"x-ms-failure-cause": "gateway"}
