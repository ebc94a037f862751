"""Alerts of log search rules that people make, of today's kind and from before Log Alerts V2."""

from collections.abc import Mapping, Sequence

import pytest

from backup_retry.domain.alert_dimensions import Dimensions
from backup_retry.domain.errors import BadSignal
from backup_retry.domain.jobs import Source
from reactor.alerts import parse_alert
from reactor.signals import Ignored, Signal
from tests.builders import item
from tests.payloads import payload
from tests.rule_alerts_world import WORKSPACE, dimensions, fired
from tests.signal_reading import (
    DISK,
    DISK_ID,
    DISKS,
    JOB,
    MACHINE_ID,
    THE_DISK,
    THE_JOB,
    THE_VAULT,
    THE_VM,
    VAULT,
    VM,
    Says,
    says,
    why_not,
)


def log(
    *criteria: Mapping[str, object], targets: Sequence[str] = (WORKSPACE,), added: str = ""
) -> Signal | Ignored:
    """What a log search alert is read as."""
    alert = fired("log_alert_backup_job", *criteria, targets=targets)
    return parse_alert(alert, Source.ALERT, Dimensions.parse(added))


# ---- log search alerts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"JobUniqueId": JOB, "ResourceId": VAULT.id}, Says(VAULT.key, JOB)),
        ({"JOBUNIQUEID": JOB, "_resourceid": VAULT.id.upper()}, Says(VAULT.key, JOB)),
        ({"JobId": f"{VAULT.id}/backupJobs/{JOB}"}, Says(VAULT.key, JOB)),
        ({"JobId": f"{DISKS.id}/backupJobs/{JOB}", "VaultId": VAULT.id}, Says(DISKS.key, JOB)),
        ({"JobUniqueId": JOB, "BackupInstanceId": VM.id}, THE_JOB),
        ({"UniqueId": JOB, "VaultResourceId": VAULT.id, "BackupInstanceId": VM.id}, THE_JOB),
        ({"JobUniqueId": JOB, "DatasourceResourceId": MACHINE_ID}, Says("", JOB, "", MACHINE_ID.lower())),
        ({"BackupInstanceId": DISK.id, "JobUniqueId": ""}, THE_DISK),
        ({"BackupInstanceId": DISK.id, "VaultResourceId": VAULT.id}, THE_VAULT),
        ({"SourceResourceId": DISK_ID}, Says(resource=DISK_ID.lower())),
        ({"VaultId": VAULT.id, "VaultUniqueId": "1152921504606"}, THE_VAULT),
        ({"VaultId": VAULT.id, "DataSourceId": MACHINE_ID}, Says(VAULT.key, resource=MACHINE_ID.lower())),
        ({"id": VM.id, "DataSourceId": MACHINE_ID}, THE_VM),
    ],
)
def test_dimensions_name_job_item_vault_or_resource(names: Mapping[str, object], expected: Says) -> None:
    """By their names, which have no case; a full ARM id counts as what its own form says."""
    assert says(log(names)) == expected


def test_every_criterion_is_looked_at() -> None:
    """The vault in one, the job in the other."""
    assert says(log({"ResourceId": VAULT.id}, {"JobUniqueId": JOB})) == Says(VAULT.key, JOB)


@pytest.mark.parametrize(
    "second",
    [{"JobUniqueId": "another-job"}, {"BackupInstanceId": item(2).id}],
    ids=["two jobs", "two items"],
)
def test_several_of_a_kind_lead_to_the_vault(second: Mapping[str, object]) -> None:
    """Neither of them may be forgotten."""
    names = {"BackupInstanceId": VM.id} if "BackupInstanceId" in second else {"JobUniqueId": JOB}
    assert says(log({**names, "VaultId": VAULT.id}, second)) == THE_VAULT


def test_a_rule_on_the_vault_itself_needs_no_dimension() -> None:
    """The alert's own target is the vault."""
    assert says(log({}, targets=[VAULT.id])) == THE_VAULT


def test_names_can_be_added() -> None:
    """LOG_ALERT_DIMENSIONS."""
    names = {"RunId": JOB, "Tresor": VAULT.id}
    assert says(log(names, added="job: runid; vault: tresor")) == Says(VAULT.key, JOB)
    assert why_not(log(names))


def test_the_error_code_is_kept_for_the_log() -> None:
    """Nothing is decided by it; a very long one is cut."""
    signal = log({"VaultId": VAULT.id, "JobFailureCode": "UserError" + "x" * 200})
    assert isinstance(signal, Signal)
    assert signal.error_code == "UserError" + "x" * 71


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ({"Computer": "vm-01", "JobStatus": "Failed"}, "there are: Computer, JobStatus"),
        ({}, "there are: none"),
        ({"JobFailureCode": "UserErrorX"}, "there are: JobFailureCode"),
        ({"BackupItemUniqueId": "westeurope;46116;iaasvmcontainerv2;rg-app;vm-01"}, "by its ARM id"),
        ({"VaultId": "vault-1"}, "there are: VaultId"),
        ({"ResourceId": None}, "there are: ResourceId"),
        ({"ResourceId": 7}, "there are: ResourceId"),
        ({"ResourceId": MACHINE_ID + "' or '1' == '1"}, "there are: ResourceId"),
        ({"ResourceId": MACHINE_ID + "\\"}, "there are: ResourceId"),
        ({"ResourceId": f"https://evil.example{VAULT.id}"}, "there are: ResourceId"),
        ({"JobUniqueId": JOB}, f"names job {JOB}, but neither its vault nor a resource"),
        ({"JobUniqueId": "../x"}, "there are: JobUniqueId"),
    ],
)
def test_a_log_alert_that_names_nothing_says_what_came(names: Mapping[str, object], why: str) -> None:
    """And what would be understood."""
    told = why_not(log(names))
    assert why in told
    assert "ResourceId" in told


def test_what_is_understood_is_told() -> None:
    """Built-in and added names, and the setting that adds more."""
    told = why_not(log({"Computer": "vm-01"}, added="job: RunId"))
    assert "job: JobUniqueId JobUniqueId_g JobId BackupJobId UniqueId RunId; item: " in told
    assert "LOG_ALERT_DIMENSIONS" in told


def test_an_unsafe_job_id_is_left_out() -> None:
    """It would become part of a URL; the vault is looked through instead."""
    assert says(log({"VaultId": VAULT.id, "JobUniqueId": "../../x"})) == THE_VAULT


@pytest.mark.parametrize("condition", [{"allOf": "x"}, {"allOf": [7]}, {"allOf": [{"dimensions": {}}]}, []])
@pytest.mark.parametrize("name", ["log_alert_backup_job", "metric_alert_backup_health"])
def test_a_condition_that_cannot_be_read_is_refused(name: str, condition: object) -> None:
    """The message names the field."""
    alert = payload(name)
    alert["data"]["alertContext"]["condition"] = condition
    with pytest.raises(BadSignal) as caught:
        parse_alert(alert, Source.ALERT)
    assert caught.value.where.startswith("data.alertContext.condition")


@pytest.mark.parametrize("condition", [None, {}, {"allOf": None}, {"allOf": []}, {"allOf": [{}]}])
@pytest.mark.parametrize("name", ["log_alert_backup_job", "metric_alert_backup_health"])
def test_an_empty_condition_names_nothing(name: str, condition: object) -> None:
    """Every part of it may be missing."""
    alert = payload(name)
    alert["data"]["alertContext"]["condition"] = condition
    assert why_not(parse_alert(alert, Source.ALERT))


# ---- classic log alerts --------------------------------------------------------------------------------------------

ROW = {"JobUniqueId": JOB, "ResourceId": VAULT.id.upper()}


def classic(
    service: str = "Log Analytics", *rows: Mapping[str, object], **context: object
) -> Signal | Ignored:
    """What an alert of a rule from before Log Alerts V2 is read as, with these rows for its result."""
    names = list(rows[0]) if rows else []
    table = {
        "name": "PrimaryResult",
        "columns": [{"name": name, "type": "string"} for name in names],
        "rows": [list(row.values()) for row in rows],
    }
    alert = payload("log_alert_backup_job")
    alert["data"]["essentials"] |= {"monitoringService": service, "alertTargetIDs": [WORKSPACE]}
    alert["data"]["alertContext"] = {
        "SearchQuery": "AddonAzureBackupJobs",
        "SearchResults": {"tables": [table], "dataSources": []},
        **context,
    }
    return parse_alert(alert, Source.ALERT)


@pytest.mark.parametrize("service", ["Log Analytics", "Log Alerts", "Application Insights"])
@pytest.mark.parametrize(
    ("rows", "context", "expected"),
    [
        ([], {"Dimensions": dimensions(ROW)}, Says(VAULT.key, JOB)),
        ([ROW], {"Dimensions": []}, Says(VAULT.key, JOB)),
        ([ROW, {**ROW, "JobUniqueId": "another-job"}], {}, THE_VAULT),
        ([], {"SearchResults": None, "AffectedConfigurationItems": [VAULT.id, "vm-01"]}, THE_VAULT),
    ],
    ids=["dimensions", "a row", "two rows", "the vault alone"],
)
def test_a_classic_log_alert_is_read_as_far_as_it_goes(
    service: str, rows: Sequence[Mapping[str, object]], context: dict[str, object], expected: Says
) -> None:
    """By its dimensions, by the rows of its result, or by the vault that it concerns."""
    assert says(classic(service, *rows, **context)) == expected


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "names no job"),
        ([{"Computer": "vm-01"}], "there are: Computer"),
        ([{"JobUniqueId": JOB}], f"names job {JOB}, but neither its vault"),
        ([ROW, {**ROW, "ResourceId": DISKS.id}], "failures of 2 vaults"),
    ],
)
def test_a_classic_log_alert_that_leads_nowhere_says_how_to_switch(
    rows: Sequence[Mapping[str, object]], why: str
) -> None:
    """The truth about what came, and the way to Log Alerts V2."""
    told = why_not(classic("Log Alerts", *rows))
    assert why in told
    assert "switch the rule to Log Alerts V2" in told
