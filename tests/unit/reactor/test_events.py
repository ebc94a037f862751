"""Events of either Event Grid schema: alerts, refused calls, our own."""

import json

import pytest

from backup_retry.domain.errors import BadSignal
from backup_retry.domain.failure_batches import FAILURE_FOUND
from backup_retry.domain.jobs import Source
from reactor.events import parse_event
from reactor.signals import Ignored, Signal
from tests.builders import item, vault
from tests.payloads import payload
from tests.signal_reading import DISK, DISKS, JOB, THE_DISK, THE_JOB, THE_VM, VAULT, VM, Says, says, why_not

VAULT_ID = vault().id
BACKUP = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/backup/action"


def read_event(name: str) -> Signal | Ignored:
    """The signal in an event's file, of either schema."""
    event = payload(name)
    event_type = str(event.get("eventType") or event["type"])
    return parse_event(event_type, event["data"], subject=event["subject"])


@pytest.mark.parametrize("name", ["event_grid_alert", "cloud_event_alert"])
def test_an_event_may_carry_the_alert(name: str) -> None:
    """Of whatever type, in either schema: the data is the same alert, heard of in another way."""
    signal = read_event(name)

    assert says(signal) == THE_JOB
    assert isinstance(signal, Signal)
    assert signal.source is Source.EVENT


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"jobId": f"{VAULT_ID}/backupJobs/{JOB}"}, Says(VAULT.key, JOB)),
        ({"jobId": f"{DISKS.id}/backupJobs/{JOB}", "itemId": DISK.id}, Says(DISKS.key, JOB, DISK.key)),
        ({"jobId": f"{VAULT_ID}/backupJobs/{JOB}", "itemId": DISK.id}, Says(VAULT.key, JOB)),
        ({"itemId": VM.id}, THE_VM),
        ({"itemId": DISK.id}, THE_DISK),
        ({"itemId": VM.id, "jobId": JOB}, THE_JOB),
        ({"vaultId": VAULT_ID, "jobId": JOB}, Says(VAULT.key, JOB)),
        ({"vaultId": DISKS.id}, Says(DISKS.key)),
    ],
)
def test_our_own_event_names_a_job_an_item_or_a_vault(data: dict[str, str], expected: Says) -> None:
    """Of either kind of vault; a job's vault counts before its item's."""
    assert says(parse_event(FAILURE_FOUND, data)) == expected


def test_data_that_is_json_in_a_string_is_read() -> None:
    """Some publishers send the data twice encoded."""
    signal = parse_event(FAILURE_FOUND.lower(), json.dumps({"vaultId": VAULT_ID}))

    assert isinstance(signal, Signal)


@pytest.mark.parametrize("data", [{}, [], None, 7, "plain text", {"data": 7}, {"schemaId": "another"}])
def test_an_event_of_another_type_is_ignored(data: object) -> None:
    """A subscription that sends too much is no error."""
    assert isinstance(parse_event("Contoso.Something", data), Ignored)


# ---- refused calls -------------------------------------------------------------------------------------------------


def refused_call(operation: str = BACKUP, target: str = VM.id, subject: str = "") -> Signal | Ignored:
    """An event of the subscription: a call was refused."""
    data = {"operationName": operation, "resourceUri": target, "status": "Failed"}
    return parse_event("microsoft.resources.RESOURCEACTIONFAILURE", data, subject=subject)


def test_another_refused_call_is_ignored() -> None:
    """A machine that did not start is not our business; the answer names the operation and the machine."""
    ignored = read_event("event_grid_resource_action")

    assert "virtualMachines/start/action does not start a backup" in why_not(ignored)
    assert isinstance(ignored, Ignored)
    assert ignored.came["target"].endswith("/virtualMachines/vm-01")


def test_a_refused_backup_leads_to_its_item() -> None:
    """Neither the event's type nor the operation's name has case."""
    assert says(refused_call(BACKUP.upper())) == THE_VM


def test_a_refused_backup_may_name_its_item_as_the_subject_only() -> None:
    """Where the data lacks it."""
    assert says(refused_call(target="", subject=VM.id)) == THE_VM


@pytest.mark.parametrize("target", ["", "/subscriptions/x", VM.id.replace(VAULT_ID, "")])
def test_a_refused_backup_of_nothing_we_know_is_ignored(target: str) -> None:
    """An id that names neither an item nor a vault."""
    assert "no protected item" in why_not(refused_call(target=target))


@pytest.mark.parametrize("data", [[], None, {"operationName": 7}, {"authorization": "x"}])
def test_a_refused_call_that_cannot_be_read_is_refused(data: object) -> None:
    """It is logged, and not delivered again."""
    with pytest.raises(BadSignal):
        parse_event("Microsoft.Resources.ResourceActionFailure", data)


@pytest.mark.parametrize("outcome", ["Success", "Cancel"])
def test_a_call_that_was_not_refused_is_ignored(outcome: str) -> None:
    """It says that a backup was accepted, and nothing of how it ends."""
    data = {"operationName": BACKUP, "resourceUri": VM.id}
    assert why_not(parse_event(f"Microsoft.Resources.ResourceAction{outcome}", data))


# ---- our own event that cannot be read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (None, "data"),
        ([], "data"),
        ({}, "data.vaultId"),
        ({"jobId": JOB}, "data.vaultId"),
        ({"itemId": VAULT_ID}, "data.itemId"),
        ({"itemId": item().id + "/../../x"}, "data.itemId"),
        ({"vaultId": "vault-1"}, "data.vaultId"),
        ({"vaultId": VAULT_ID, "jobId": "../x"}, "data.jobId"),
        ({"vaultId": VAULT_ID, "jobId": 7}, "data.jobId"),
    ],
)
def test_our_own_event_that_names_nothing_is_refused(data: object, where: str) -> None:
    """Whoever wrote the publisher is told which field is wrong."""
    with pytest.raises(BadSignal) as caught:
        parse_event(FAILURE_FOUND, data)

    assert caught.value.where == where
