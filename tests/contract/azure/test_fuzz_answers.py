"""Recorded answers of Azure with parts dropped, of another type, or cut off, through Microsoft's SDKs over TLS."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.jobs import Job
from backup_retry.ports.vaults import Vaults
from simulator.machine.tls import Certificates
from tests.backup_vaults_world import VAULT as BACKUP_VAULT
from tests.player import Player, playing
from tests.recorded import looked_at
from tests.vault_world import MINUTE, VM

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = Path(__file__).parents[2] / "cases" / "files"
DISK = ProtectedItem(vault=BACKUP_VAULT, name="disk-1")
#: what a field may hold instead
OTHERS: tuple[Any, ...] = (
    5,
    -1.5,
    True,
    "",
    "31/12/2026 25:00",
    "9999-12-31T23:59:59-14:00",
    [],
    ["x"],
    {},
    {"x": None},
    None,
)
CALLS = ("job", "jobs", "item", "operation")


@dataclass(frozen=True)
class Answer:
    """A right answer, to which call."""

    name: str
    call: str
    body: Any
    of_backup_vault: bool

    def __repr__(self) -> str:
        return f"{self.name} ({self.call})"


def of_cases() -> Iterator[Answer]:
    """The repository's own: what the field cases show of each kind of vault."""
    for path in sorted(FILES.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        for kind in ("rsv", "dpp"):
            for key, call in (("jobs", "job"), ("items", "item")):
                for row in told.get(kind, {}).get(key) or []:
                    yield Answer(path.stem, call, row, kind == "dpp")
                    if call == "job":
                        yield Answer(path.stem, "jobs", {"value": [row]}, kind == "dpp")


def of_recordings() -> Iterator[Answer]:
    """The recorded ones, where they are at hand."""
    calls = {
        "get_job": "job",
        "list_jobs": "jobs",
        "get_protected_item": "item",
        "get_backup_instance": "item",
        "operation_status": "operation",
    }
    for path in looked_at("*.json"):
        call = next((call for word, call in calls.items() if f"__{word}" in path.stem), None)
        answer = json.loads(path.read_text(encoding="utf-8"))["response"]
        if call and answer["status"] == 200 and isinstance(answer.get("body"), dict):
            yield Answer(path.stem, call, answer["body"], path.name.startswith(("dpp", "aks")))


ANSWERS = [*of_cases(), *of_recordings()]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value within a body."""
    entries = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, each in entries:
        yield (*path, key)
        yield from places(each, (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Answer, str]:
    """A right answer with some of its values dropped or of another type, or cut off; the text that is sent."""
    answer = draw(st.sampled_from(ANSWERS))
    body = deepcopy(answer.body)
    for _ in range(draw(st.integers(0, 3))):
        ways: Sequence[tuple[Any, ...]] = list(places(body))
        if not ways:
            break
        *way, last = draw(st.sampled_from(ways))
        parent = body
        for key in way:
            parent = parent[key]
        if draw(st.booleans()):
            del parent[last]
        else:
            kept = type(parent[last])
            parent[last] = deepcopy(
                draw(st.sampled_from([each for each in OTHERS if type(each) is not kept]))
            )
    text = json.dumps(body)
    return answer, text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 5)) == 0 else text


class Fuzzed(Player):
    """Gives the text that it was told to."""

    text = ""

    def connect(self, clients: AzureClients) -> None:
        """See Player."""
        super().connect(clients)
        self.of: Mapping[bool, Vaults] = {
            False: self._vaults,
            True: DataProtectionVaults(clients, self.clock),
        }

    async def play(self, request: web.Request) -> web.Response:
        """The answer; lists of items are empty."""
        text = (
            '{"value": []}'
            if request.path.endswith(("/backupProtectedItems", "/backupInstances"))
            else self.text
        )
        return web.Response(text=text, content_type="application/json")

    async def ask(self, answer: Answer, text: str) -> Any:
        """What the adapter of that kind of vault makes of it."""
        self.text = text
        self.clock.move(minutes=120)
        vaults, item = self.of[answer.of_backup_vault], DISK if answer.of_backup_vault else VM
        if answer.call == "job":
            return [await vaults.job(item.vault, "job-1")]
        if answer.call == "jobs":
            now = self.clock()
            return (await vaults.jobs(item.vault, now - 10_000_000 * MINUTE, fresh_since=now)).jobs
        if answer.call == "item":
            return await vaults.item(item)
        return await vaults.operation(item, f"{self.url}/operation?t=1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fuzzed(trust: Certificates) -> AsyncIterator[Fuzzed]:
    """A Resource Manager that gives fuzzed answers."""
    async with playing(trust, Fuzzed()) as started:
        yield started


def states(answer: Answer) -> set[str]:
    """The words in a right answer that a status or a state may be made of."""
    text = json.dumps(answer.body).lower()
    return {word for word in ("failed", "cancelled", "softdeleted", "stopped") if word in text}


@given(case=mutated())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
async def test_no_broken_answer_makes_up_a_failure_or_an_end(
    fuzzed: Fuzzed, case: tuple[Answer, str]
) -> None:
    """It is read or it is no answer; no exception is anything else, and no item is gone or stopped by it."""
    answer, text = case
    try:
        found = await fuzzed.ask(answer, text)
    except BackupRetryError:
        return
    said = states(answer)
    if answer.call in {"job", "jobs"}:
        jobs: Sequence[Job] = found
        assert all(not job.failed or {"failed", "cancelled"} & said for job in jobs)
    elif answer.call == "item":
        assert found is not None
        flag = json.loads(text)["properties"].get("isScheduledForDeferredDelete")
        assert not found.deleted or "softdeleted" in said or flag is True
        assert "stopped" not in found.protection_state.lower() or "stopped" in said
    else:
        assert found is None or found.status
