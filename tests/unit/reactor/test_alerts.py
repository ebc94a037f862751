"""Alerts: the envelope that all of them have, Azure Backup's built-in ones, and the wrapper of a runbook's webhook."""

import json
from typing import Any

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import BadSignal
from backup_retry.domain.jobs import Source
from reactor.alerts import parse_alert, parse_body
from reactor.common_schema import COMMON_SCHEMA
from reactor.signals import Ignored, Signal
from tests.builders import item, vault
from tests.payloads import body, payload
from tests.signal_reading import DISK, DISKS, JOB, THE_JOB, THE_VAULT, VAULT, Says, says, why_not

VAULT_ID = vault().id


def read(value: object) -> Signal | Ignored:
    """What an alert is read as."""
    return parse_alert(value, Source.ALERT)


def refused(value: object) -> BadSignal:
    """How an alert is refused."""
    with pytest.raises(BadSignal) as caught:
        parse_alert(value, Source.ALERT)
    return caught.value


def changed(name: str, path: list[str], value: object) -> Any:
    """A payload in which one thing is something else."""
    alert = payload(name)
    parent = alert
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = value
    return alert


JOB_ID = ["data", "alertContext", "extendedInfo", "jobId"]
ITEM_ID = ["data", "alertContext", "protectedItemId"]
TARGETS = ["data", "essentials", "alertTargetIDs"]

# ---- Azure Backup's own alerts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["Backup Failure", "backup failure", "Restore Failure"])
def test_a_failed_job_names_vault_item_and_job(rule: str) -> None:
    """Two casings of one resource group are one vault."""
    signal = read(changed("backup_failure_vm", ["data", "essentials", "alertRule"], rule))

    assert says(signal) == THE_JOB
    assert signal.label.endswith("/alerts/11111111-2222-3333-4444-555555555555")


def test_a_job_may_be_named_by_its_full_arm_id() -> None:
    """As Backup vaults name it elsewhere; the vault in it is the one to ask."""
    alert = changed("backup_failure_of_a_backup_vault", JOB_ID, f"{DISKS.id}/backupJobs/{JOB}")
    alert["data"]["essentials"]["alertTargetIDs"] = [VAULT_ID]

    assert says(read(alert)) == Says(DISKS.key, JOB, DISK.key)


def test_a_failed_restore_without_its_job_leads_to_the_vault() -> None:
    """The item would lead to its backups, which are another matter."""
    assert says(read(changed("restore_failure", JOB_ID, None))) == THE_VAULT


@pytest.mark.parametrize("other", [item(of=vault("vault-2")), DISK])
def test_an_item_of_another_vault_is_not_taken_over(other: ProtectedItem) -> None:
    """What the alert says about the item must agree with the vault that it is about."""
    assert says(read(changed("backup_failure_vm", ITEM_ID, other.id))) == Says(VAULT.key, JOB)


def test_the_id_that_we_give_a_restore_is_no_items() -> None:
    """Nobody but this app uses it."""
    assert says(read(changed("backup_failure_vm", ITEM_ID, f"{item().id}/restores/{JOB}"))).item == ""


def test_the_vault_is_known_from_the_item_where_the_alert_names_no_target() -> None:
    """The list of targets may be missing."""
    assert says(read(changed("backup_failure_vm", TARGETS, None))) == THE_JOB


# ---- what is none of our business ----------------------------------------------------------------------------------


def test_an_alert_without_its_schema_id_is_read_by_its_looks() -> None:
    """Logic Apps and the like drop it on the way."""
    alert = payload("backup_failure_vm")
    del alert["schemaId"]

    assert says(read(alert)) == THE_JOB


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("backup_failure_resolved", "Resolved, not Fired"),
        ("security_alert", "'Delete Backup Data' of Azure Backup"),
        ("metric_alert", "no metric, not on BackupHealthEvent or RestoreHealthEvent"),
        ("log_alert_v2", "there are: JobStatus"),
        ("alert_of_another_service_with_an_odd_context", "Some New Service"),
    ],
)
def test_an_alert_that_is_none_of_our_business_is_ignored_politely(name: str, why: str) -> None:
    """A well-formed alert is no error: the answer says why nothing happens."""
    [read] = parse_body(body(name))
    assert why in why_not(read)


def test_an_ignored_alert_says_what_came() -> None:
    """So that an administrator finds who sends it."""
    ignored = read(payload("alert_of_another_service_with_an_odd_context"))

    assert isinstance(ignored, Ignored)
    assert ignored.label.endswith("/alerts/11111111-2222-3333-4444-555555555555")
    assert ignored.came == {
        "service": "Some New Service",
        "rule": "rule-1",
        "signal_type": "Log",
        "target": VAULT_ID.lower(),
    }


@pytest.mark.parametrize("category", ["Security", "Configuration"])
def test_a_backup_failure_of_another_category_is_ignored(category: str) -> None:
    """Only jobs are retried."""
    alert = changed("backup_failure_vm", ["data", "alertContext", "category"], category)

    assert category in why_not(read(alert))


# ---- what cannot be read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "metric_alert_own_schema",
        "log_alert_own_schema",
        "activity_log_alert_own_schema",
        "classic_metric_alert",
    ],
)
def test_the_non_common_schemas_are_told_how_to_mend_it(name: str) -> None:
    """The action group's default: the answer says which switch to turn on."""
    refusal = refused(payload(name))

    assert refusal.where == "schemaId"
    assert "common alert schema" in refusal.remedy


def test_what_is_no_json_is_refused() -> None:
    """The answer names the body as the place."""
    with pytest.raises(BadSignal) as caught:
        parse_body(b'{"schemaId": ')

    assert caught.value.where == "body"


@pytest.mark.parametrize("value", [None, 7, "text", [], [{"schemaId": COMMON_SCHEMA}]])
def test_json_that_is_no_object_is_refused(value: object) -> None:
    """An Event Grid batch posted to the webhook is one of these."""
    assert refused(value).where == "body"


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (["data"], None, "data"),
        (["data", "essentials"], None, "data.essentials"),
        (["data", "essentials", "alertTargetIDs"], ["no id"], "data.essentials.alertTargetIDs"),
        (["data", "essentials", "alertTargetIDs"], "text", "data.essentials.alertTargetIDs"),
        (["data", "essentials", "alertRule"], 7, "data.essentials.alertRule"),
    ],
)
def test_a_malformed_alert_is_refused_where_it_is_wrong(path: list[str], value: object, where: str) -> None:
    """The message names the field."""
    assert refused(changed("backup_failure_without_context", path, value)).where.startswith(where)


@pytest.mark.parametrize(
    "job_id",
    [
        "../../../providers/Microsoft.Storage",
        "..",
        "a/b",
        "a%2Fb",
        "a?b",
        "a b",
        "a\n",
        "a' or 1 eq 1",
        "x" * 65,
        "\u017f\u212a",  # long s and Kelvin sign: letters to a careless pattern
    ],
)
def test_a_hostile_job_id_is_refused_before_any_call(job_id: str) -> None:
    """It would become part of a URL."""
    assert refused(changed("backup_failure_vm", JOB_ID, job_id)).where == ".".join(JOB_ID)


@pytest.mark.parametrize(
    "vault_id",
    [
        VAULT_ID.replace("rg-backup", ".."),
        VAULT_ID.replace("rg-backup", "a/../b"),
        VAULT_ID.replace("vault-1", ".."),
        VAULT_ID.replace("vault-1", "v/../../x"),
        VAULT_ID + "?api-version=1",
        VAULT_ID.replace("/subscriptions/", "/subscriptions/x"),
        "https://evil.example" + VAULT_ID,
        "",
    ],
)
def test_a_hostile_vault_id_is_no_vault(vault_id: str) -> None:
    """Only a well-formed ARM id of a vault is one."""
    assert refused(changed("backup_failure_without_context", TARGETS, [vault_id])).where == ".".join(TARGETS)


# ---- the wrapper of a runbook's webhook ----------------------------------------------------------------------------


def wrapped(request_body: object) -> bytes:
    """A body as Azure Automation hands it to a runbook."""
    return json.dumps({"WebhookName": "w", "RequestBody": request_body, "RequestHeader": {}}).encode()


def test_a_runbooks_wrapper_is_taken_off() -> None:
    """An existing runbook's webhook action can be pointed here."""
    [read] = parse_body(body("runbook_webhook"))
    assert says(read) == THE_JOB


def test_a_logic_apps_wrapper_is_taken_off() -> None:
    """A trigger's outputs are headers and body."""
    outputs = {"headers": {"Content-Type": "application/json"}, "body": payload("backup_failure_vm")}
    [read] = parse_body(json.dumps(outputs).encode())
    assert says(read) == THE_JOB


def test_alerts_that_came_through_an_event_hub_are_read_each() -> None:
    """In their order; one that is none of our business keeps no other back."""
    batch = [payload("backup_failure_vm"), payload("metric_alert"), payload("backup_failure_vm")]
    first, ignored, last = parse_body(json.dumps(batch).encode())
    assert (says(first), bool(why_not(ignored)), says(last)) == (THE_JOB, True, THE_JOB)


@pytest.mark.parametrize("number", [0, 101])
def test_an_array_of_no_alert_or_of_too_many_is_refused(number: int) -> None:
    """The message says how many may come."""
    with pytest.raises(BadSignal, match=f"an array of {number}.*1 to 100"):
        parse_body(json.dumps([payload("backup_failure_vm")] * number).encode())


@pytest.mark.parametrize(
    ("request_body", "where"),
    [
        ("{", "RequestBody"),
        ("", "RequestBody"),
        (None, "RequestBody"),
        (payload("backup_failure_vm"), "RequestBody"),
        ("[]", "body"),
        ('{"schemaId": "AzureMonitorMetricAlert"}', "schemaId"),
        (wrapped(json.dumps(payload("backup_failure_vm"))).decode(), "schemaId"),
    ],
    ids=["no JSON", "empty", "null", "an object", "a list", "another schema", "wrapped twice"],
)
def test_a_wrapper_around_no_alert_is_refused(request_body: object, where: str) -> None:
    """The message names what is wrong: the wrapper's text, or the alert in it."""
    with pytest.raises(BadSignal) as caught:
        parse_body(wrapped(request_body))

    assert (caught.value.where, bool(caught.value.remedy)) == (where, True)
