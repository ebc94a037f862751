"""Jobs that completed with warnings: their details say whether they made a recovery point."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from simulator.machine.tls import Certificates
from tests.player import Player, playing

pytestmark = pytest.mark.asyncio(loop_scope="module")

WARNED = (
    Path(__file__).parents[4]
    / "shared"
    / "azure"
    / "recordings_2"
    / "iaasvm__get_job__completed_with_warnings_cancelled.json"
)
Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def player(trust: Certificates) -> AsyncIterator[Player]:
    async with playing(trust, Player()) as started:
        yield started


def warned(size_of: Json, **differing: Any) -> Json:
    """A VM's job that completed with a warning, in its detail form, with what it says of its size."""
    said = {
        "backupManagementType": "AzureIaasVM",
        "containerName": "iaasvmcontainerv2;rg-app;vm-01",
        "entityFriendlyName": "vm-01",
        "operation": "Backup",
        "status": "CompletedWithWarnings",
        "startTime": "2026-03-13T00:10:00Z",
        "extendedInfo": {"propertyBag": size_of},
        "errorDetails": [{"errorCode": 400158, "errorTitle": "UserErrorJobSuccessfullyCancelled"}],
    }
    return {"name": "warned", "properties": said | differing}


def transferred(status: str) -> Json:
    """Such a job without a size; its snapshot was taken."""
    tasks = [{"taskId": "Take Snapshot", "status": "Completed"}]
    tasks.append({"taskId": "Transfer data to vault", "status": status})
    return warned({}, extendedInfo={"tasksList": tasks, "propertyBag": {}})


@pytest.mark.parametrize(
    ("shown", "moved"),
    [
        pytest.param(warned({"Backup Size": "0 MB"}), False, id="a VM that moved nothing"),
        pytest.param(warned({"Backup Size": "753 MB"}), True, id="a VM"),
        pytest.param(warned({"Data Transferred (in MB)": "0"}), False, id="a database that moved nothing"),
        pytest.param(warned({"Data Transferred (in MB)": "0.1147"}), True, id="a database"),
        pytest.param(warned({"VM Name": "vm-01"}), False, id="a size that is not said"),
        pytest.param(warned({"Backup Size": "unknown"}), False, id="a size that is none"),
        pytest.param(transferred("Completed"), True, id="no size, and the transfer completed"),
        pytest.param(transferred("Cancelled"), False, id="no size, and the transfer was cancelled"),
        pytest.param(warned({}, extendedInfo=None), None, id="a list"),
        pytest.param(warned({"Backup Size": "0 MB"}, status="Completed"), None, id="no warning"),
        pytest.param(
            warned({"Data Transferred (in MB)": "0"}, backupManagementType="AzureStorage"), None, id="a share"
        ),
    ],
)
async def test_a_job_with_warnings_says_whether_it_moved_data(
    player: Player, shown: Json, moved: bool | None
) -> None:
    """A size, or a transfer that completed, proves it; of a share that is kept as snapshots nobody expects any."""
    [job] = await player.jobs({"value": [shown]})
    assert job.moved_data is moved


@pytest.mark.skipif(not WARNED.is_file(), reason="the collection of recorded answers is not at hand")
async def test_a_recorded_cancelled_job_completed_with_warnings_and_moved_nothing(player: Player) -> None:
    """Its snapshot was taken, and the transfer cancelled."""
    [job] = await player.jobs({"value": [json.loads(WARNED.read_text(encoding="utf-8"))["response"]["body"]]})
    assert (job.moved_data, job.status.succeeded, job.warning) == (
        False,
        True,
        f"Job {job.id} completed with warnings (UserErrorJobSuccessfullyCancelled: Job is cancelled.).",
    )
