"""Signals: what an alert or event is read as, and that nothing it holds can do more than be refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup_retry.errors import BadSignal
from backup_retry.model import Source
from reactor.signals import (
    COMMON_SCHEMA,
    FAILURE_FOUND,
    Ignored,
    Signal,
    parse_alert,
    parse_body,
    parse_event,
)
from tests.builders import item, vault
from tests.payloads import body, payload

SHARED = Path(__file__).resolve().parents[3] / "shared" / "azure" / "signals"
JOB = "4f6c2d1e-8a3b-4c5d-9e7f-0a1b2c3d4e5f"
VAULT_ID = vault().id


def read(name: str) -> Signal:
    """The signal in an alert's file."""
    signal = parse_body(body(name))
    assert isinstance(signal, Signal)
    return signal


def read_event(name: str) -> Signal | Ignored:
    """The signal in an event's file, of either schema."""
    event = payload(name)
    return parse_event(event.get("eventType") or event["type"], event["data"])


def refused(value: object) -> BadSignal:
    """How an alert is refused."""
    with pytest.raises(BadSignal) as caught:
        parse_alert(value, Source.ALERT)
    return caught.value


# ---- alerts --------------------------------------------------------------------------------------------------


def test_a_backup_failure_names_vault_item_and_job() -> None:
    """The built-in alert of a VM; two casings of one resource group are one vault."""
    signal = read("backup_failure_vm")

    assert (signal.source, signal.job_id) == (Source.ALERT, JOB)
    assert signal.vault.key == vault().key
    assert signal.item is not None
    assert signal.item.key == item().key
    assert signal.label.endswith("/alerts/11111111-2222-3333-4444-555555555555")


@pytest.mark.parametrize(
    ("name", "with_item"),
    [("backup_failure_without_context", False), ("backup_failure_without_job_id", True)],
)
def test_every_part_of_the_context_is_optional(name: str, with_item: bool) -> None:
    """Without a job id the vault has to be looked at: the signal still names it."""
    signal = read(name)

    assert (signal.vault.key, signal.job_id) == (vault().key, "")
    assert (signal.item is not None) is with_item


def test_an_item_of_another_vault_is_not_taken_over() -> None:
    """What the alert says about the item must agree with the vault that it is about."""
    alert = payload("backup_failure_vm")
    alert["data"]["alertContext"]["protectedItemId"] = item(of=vault("vault-2")).id

    signal = parse_alert(alert, Source.ALERT)

    assert isinstance(signal, Signal)
    assert (signal.vault.key, signal.item) == (vault().key, None)


def test_the_vault_is_known_from_the_item_where_the_alert_names_no_target() -> None:
    """The list of targets may be missing."""
    alert = payload("backup_failure_vm")
    alert["data"]["essentials"]["alertTargetIDs"] = None

    signal = parse_alert(alert, Source.ALERT)

    assert isinstance(signal, Signal)
    assert signal.vault.key == vault().key


def test_an_alert_without_its_schema_id_is_read_by_its_looks() -> None:
    """Logic Apps and the like drop it on the way."""
    alert = payload("backup_failure_vm")
    del alert["schemaId"]

    assert isinstance(parse_alert(alert, Source.ALERT), Signal)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("backup_failure_resolved", "Resolved"),
        ("restore_failure", "Restore Failure"),
        ("security_alert", "Delete Backup Data"),
        ("metric_alert", "Platform"),
        ("log_alert_v2", "Log Alerts V2"),
        ("backup_failure_of_a_backup_vault", "Microsoft.DataProtection"),
        ("alert_of_another_service_with_an_odd_context", "Some New Service"),
    ],
)
def test_an_alert_that_is_none_of_our_business_is_ignored_politely(name: str, why: str) -> None:
    """A well-formed alert is no error: the answer says why nothing happens."""
    signal = parse_body(body(name))

    assert isinstance(signal, Ignored)
    assert why in signal.why
    assert signal.label


@pytest.mark.parametrize("category", ["Security", "Configuration"])
def test_a_backup_failure_of_another_category_is_ignored(category: str) -> None:
    """Only jobs are retried."""
    alert = payload("backup_failure_vm")
    alert["data"]["alertContext"]["category"] = category

    assert isinstance(parse_alert(alert, Source.ALERT), Ignored)


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
    alert = payload("backup_failure_without_context")
    parent = alert
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = value

    assert refused(alert).where.startswith(where)


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
    alert = payload("backup_failure_vm")
    alert["data"]["alertContext"]["extendedInfo"]["jobId"] = job_id

    assert refused(alert).where == "data.alertContext.extendedInfo.jobId"


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
    """Only a well-formed ARM id of a Recovery Services vault is one."""
    alert = payload("backup_failure_without_context")
    alert["data"]["essentials"]["alertTargetIDs"] = [vault_id]

    assert refused(alert).where == "data.essentials.alertTargetIDs"


# ---- events --------------------------------------------------------------------------------------------------


def test_an_event_may_carry_the_alert() -> None:
    """Of whatever type: the data is the same alert, heard of in another way."""
    signal = read_event("event_grid_alert")

    assert isinstance(signal, Signal)
    assert (signal.source, signal.job_id, signal.vault.key) == (Source.EVENT, JOB, vault().key)


def test_our_own_event_may_name_an_item() -> None:
    """Event Grid schema."""
    signal = read_event("event_grid_failure_found")

    assert isinstance(signal, Signal)
    assert signal.item is not None
    assert (signal.item.key, signal.vault.key, signal.job_id) == (item().key, vault().key, "")


def test_our_own_event_may_name_a_job() -> None:
    """CloudEvents 1.0, by the job's full ARM id."""
    signal = read_event("cloud_event_failure_found")

    assert isinstance(signal, Signal)
    assert signal.item is not None
    assert (signal.vault.key, signal.job_id, signal.item.key) == (vault().key, JOB, item().key)


@pytest.mark.parametrize(
    ("data", "job_id"),
    [({"vaultId": VAULT_ID, "jobId": JOB}, JOB), ({"vaultId": VAULT_ID}, "")],
)
def test_our_own_event_may_name_a_vault(data: dict[str, str], job_id: str) -> None:
    """With a bare job id, or for the vault to be looked at."""
    signal = parse_event(FAILURE_FOUND, data)

    assert isinstance(signal, Signal)
    assert (signal.vault.key, signal.job_id) == (vault().key, job_id)


def test_data_that_is_json_in_a_string_is_read() -> None:
    """Some publishers send the data twice encoded."""
    signal = parse_event(FAILURE_FOUND.lower(), json.dumps({"vaultId": VAULT_ID}))

    assert isinstance(signal, Signal)


@pytest.mark.parametrize("data", [{}, [], None, 7, "plain text", {"data": 7}, {"schemaId": "another"}])
def test_an_event_of_another_type_is_ignored(data: object) -> None:
    """A subscription that sends too much is no error."""
    assert isinstance(parse_event("Contoso.Something", data), Ignored)


def test_a_resource_event_is_ignored() -> None:
    """It says that somebody's call failed; backups are found by their jobs."""
    assert isinstance(read_event("event_grid_resource_action"), Ignored)


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


# ---- whatever comes ------------------------------------------------------------------------------------------


def survives(data: bytes) -> None:
    """Reading a body ends in a signal, a polite no, or BadSignal."""
    try:
        signal = parse_body(data)
    except BadSignal:
        return
    assert isinstance(signal, Signal | Ignored)


def event_survives(event_type: str, data: object) -> None:
    """Reading an event ends in a signal, a polite no, or BadSignal."""
    try:
        signal = parse_event(event_type, data)
    except BadSignal:
        return
    assert isinstance(signal, Signal | Ignored)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)
TEXT = st.sampled_from([VAULT_ID, item().id, JOB, "Azure Backup", "Backup Failure", "Fired", "Jobs"]) | JSON


def some_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of the fields, or something else altogether."""
    return st.fixed_dictionaries({}, optional=fields) | JSON


ALERT = some_of(
    schemaId=st.just(COMMON_SCHEMA) | JSON,
    data=some_of(
        essentials=some_of(
            alertId=TEXT,
            alertRule=TEXT,
            monitorCondition=TEXT,
            monitoringService=TEXT,
            alertTargetIDs=st.lists(TEXT, max_size=2) | JSON,
        ),
        alertContext=some_of(category=TEXT, protectedItemId=TEXT, extendedInfo=some_of(jobId=TEXT)),
    ),
)


@settings(max_examples=300, deadline=None)
@given(ALERT)
def test_any_json_is_read_or_refused(value: object) -> None:
    """Alerts that are nearly right, and ones that are not at all."""
    survives(json.dumps(value).encode())
    event_survives("Contoso.Something", value)


@settings(max_examples=200, deadline=None)
@given(some_of(jobId=TEXT, itemId=TEXT, vaultId=TEXT))
def test_any_event_of_ours_is_read_or_refused(data: object) -> None:
    """Our own event type with whatever data."""
    event_survives(FAILURE_FOUND, data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """The endpoint is public: anything can arrive."""
    survives(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"[" * 100_000, id="deep-lists"),
        pytest.param(b'{"data":' * 20_000 + b"1" + b"}" * 20_000, id="deep-objects"),
        pytest.param(b"9" * 100_000, id="a-very-long-number"),
        pytest.param(b'"\\ud800"', id="half-a-character"),
        pytest.param(b'{"schemaId": "\\ud800"}', id="half-a-character-in-a-field"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="another-encoding"),
    ],
)
def test_bodies_that_break_parsers_are_refused(data: bytes) -> None:
    """Each has brought a JSON parser down before."""
    survives(data)


def test_every_shared_sample_is_read_or_refused() -> None:
    """The real payloads that were collected from Azure, as a body and as an event's data."""
    if not SHARED.is_dir():
        pytest.skip("the shared samples of real payloads are not on this machine")
    samples = sorted(SHARED.glob("*.json"))
    assert samples
    for sample in samples:
        survives(sample.read_bytes())
        event_survives("Contoso.Something", json.loads(sample.read_bytes()))


def test_the_shared_real_backup_alert_names_its_job() -> None:
    """The one built-in alert that was recorded in the wild."""
    sample = SHARED / "01_azure_backup_builtin_alert_rsv_sql_fired.json"
    if not sample.is_file():
        pytest.skip("the shared samples of real payloads are not on this machine")

    signal = parse_body(sample.read_bytes())

    assert isinstance(signal, Signal)
    assert signal.job_id == "88df0be3-7c77-46c9-bfc2-fb92e3b1918a"
    assert signal.item is not None
    assert signal.item.friendly_name == "Orders_20260313"
