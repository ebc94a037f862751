"""Backup policies as they were recorded, as an estate describes them."""

from tools.parity.recordings import Recording
from tools.parity.stage import Json, Stage

#: The policies of databases by kind of backup, and what an estate calls the days of each.
_DAYS = {"Differential": "differential_days", "Incremental": "incremental_days"}


def show(stage: Stage, recording: Recording) -> None:
    """Set the stage with the policies of the recorded answer."""
    rows = recording.rows
    in_backup_vault = any("datasourceTypes" in row["properties"] for row in rows)
    kind = "backup" if in_backup_vault else "recovery_services"
    stage.set(recording, policies=[_policy(row) for row in rows], kind=kind)


def _policy(row: Json) -> Json:
    said: Json = row["properties"]
    described: Json = {"name": row["name"]}
    if "datasourceTypes" in said:
        return described | _rules(said)
    if "workLoadType" in said:
        described["workload"] = said["workLoadType"]
    for part in said.get("subProtectionPolicy", [said]):
        described |= _schedule(part)
    return described


def _schedule(said: Json) -> Json:
    """One schedule with its retention; a policy for databases has several."""
    schedule, kept = said["schedulePolicy"], said.get("retentionPolicy", {})
    kind = said.get("policyType", "")
    if kind == "Log":
        return {"log_minutes": schedule["scheduleFrequencyInMins"]}
    if kind in _DAYS:
        return {_DAYS[kind]: schedule["scheduleRunDays"]}
    described: Json = {"frequency": schedule["scheduleRunFrequency"]}
    if "scheduleRunDays" in schedule:
        described["run_days"] = schedule["scheduleRunDays"]
    if "monthlySchedule" in kept:
        described["retention_months"] = kept["monthlySchedule"]["retentionDuration"]["count"]
    return described


def _rules(said: Json) -> Json:
    described: Json = {"workload": said["datasourceTypes"][0]}
    rules = {kind: [rule for rule in said["policyRules"] if rule["objectType"] == kind] for kind in _KINDS}
    if not rules[_BACKUP]:
        return described | {"backup_rule": None}
    [rule] = rules[_BACKUP]
    period = rule["trigger"]["schedule"]["repeatingTimeIntervals"][0].rpartition("/")[2]
    tagged = [each["name"] for each in rules[_RETENTION] if not each["isDefault"]]
    copied = any(len(each["lifecycles"]) > 1 for each in rules[_RETENTION])
    return {
        **described,
        "backup_rule": rule["name"],
        "period": period,
        **({"retention_tag": tagged[0]} if tagged else {}),
        **({"vault_days": 84} if copied else {}),
    }


_KINDS = _BACKUP, _RETENTION = "AzureBackupRule", "AzureRetentionRule"
