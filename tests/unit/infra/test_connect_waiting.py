"""infra/connect in both shells: what Azure publishes late is waited for, and what waiting cannot mend ends at once."""

import pytest

from tests.hooks.azure import (
    APP,
    HEALTH,
    HOME,
    answer,
)
from tests.hooks.connecting import Case, check
from tests.hooks.shells import both_shells

HOST_RUNTIME = "Bad Request({'Message': 'Encountered an error (ServiceUnavailable) from host runtime.'})"


NOT_FOUND = "Not Found({'error': {'code': 'ResourceNotFound', 'message': 'no'}})"


ALERTS = f"get --url {APP}/functions/alerts"


LISTKEYS = f"post --url {APP}/functions/alerts/listkeys"


HEALTH_CALL = f"rest --method get --url {HEALTH}"


NEVER = {"CONNECT_WAIT_SECONDS": "0"}


WAITING = [
    Case(
        name="the app, its function, its key, the role and Event Grid come late",
        answers=[
            answer(HEALTH_CALL, error="Service Unavailable(host is starting)", times=1),
            answer(HEALTH_CALL, {"version": "1", "package": "0123456789abcdef"}, times=1),
            answer(HEALTH_CALL, {"version": "0.1.0"}, times=1),
            answer(ALERTS, error=NOT_FOUND, times=2),
            answer(LISTKEYS, error=HOST_RUNTIME, times=2),
            answer(
                "deployment sub create", error="(DeploymentFailed) RoleDefinitionDoesNotExist: no", times=1
            ),
            answer(
                "deployment sub create", error="Endpoint validation: Destination endpoint not found.", times=1
            ),
        ],
        connected=[HOME, HOME, HOME],
        said=[
            f"waiting for {HEALTH}, ",
            " of at most 100 s: Service Unavailable(host is starting)",
            "the app responds, but with package 0123456789abcdef; this folder is",
            "the app responds, but with package (none); this folder is",
            "waiting for the function alerts to be listed",
            "waiting for the webhook's key, ",
            "from host runtime: the app is starting",
            f"waiting for subscription {HOME}",
            "RoleDefinitionDoesNotExist: the role is new",
            "Endpoint validation: Event Grid does not see",
            f"{HOME}  connected",
        ],
    ),
    Case(
        name="a package whose import fails answers 404 for ever",
        answers=[answer(HEALTH_CALL, error="Not Found()")],
        variables=NEVER,
        exit_code=1,
        said=["Not connected: Not Found()"],
    ),
    Case(
        name="the package before this one goes on answering",
        answers=[answer(HEALTH_CALL, {"version": "1", "package": "0123456789abcdef"})],
        variables=NEVER,
        exit_code=1,
        said=["Not connected: the app responds, but with package 0123456789abcdef; this folder is"],
    ),
    Case(
        name="another package on purpose",
        answers=[answer(HEALTH_CALL, {"version": "1", "package": "0123456789abcdef"})],
        variables={"EXPECTED_PACKAGE": "any"},
        connected=[HOME],
    ),
    Case(
        name="waiting does not help who may not read the key",
        answers=[answer(LISTKEYS, error="Forbidden({'error': {'code': 'AuthorizationFailed'}})")],
        exit_code=1,
        said=["Not connected: AuthorizationFailed: run this as Owner of the subscription"],
        not_said=["waiting for"],
    ),
    Case(
        name="an error of the deployment that nobody knows ends it at once",
        answers=[
            answer("deployment sub create", error="(BadRequest) sku; https://x/api/alerts?code=SECRET&x")
        ],
        connected=[HOME],
        exit_code=1,
        said=[f"{HOME}  failed        (BadRequest) sku; https://x/api/alerts?code=...&x"],
        not_said=["waiting for", "SECRET"],
    ),
]


@both_shells
@pytest.mark.parametrize("case", WAITING, ids=str)
def test_waiting(shell: str, case: Case) -> None:
    """What Azure publishes late is waited for, with a line for each try; what waiting cannot mend ends at once."""
    check(shell, case)
