"""What every call to the simulated Resource Manager passes: tokens, api-version, routes, buckets and faults."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from simulator.estate.outcomes import Outcome
from tests.simulated import SUBSCRIPTION, Simulated, refusal, retry_after, simulated

ESTATE = {
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
    "vaults": [
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-backup",
            "name": "vault-1",
            "items": [{"vm": "vm-01", "resource_group": "rg-app", "tags": {"backup": "no"}}],
        }
    ],
    "settings": {"arm_buckets": {"writes": 2, "write_refill": 0.5, "reads": 4, "read_refill": 2}},
}
VAULT = ("vault-1", "rg-backup")
VERSION = {"api-version": "2024-04-01"}


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    async with simulated(tmp_path, monkeypatch, ESTATE) as running:
        yield running


async def get(world: Simulated, path: str, **options: Any) -> tuple[int, Any, Any]:
    """Status, body and headers of a GET with a valid token."""
    options = {"params": VERSION, "headers": world.headers()} | options
    async with world.http.get(world.server.arm_url + path, **options) as answer:
        return answer.status, await answer.json(), answer.headers


async def get_job(world: Simulated, **options: Any) -> Any:
    """Read a job that does not exist, which needs no preparation: 404 is what a call that got through looks like."""
    return await world.backup.job_details.get(*VAULT, str(uuid.uuid4()), **options)


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Basic YTpi", "Bearer a.b.c"])
async def test_a_call_without_a_valid_token_is_401(world: Simulated, authorization: str) -> None:
    """The challenge says where tokens come from."""
    status, body, headers = await get(world, "/subscriptions", headers={"Authorization": authorization})
    assert (status, body["error"]["code"]) == (401, "AuthenticationFailed")
    assert headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


async def test_an_expired_token_is_401(world: Simulated) -> None:
    """Tokens live for an hour."""
    headers = world.headers()
    world.clock.move(hours=1)
    status, body, _ = await get(world, "/subscriptions", headers=headers)
    assert (status, body["error"]["code"]) == (401, "ExpiredAuthenticationToken")


async def test_a_token_for_somebody_else_is_401(world: Simulated) -> None:
    """A token for storage does not open Resource Manager."""
    status, _, _ = await get(world, "/subscriptions", headers=world.headers("https://storage.azure.com"))
    assert status == 401


async def test_the_api_version_must_be_there(world: Simulated) -> None:
    """Whichever it is, it is accepted."""
    status, body, _ = await get(world, "/subscriptions", params={})
    assert (status, body["error"]["code"]) == (400, "MissingApiVersionParameter")
    assert (await get(world, "/subscriptions", params={"api-version": "2016-12-01"}))[0] == 200


async def test_paths_are_matched_without_regard_to_case(world: Simulated) -> None:
    """Azure itself writes its ids in several casings."""
    path = (
        f"/Subscriptions/{SUBSCRIPTION.upper()}/resourcegroups/RG-Backup/providers/microsoft.recoveryservices"
    )
    status, body, _ = await get(world, f"{path}/VAULTS/Vault-1")
    assert (status, body["name"]) == (200, "vault-1")
    assert body["properties"]["monitoringSettings"]["azureMonitorAlertSettings"] == {
        "alertsForAllJobFailures": "Enabled"
    }


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/subscriptions/{uuid.UUID(int=7)}", 404, "SubscriptionNotFound"),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-none", 404, "ResourceGroupNotFound"),
        (f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Nothing/things", 404, "InvalidResourceType"),
        ("/providers/Microsoft.ResourceGraph/resources", 405, "HttpMethodNotAllowed"),
    ],
)
async def test_what_is_not_there_is_refused_in_azures_words(
    world: Simulated, path: str, status: int, code: str
) -> None:
    """Every refusal has the error envelope."""
    actual, body, _ = await get(world, path)
    assert (actual, body["error"]["code"]) == (status, code)


async def test_subscriptions_groups_tenants_and_machines_can_be_read(world: Simulated) -> None:
    """They are what the az CLI and a look at a VM's tags need."""
    subscription = f"/subscriptions/{SUBSCRIPTION}"
    vm = f"{subscription}/resourceGroups/rg-app/providers/Microsoft.Compute/virtualMachines/VM-01"
    world.clock.move(seconds=10)
    assert [each["subscriptionId"] for each in (await get(world, "/subscriptions"))[1]["value"]] == [
        SUBSCRIPTION
    ]
    assert (await get(world, "/tenants"))[0] == 200
    groups = (await get(world, f"{subscription}/resourceGroups"))[1]["value"]
    assert [group["name"] for group in groups] == ["rg-backup", "rg-app"]
    assert (await get(world, vm))[1]["tags"] == {"backup": "no"}


async def test_reads_and_writes_are_throttled_by_buckets_of_their_own(world: Simulated) -> None:
    """An empty bucket is 429 with Retry-After; it fills with time, and the other bucket is not touched."""
    for _ in range(2):
        await world.trigger("vm-01")
    with pytest.raises(HttpResponseError) as caught:
        await world.trigger("vm-01")
    assert refusal(caught.value) == (429, "SubscriptionRequestsThrottled")
    assert retry_after(caught.value) == "2"  # an empty bucket and 0.5 tokens a second
    status, _, headers = await get(world, f"/subscriptions/{SUBSCRIPTION}")
    assert (status, headers["x-ms-ratelimit-remaining-subscription-reads"]) == (200, "3")
    world.clock.move(seconds=2)
    await world.trigger("vm-01")


async def test_the_hours_reads_of_an_action_run_out(world: Simulated) -> None:
    """As recorded: list and detail are one action, the text names it and the wait; the header counts it."""
    world.server.simulator.reset(ESTATE | {"settings": {"hourly_reads": 2}})
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-backup"
    vault = f"{group}/providers/Microsoft.RecoveryServices/vaults/vault-1"
    _, _, headers = await get(world, f"{vault}/backupJobs")
    assert headers["x-ms-ratelimit-remaining-subscription-resource-requests"] == "1"
    assert "x-ms-ratelimit-remaining-subscription-reads" not in headers
    await get(world, f"{vault}/backupJobs/{uuid.uuid4()}")
    world.clock.move(minutes=54, seconds=36)
    status, body, headers = await get(world, f"{vault}/backupJobs")
    assert (status, headers["Retry-After"], headers["x-ms-failure-cause"]) == (429, "324", "gateway")
    assert body["error"] == {
        "code": "ResourceRequestsThrottled",
        "message": "Number of requests for action 'Microsoft.RecoveryServices/vaults/backupJobs/read' exceeded the "
        "limit of '2' for time interval '01:00:00'. Please try again after '324' seconds.",
    }
    assert (await get(world, f"{vault}/backupPolicies"))[0] == 200
    assert (await get(world, vault))[0] == 200


async def test_the_callers_request_id_is_echoed_and_logged(world: Simulated) -> None:
    """The log names every call with its client request id, subscription and status."""
    attempt = str(uuid.uuid4())
    headers = await world.trigger("vm-01", attempt)
    assert headers["x-ms-client-request-id"] == attempt
    entry = world.server.simulator.requests.find("/backup$", "post")[0]
    assert (entry["client_request_id"], entry["status"], entry["subscription"]) == (
        attempt,
        202,
        SUBSCRIPTION,
    )


async def test_a_dropped_answer_leaves_the_job_and_tells_nobody(world: Simulated) -> None:
    """The trigger took effect; only the vault's jobs can tell, by the activity id."""
    world.server.faults.arm([{"name": "drop_answer", "match": "^POST .*/backup", "count": 1}])
    attempt = str(uuid.uuid4())
    with pytest.raises(AzureError, match=r"disconnected|reset"):
        await world.trigger("vm-01", attempt)
    jobs: list[Any] = [job.properties async for job in world.backup.backup_jobs.list(*VAULT)]
    assert [job.activity_id for job in jobs] == [attempt]
    entry = world.server.simulator.requests.find("/backup$")[0]
    assert (entry["status"], entry["fault"]) == (None, "drop_answer")


async def test_a_dropped_request_has_no_effect(world: Simulated) -> None:
    """The connection dies in the same way, but no job appears."""
    world.server.faults.arm([{"name": "drop_request", "match": "/backup", "count": 1}])
    with pytest.raises(AzureError, match=r"disconnected|reset"):
        await world.trigger("vm-01")
    assert world.server.azure.jobs == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"name": "throttle", "retry_after": 7}, 429, "SubscriptionRequestsThrottled"),
        ({"name": "server_error", "status": 500}, 500, "InternalServerError"),
        ({"name": "server_error"}, 503, "ServiceUnavailable"),
        ({"name": "forbid"}, 403, "AuthorizationFailed"),
        ({"name": "latency", "seconds": 0.01}, 404, "BMSUserErrorObjectNotFound"),
    ],
)
async def test_armed_faults_strike_calls(
    world: Simulated, fault: dict[str, Any], status: int, code: str
) -> None:
    """One strike each, named in the log; the next call passes."""
    world.server.faults.arm([fault | {"count": 1, "match": "backupjobs"}])
    with pytest.raises(HttpResponseError) as caught:
        await get_job(world)
    assert refusal(caught.value) == (status, code)
    assert world.server.simulator.requests.find("backupJobs")[0]["fault"] == fault["name"]
    with pytest.raises(HttpResponseError) as passed:
        await get_job(world)
    assert passed.value.status_code == 404


async def test_an_expired_token_by_fault_is_401(world: Simulated) -> None:
    """Clients see an authentication error, as when a token is revoked early."""
    world.server.faults.arm([{"name": "expire_token", "count": 1}])
    with pytest.raises(ClientAuthenticationError):
        await get_job(world)


async def test_a_page_does_not_shift_when_jobs_are_added_between_pages(world: Simulated) -> None:
    """A skip token names the last entry, so newer jobs do not push entries over the page's edge."""
    world.server.simulator.reset(ESTATE | {"settings": {"page_size": 2}})
    names = [world.run("vm-01", Outcome(seconds=0), age=timedelta(hours=age)) for age in range(1, 5)]
    pages = world.backup.backup_jobs.list(*VAULT).by_page()
    first = [job.name async for job in await anext(pages)]
    world.run("vm-01", Outcome(seconds=0))
    second = [job.name async for job in await anext(pages)]
    assert first + second == names


PROVIDERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-backup/providers"
JOBS = f"{PROVIDERS}/Microsoft.RecoveryServices/vaults/vault-1/backupJobs"
BACKUP_VAULT = f"{PROVIDERS}/Microsoft.DataProtection/backupVaults/v"
#: What is armed and asked, and status, code and what is to blame in the answer.
FAILURES: list[tuple[dict[str, Any], str, tuple[int, str, str]]] = [
    ({"name": "server_error"}, JOBS, (503, "ServiceUnavailable", "service")),
    ({"name": "server_error", "status": 500}, JOBS, (500, "InternalServerError", "service")),
    ({"name": "server_error", "error": "GatewayTimeout"}, JOBS, (504, "GatewayTimeout", "service")),
    ({"name": "server_error", "error": "CloudInternalError"}, JOBS, (500, "CloudInternalError", "service")),
    (
        {"name": "server_error", "error": "CloudInternalError"},
        BACKUP_VAULT,
        (500, "CloudInternalError", "service"),
    ),
    ({"name": "lose_subscription"}, JOBS, (404, "SubscriptionNotFound", "gateway")),
    ({"name": "throttle", "hourly": True}, JOBS, (429, "ResourceRequestsThrottled", "gateway")),
]


async def test_azures_own_failures_look_as_they_were_recorded(world: Simulated) -> None:
    """Each with its code; Backup vaults put their own error into the envelope."""
    world.server.simulator.reset(ESTATE | {"settings": {}})
    for fault, path, wanted in FAILURES:
        world.server.faults.arm([fault])
        status, body, headers = await get(world, path)
        assert (status, body["error"]["code"], headers["x-ms-failure-cause"]) == wanted
        assert ("additionalInfo" in body["error"]) == (path == BACKUP_VAULT)


async def test_some_failures_are_pages_that_call_themselves_json(world: Simulated) -> None:
    """A client that trusts the header cannot read them."""
    world.server.faults.arm([{"name": "server_error", "error": "html"}])
    url, headers = world.server.arm_url + JOBS, world.headers()
    async with world.http.get(url, params=VERSION, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (500, "application/json")
        assert (await answer.text()).startswith("<!DOCTYPE html>")


async def test_nothing_is_started_in_a_disabled_subscription(world: Simulated) -> None:
    """It can be read all the same."""
    disabled = [{"id": SUBSCRIPTION, "state": "Disabled"}]
    world.server.simulator.reset(ESTATE | {"subscriptions": disabled})
    item = next(world.server.azure.items)
    assert (await get(world, item.id))[0] == 200
    url = f"{world.server.arm_url}{item.id}/backup"
    async with world.http.post(url, params=VERSION, headers=world.headers(), json={}) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (
            409,
            "ReadOnlyDisabledSubscription",
        )


async def test_a_delayed_request_takes_effect_although_its_caller_has_gone(world: Simulated) -> None:
    """The answer is lost, the backup is started: as Azure does, and as a retry's trigger has to expect."""
    world.server.faults.arm([{"name": "latency", "match": "POST .*/backup", "seconds": 0.3}])
    [one] = world.server.azure.items
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(0.1),
            world.http.post(
                f"{world.server.arm_url}{one.id}/backup",
                params=VERSION,
                headers=world.headers(),
                json={"properties": {"objectType": "IaasVMBackupRequest"}},
            ),
        ):
            pass
    assert not world.server.azure.jobs
    await asyncio.sleep(0.4)
    assert len(world.server.azure.jobs) == 1
