"""Every recorded answer of Azure goes through Microsoft's models and our reading of it, or is named as none of ours."""

import json
from collections.abc import AsyncIterator
from datetime import time, timedelta
from fnmatch import fnmatch
from typing import Any

import pytest
import pytest_asyncio

from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.errors import AzureRefused, NotFound
from backup_retry.domain.jobs import BackupRequest
from backup_retry.domain.schedule import BackupPolicy, Daily
from simulator.machine.tls import Certificates
from tests.player import Player, playing
from tests.recorded import RECORDINGS, looked_at, needs_recordings
from tests.vault_world import VM

pytestmark = [pytest.mark.asyncio(loop_scope="module"), needs_recordings]

#: read in test_recordings and in test_data_protection_recordings
READ_ELSEWHERE = (
    "*get_job*.json",
    "*list_jobs*.json",
    "*get_protected_item__*.json",
    "*list_protected_items*.json",
    "*operation_status__*.json",
    "dpp_*.json",
)
#: operations that the app never calls: their answers cannot reach it
NEVER_CALLED = (
    "arg__first_page__table_format.json",  # we ask for objects
    "azurestorage__enable_protection__202.json",
    "azurestorage__list_recovery_points.json",
    "iaasvm__cancel_job__202.json",
    "iaasvm__cancel_job_operation_result__204.json",
    "rsv__get_vault__monitoring_settings.json",  # Resource Graph tells it
    "sql__stop_protection__202.json",
)
NIGHTLY = Daily(times=(time(16, 0),))
POLICIES = {
    "azurestorage__get_policy__daily": BackupPolicy(
        schedules={"": (Daily(times=(time(22, 0),)),)}, base_retention=timedelta(days=30)
    ),
    "sql__get_policy__full_daily_log_hourly": BackupPolicy(
        schedules={"full": (NIGHTLY,), "log": ()},
        base_retention=timedelta(days=30),
        log_interval=timedelta(hours=1),
    ),
}
REFUSALS = {
    "arm__get_resource__404_not_found": (NotFound, "ResourceNotFound"),
    "arm__get_resource_group__404_gateway": (NotFound, "ResourceGroupNotFound"),
    "rsv__list_containers__400_invalid_input": (AzureRefused, "BMSUserErrorInvalidInput"),
    "rsv__update_item__400_immutable": (AzureRefused, "UserErrorOperationDeniedOnImmutableItem"),
}
TRIGGERS = {
    "iaasvm__trigger_backup__202_signed_urls": BackupRequest(workload="VM"),
    "azurestorage__trigger_backup__202": BackupRequest(workload="AzureFileShare"),
    "sql__trigger_backup__202": BackupRequest(workload="SQLDataBase", kind="Full"),
}
PAGES = ("arg__next_page__object_array", "arg__dpp_backup_jobs__completed", "arg__dpp_backup_vaults")
READ_HERE = (*POLICIES, *REFUSALS, *TRIGGERS, *PAGES, "iaasvm__get_policy__default_daily")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def player(trust: Certificates) -> AsyncIterator[Player]:
    """A Resource Manager that gives the recorded answers."""
    async with playing(trust, Player()) as started:
        yield started


def recording(name: str) -> tuple[dict[str, Any], Any]:
    """What was asked and what was answered."""
    content = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    return content["request"], content["response"]


async def test_no_recording_is_left_out() -> None:
    """Whatever somebody has looked at is read, or is named as one that cannot reach us."""
    known = {*NEVER_CALLED, *(f"{name}.json" for name in READ_HERE)}
    found = {path.name for path in looked_at("*.json") if path.parent == RECORDINGS}
    left = {each for each in found - known if not any(fnmatch(each, pattern) for pattern in READ_ELSEWHERE)}
    assert left == set()
    assert known <= found


@pytest.mark.parametrize("name", POLICIES)
async def test_recorded_policies_are_read(player: Player, name: str) -> None:
    """Times of day without their date, each kind of backup by itself, the log's interval."""
    assert await player.policy(recording(name)[1]["body"]) == POLICIES[name]


async def test_the_recorded_default_policy_is_read(player: Player) -> None:
    """One of a list's eight."""
    (row,) = recording("iaasvm__get_policy__default_daily")[1]["body"]["value"]
    read = await player.policy(row)
    assert read is not None
    assert read.base_retention == timedelta(days=30)
    assert [type(each) for each in read.schedules[""]] == [Daily]


@pytest.mark.parametrize("name", REFUSALS)
async def test_recorded_refusals_keep_their_code(player: Player, name: str) -> None:
    """Whatever was asked: a refusal is weighed by its code, and only a 404 of the item itself means that it is gone."""
    kind, code = REFUSALS[name]
    answer = recording(name)[1]
    with pytest.raises(AzureRefused) as raised:
        await player.item(answer["body"], answer["status"])
    assert (type(raised.value), raised.value.code) == (kind, code)


@pytest.mark.parametrize("name", TRIGGERS)
async def test_a_recorded_triggers_address_is_kept_as_it_is(player: Player, name: str) -> None:
    """Three and a half thousand characters, some of them `;`; and the body that was recorded is the one we send."""
    asked, answer = recording(name)
    address = await player.trigger(VM, TRIGGERS[name], answer["headers"])
    assert address == answer["headers"]["azure-asyncoperation"]
    sent = player.asked[-1]["properties"]
    assert sent.items() <= asked["body"]["properties"].items()


@pytest.mark.parametrize("name", PAGES)
async def test_recorded_pages_of_resource_graph_are_read_row_by_row(player: Player, name: str) -> None:
    """A page that names a further one is followed by it."""
    body = recording(name)[1]["body"]
    player.body, player.status = {key: value for key, value in body.items() if key != "$skipToken"}, 200
    rows = [row async for row in ResourceGraph(player.clients).rows("Resources")]
    assert rows == body["data"]
