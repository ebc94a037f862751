"""Every alert and event that is kept as a file, ours and real ones, with what it is to be read as."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backup_retry.domain.errors import BadSignal
from backup_retry.domain.jobs import Source
from reactor.alerts import parse_payload
from reactor.events import parse_event
from reactor.signals import Ignored, Signal
from tests.payloads import FOLDER, payload
from tests.signal_reading import (
    DISK,
    DISKS,
    JOB,
    MACHINE_ID,
    THE_DISK,
    THE_JOB,
    THE_VAULT,
    THE_VM,
    VAULT,
    Says,
    in_short,
)

SHARED = Path(__file__).resolve().parents[4] / "shared" / "azure" / "signals"
THE_DISKS_JOB = Says(DISKS.key, JOB, DISK.key)

#: our payloads by file: what they are read as
OURS: Mapping[str, object] = {
    "backup_failure_vm": THE_JOB,
    "backup_failure_without_context": THE_VAULT,
    "backup_failure_without_job_id": THE_VM,
    "backup_failure_of_a_backup_vault": THE_DISKS_JOB,
    "backup_failure_resolved": Ignored,
    "restore_failure": THE_JOB,
    "restore_failure_of_a_backup_vault": THE_DISKS_JOB,
    "security_alert": Ignored,
    "runbook_webhook": THE_JOB,
    "log_alert_backup_job": Says(VAULT.key, JOB, resource=MACHINE_ID.lower()),
    "log_alert_resource_graph_job": THE_JOB,
    "log_alert_backup_instance": THE_DISK,
    "log_alert_machine": Says(resource=MACHINE_ID.lower()),
    "log_alert_of_a_vault": THE_VAULT,
    "log_alert_job_without_vault": Ignored,
    "log_alert_v2": Ignored,
    "metric_alert": Ignored,
    "metric_alert_backup_health": THE_VM,
    "metric_alert_backup_health_of_many": THE_DISK,
    "metric_alert_backup_health_dynamic": THE_VAULT,
    "metric_alert_backup_healthy": Ignored,
    "activity_log_alert_backup_refused": THE_VM,
    "activity_log_alert_backup_instance_refused": THE_DISK,
    "activity_log_alert_backup_accepted": Ignored,
    "alert_of_another_service_with_an_odd_context": Ignored,
    "event_grid_alert": THE_JOB,
    "cloud_event_alert": THE_JOB,
    "event_grid_failure_found": THE_VM,
    "cloud_event_failure_found": THE_JOB,
    "event_grid_resource_action": Ignored,
    "event_grid_backup_refused": THE_VM,
    "event_grid_backup_instance_refused": THE_DISK,
    "metric_alert_own_schema": BadSignal,
    "log_alert_own_schema": BadSignal,
    "activity_log_alert_own_schema": BadSignal,
    "classic_metric_alert": BadSignal,
}
_VAULT_01 = (
    "/subscriptions/aaaa0a0a-bb1b-cc2c-dd3d-eeeeee4e4e4e/resourcegroups/rg-backup-vaults"
    "/providers/microsoft.recoveryservices/vaults/rsv-prod-01"
)
_ORDERS = "vmappcontainer;compute;rg-sql;vm-sql-02/protecteditems/sqldatabase;mssqlserver;orders_20260313"
#: real payloads and Microsoft's own samples: as a webhook's body, and as what Event Grid delivers
REAL: Mapping[str, tuple[object, object]] = {
    "01_azure_backup_builtin_alert_rsv_sql_fired": (
        Says(
            _VAULT_01,
            "88df0be3-7c77-46c9-bfc2-fb92e3b1918a",
            f"{_VAULT_01}/backupfabrics/azure/protectioncontainers/{_ORDERS}",
        ),
        Ignored,
    ),
    "02_log_alert_v2_test_action_docs": (Ignored, Ignored),
    "03_metric_alert_static_test_action_docs": (Ignored, Ignored),
    "04_activity_log_administrative_test_action_docs": (Ignored, Ignored),
    "05_metric_alert_resolved_docs": (Ignored, Ignored),
    "06_eventgrid_subscription_validation_request": (BadSignal, Ignored),
    "07_eventgrid_subscription_validation_response": (BadSignal, Ignored),
    "08_eventgrid_resource_action_success_schema": (BadSignal, Ignored),
    "09_eventgrid_deadletter_eventgrid_schema": (BadSignal, Ignored),
    "10_eventgrid_healthresources_cloudevent": (BadSignal, Ignored),
    "11_automation_runbook_wrapper_metric_resolved_real": (Ignored, Ignored),
    "12_resourcenotifications_resources_createdorupdated_eventgrid_min": (BadSignal, Ignored),
    "13_cloudevents_blobcreated_docs": (BadSignal, Ignored),
    "14_log_alert_v2_real_dimensions_excerpt": (Ignored, Ignored),
}


def is_event(content: Any) -> bool:
    """True for an event of either of Event Grid's schemas."""
    return isinstance(content, dict) and bool(content.keys() & {"eventType", "specversion"})


def delivered(content: Any) -> Signal | Ignored | BadSignal:
    """What an event is read as."""
    event_type = content.get("eventType") or content.get("type") or ""
    try:
        return parse_event(event_type, content.get("data"), subject=content.get("subject") or "")
    except BadSignal as error:
        return error


def posted(content: Any) -> Signal | Ignored | BadSignal:
    """What a webhook's body is read as."""
    try:
        return parse_payload(content)
    except BadSignal as error:
        return error


def test_every_file_of_ours_is_read() -> None:
    """A payload that no test expects anything of is forgotten when the schema changes."""
    assert set(OURS) == {
        path.stem for path in FOLDER.glob("*.json") if not path.stem.startswith("recovery_services_")
    }


@pytest.mark.parametrize(("name", "expected"), OURS.items())
def test_a_payload_is_read_as_what_it_says(name: str, expected: object) -> None:
    """Every signal, whole or with parts missing, and every one that is none."""
    content = payload(name)
    read = delivered(content) if is_event(content) else posted(content)
    assert in_short(read) == expected
    if isinstance(read, Signal):
        assert read.source is (Source.EVENT if is_event(content) else Source.ALERT)
        assert read.label


def shared(name: str) -> Any:
    """A real payload; skips where those are not at hand."""
    path = SHARED / f"{name}.json"
    if not path.is_file():
        pytest.skip("the shared samples of real payloads are not on this machine")
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_real_payload_is_expected() -> None:
    """None of them is left out of the table."""
    if not SHARED.is_dir():
        pytest.skip("the shared samples of real payloads are not on this machine")
    assert {path.stem for path in SHARED.glob("*.json")} == set(REAL)


@pytest.mark.parametrize(("name", "expected"), [(name, pair[0]) for name, pair in REAL.items()])
def test_a_real_payload_as_a_body_is_read_as_what_it_says(name: str, expected: object) -> None:
    """The portal's test notifications are answered politely, and do nothing."""
    assert in_short(posted(shared(name))) == expected


@pytest.mark.parametrize(("name", "expected"), [(name, pair[1]) for name, pair in REAL.items()])
def test_a_real_payload_as_an_event_is_read_as_what_it_says(name: str, expected: object) -> None:
    """None of these is an event for us; a subscription that sends too much is no error."""
    content = shared(name)
    for event in content if isinstance(content, list) else [content]:
        assert in_short(delivered(event)) == expected
