"""The simulated Resource Graph, through Microsoft's SDK over TLS."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

from simulator.estate.outcomes import JobStatus, Outcome
from tests.simulated import OTHER_SUBSCRIPTION as SECOND
from tests.simulated import SUBSCRIPTION as FIRST
from tests.simulated import Simulated, retry_after, simulated

SEED_ARTICLE = Path(__file__).parents[3].parent / "shared" / "seed.md"
FAILED = Outcome(status=JobStatus.FAILED, seconds=0)
JOBS = "RecoveryServicesResources | where type =~ 'microsoft.recoveryservices/vaults/backupjobs'"


def vault(name: str, subscription: str, *vms: str) -> dict[str, Any]:
    items = [{"vm": vm, "resource_group": "rg-app", "tags": {"team": "blue"}} for vm in vms]
    return {"subscription": subscription, "resource_group": "rg-Backup", "name": name, "items": items}


ESTATE = {
    "subscriptions": [{"id": FIRST, "name": "one"}, {"id": SECOND, "name": "two"}],
    "vaults": [
        vault("vault-1", FIRST, "vm-01", "vm-02", "vm-03"),
        vault("vault-2", SECOND, "vm-11"),
        vault("vault-9", SECOND, "vm-91"),
    ],
    "denied_vaults": ["vault-9"],
}


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    async with simulated(tmp_path, monkeypatch, ESTATE) as running:
        yield running


async def ask(world: Simulated, query: str, subscriptions: list[str] | None = None, **options: Any) -> Any:
    """Run a query."""
    chosen = QueryRequestOptions(**options) if options else None
    return await world.graph.resources(QueryRequest(query=query, subscriptions=subscriptions, options=chosen))


async def test_a_job_row_carries_the_item_and_its_flags_as_text(world: Simulated) -> None:
    """`backupInstanceId` is the whole item id, `isUserTriggered` is 'true' or 'false', types are lower-case."""
    name = world.run("vm-01", FAILED, user_triggered=True)
    answer = await ask(world, JOBS)
    row = answer.data[0]
    assert (row["name"], row["type"]) == (name, "microsoft.recoveryservices/vaults/backupjobs")
    item = world.server.azure.find_item("vm-01")
    assert item is not None
    wanted = {
        "status": "Failed",
        "isUserTriggered": "true",
        "backupInstanceId": item.id,
        "operation": "Backup",
    }
    assert {key: row["properties"][key] for key in wanted} == wanted
    assert (answer.count, answer.total_records, answer.result_truncated, answer.skip_token) == (
        1,
        1,
        "false",
        None,
    )


@pytest.mark.skipif(not SEED_ARTICLE.exists(), reason="the article that the query stands in is not at hand")
async def test_the_query_of_microsofts_article_runs_unchanged(world: Simulated) -> None:
    """It finds the failed VM backups of the last 24 hours, scheduled and on demand, and nothing else."""
    article = SEED_ARTICLE.read_text(encoding="utf-8")
    query = article.partition('$query = "')[2].partition('"')[0]
    world.run("vm-01", FAILED, age=timedelta(hours=2))
    world.run("vm-02", FAILED, age=timedelta(hours=30))
    world.run("vm-11", FAILED, user_triggered=True)
    world.run("vm-03", FAILED, operation="Restore")
    world.run("vm-03", Outcome(seconds=0))
    answer = await ask(world, query)
    found = {(row["vaultSub"], row["protectedItemName"], row["operation"]) for row in answer.data}
    assert found == {
        (FIRST, "VM;iaasvmcontainerv2;rg-app;vm-01", "backup"),
        (SECOND, "VM;iaasvmcontainerv2;rg-app;vm-11", "adhocBackup"),
    }


async def test_pages_are_continued_by_the_skip_token_alone(world: Simulated) -> None:
    """The token stands beside resultTruncated "false"."""
    names = sorted(world.run(vm, FAILED) for vm in ("vm-01", "vm-02", "vm-03"))
    query = f"{JOBS} | project id, name | order by name asc"
    first = await ask(world, query, top=2)
    second = await ask(world, query, top=2, skip_token=first.skip_token)
    assert [row["name"] for row in first.data + second.data] == names
    assert (first.result_truncated, first.total_records, second.skip_token) == ("false", 3, None)


async def test_without_an_id_there_is_no_skip_token(world: Simulated) -> None:
    """Rows that do not project their id cannot be paged."""
    for vm in ("vm-01", "vm-02"):
        world.run(vm, FAILED)
    assert (await ask(world, f"{JOBS} | project name", top=1)).skip_token is None


async def test_a_skip_token_is_bound_to_its_query(world: Simulated) -> None:
    """With another query it is refused."""
    for vm in ("vm-01", "vm-02"):
        world.run(vm, FAILED)
    token = (await ask(world, f"{JOBS} | project id", top=1)).skip_token
    with pytest.raises(HttpResponseError) as caught:
        await ask(world, f"{JOBS} | project id, name", top=1, skip_token=token)
    assert caught.value.status_code == 400


async def test_only_the_chosen_subscriptions_are_searched(world: Simulated) -> None:
    """No subscriptions means all that can be seen; an empty choice finds nothing."""
    for vm in ("vm-01", "vm-11"):
        world.run(vm, FAILED)
    query = f"{JOBS} | project subscriptionId"
    assert {row["subscriptionId"] for row in (await ask(world, query)).data} == {FIRST, SECOND}
    assert [row["subscriptionId"] for row in (await ask(world, query, [SECOND.upper()])).data] == [SECOND]
    assert (await ask(world, query, [])).data == []


async def test_vaults_without_a_role_are_left_out(world: Simulated) -> None:
    """Resource Graph does not say 403: the rows are just not there."""
    world.run("vm-91", FAILED)
    assert (await ask(world, "RecoveryServicesResources | where id contains 'vault-9'")).data == []


async def test_the_graph_lags_behind_the_vaults(world: Simulated) -> None:
    """With a lag of a minute a job that just failed is still running, and one that just began is not there."""
    world.run("vm-01", Outcome(status=JobStatus.FAILED, seconds=30))
    world.clock.move(seconds=40)
    world.run("vm-02", Outcome())
    world.server.faults.arm([{"name": "graph_lag", "seconds": 20}])
    query = (
        f"{JOBS} | project vm = tostring(properties.entityFriendlyName), status = tostring(properties.status)"
    )
    assert (await ask(world, query)).data == [{"vm": "vm-01", "status": "InProgress"}]
    world.clock.move(seconds=21)
    rows = (await ask(world, f"{query} | order by vm asc")).data
    assert [(row["vm"], row["status"]) for row in rows] == [("vm-01", "Failed"), ("vm-02", "InProgress")]


async def test_items_machines_vaults_and_subscriptions_are_there_too(world: Simulated) -> None:
    """Items in RecoveryServicesResources, vaults and VMs with their tags in Resources."""
    items = "recoveryservicesresources | where type endswith 'protecteditems' | project properties.sourceResourceId"
    assert len((await ask(world, items)).data) == 4
    tagged = "Resources | where type =~ 'microsoft.compute/virtualMachines' and tags.team == 'blue' | count"
    assert list((await ask(world, tagged)).data[0].values()) == [4]
    vaults = (
        "Resources | where type =~ 'Microsoft.RecoveryServices/vaults' | project name | order by name asc"
    )
    assert [row["name"] for row in (await ask(world, vaults)).data] == ["vault-1", "vault-2"]
    subscriptions = "ResourceContainers | where type =~ 'microsoft.resources/subscriptions' | project name"
    assert {row["name"] for row in (await ask(world, subscriptions)).data} == {"one", "two"}


async def test_the_table_format_has_typed_columns_and_rows(world: Simulated) -> None:
    """It is what old api-versions and `resultFormat: table` give."""
    world.run("vm-01", FAILED)
    answer = await ask(
        world, f"{JOBS} | project status = tostring(properties.status), properties", result_format="table"
    )
    assert answer.data["columns"] == [
        {"name": "status", "type": "string"},
        {"name": "properties", "type": "object"},
    ]
    assert answer.data["rows"][0][0] == "Failed"


async def test_a_query_that_is_no_kql_is_400(world: Simulated) -> None:
    """The details say what is wrong."""
    with pytest.raises(HttpResponseError) as caught:
        await ask(world, "RecoveryServicesResources | wherever x")
    assert caught.value.status_code == 400
    assert caught.value.error is not None
    assert [detail.code for detail in caught.value.error.details] == ["InvalidQuery", "ParserFailure"]


async def test_the_sixteenth_query_in_five_seconds_is_throttled(world: Simulated) -> None:
    """429 with Retry-After; a window later queries pass again."""
    for _ in range(15):
        await ask(world, "ResourceContainers | count")
    with pytest.raises(HttpResponseError) as caught:
        await ask(world, "ResourceContainers | count")
    assert caught.value.status_code == 429
    assert int(retry_after(caught.value)) in range(1, 7)
    world.clock.move(seconds=6)
    assert (await ask(world, "ResourceContainers | count")).count == 1


async def test_further_pages_are_cut_from_the_result_of_the_first(world: Simulated) -> None:
    """Jobs that appear between two pages shift nothing."""
    names = sorted(world.run(vm, FAILED) for vm in ("vm-01", "vm-02", "vm-03"))
    query = f"{JOBS} | project id, name | order by name asc"
    first = await ask(world, query, top=2)
    for _ in range(5):
        world.run("vm-01", FAILED)
    second = await ask(world, query, top=2, skip_token=first.skip_token)
    assert [row["name"] for row in first.data + second.data] == names
