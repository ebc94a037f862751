"""Incidents, attempts and journal steps as rows of Azure Table Storage, and back.

A head row holds the incident; attempts and steps are rows of their own beside it. Times are ISO 8601 text in UTC, so
that they sort, read well in Storage Explorer and do not depend on the tables' own precision.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from backup_retry.domain.arm_ids import ProtectedItem, Vault, subject_of
from backup_retry.domain.incident import Attempt, AttemptResult, Incident, State, Step, StepKind
from backup_retry.domain.jobs import FailedJob, JobError, JobStatus, Outcome, Pause, Reason, Source
from backup_retry.domain.notices import Notice, NoticeKind
from backup_retry.policy.storm import Storm

Row = dict[str, Any]
HEAD = "head"
#: which time of a failure `weighed_before` holds, and a head's `first_failed_at`; version 0.1.0 had the beginning and
#: did not say so. The first failure is then taken to have ended as it began: more jobs are looked at, none is lost.
_END, _BEGINNING = "end", "beginning"
#: a string property holds at most 64 KiB, which is 32,768 characters
_LONGEST_TEXT = 16_000
_LONGEST_JSON = 32_000


def partition(item: ProtectedItem) -> str:
    """The partition of everything about an item; ids hold characters that keys must not."""
    return hashlib.sha256(item.key.encode()).hexdigest()[:32]


def job_row(item: ProtectedItem, job_id: str) -> Row:
    """The row whose insertion makes sure that a failed job is noted once."""
    return {"PartitionKey": partition(item), "RowKey": job_key(job_id)}


def job_key(job_id: str) -> str:
    """The row key of a noted job."""
    return f"job-{job_id.lower()}"


def head_row(incident: Incident) -> Row:
    """The incident without its attempts."""
    failure = incident.failure
    row: Row = {
        "PartitionKey": partition(incident.item),
        "RowKey": HEAD,
        "incident": incident.id,
        "item": incident.item.id,
        "state": incident.state.value,
        "reason": incident.reason.value,
        "detail": incident.detail[:_LONGEST_TEXT],
        "found_by": incident.found_by.value,
        "opened_at": text(incident.opened_at),
        "due": text(incident.due),
        "first_job": incident.first_job_id,
        "first_failed_at": text(incident.first_failed_at),
        **_error_columns("first_error", incident.first_error),
        "job": failure.id,
        "job_type": failure.workload,
        "job_operation": failure.operation,
        "job_status": failure.status.value,
        "job_started_at": text(failure.started_at),
        "job_ended_at": text(failure.ended_at),
        "job_activity": failure.activity_id,
        "job_entity": failure.entity_name,
        "job_rule": failure.rule,
        "job_retention_tag": failure.retention_tag,
        **_error_columns("error", failure.error),
    }
    if incident.weighed_before:
        ended = {str(worth): text(at) for worth, at in incident.weighed_before.items()}
        row["weighed_before"] = json.dumps(ended)
        row["weighed_by"] = _BEGINNING if incident.weighed_by_start else _END
    if incident.waits_since is not None:
        row["waits_since"] = text(incident.waits_since)
    if incident.told_of:
        row["told_of"] = json.dumps(incident.told_of, ensure_ascii=False)
    if incident.outcome is not None:
        row["outcome"] = incident.outcome.value
    if incident.closed_at is not None:
        row["closed_at"] = text(incident.closed_at)
    if incident.last_good_at is not None:
        row["last_good_at"] = text(incident.last_good_at)
    return row


def attempt_row(incident: Incident, attempt: Attempt) -> Row:
    """One attempt of the incident; the key sorts attempts by age across incidents."""
    row: Row = {
        "PartitionKey": partition(incident.item),
        "RowKey": f"attempt-{text(attempt.claimed_at)}-{attempt.id}",
        "incident": incident.id,
        "attempt": attempt.id,
        "number": attempt.number,
        "claimed_at": text(attempt.claimed_at),
        **({"failed_at": text(attempt.failed_at)} if attempt.failed_at else {}),
        "operation": attempt.operation_id,
        "job": attempt.job_id,
        "result": attempt.result.value,
    }
    if attempt.ended_at is not None:
        row["ended_at"] = text(attempt.ended_at)
    return row


def step_row(incident: Incident, step: Step, *, write: str, index: int) -> Row:
    """One line of the journal; `write` and `index` make its key unique."""
    return {
        "PartitionKey": partition(incident.item),
        "RowKey": f"step-{text(step.at)}-{write}-{index:02}",
        "at": text(step.at),
        "kind": step.kind.value,
        "incident": step.incident_id,
        "reason": step.reason,
        "detail": step.detail[:_LONGEST_TEXT],
        "job": step.job_id,
        "attempt": step.attempt_id,
    }


def notice_row(incident: Incident, notice: Notice) -> Row:
    """What is still to be told; removed once it has been."""
    return {
        "PartitionKey": partition(incident.item),
        "RowKey": f"notice-{notice.id}",
        "incident": incident.id,
        "notice": notice.id,
        "kind": notice.kind.value,
        "at": text(notice.at),
        "subject": notice.subject,
        "data": json.dumps(notice.data, ensure_ascii=False)[:_LONGEST_JSON],
    }


def read_notice(row: Mapping[str, Any]) -> Notice:
    """The notice that a row holds."""
    return Notice(
        id=row["notice"],
        kind=NoticeKind(row["kind"]),
        at=time(row["at"]),
        subject=row["subject"],
        data=json.loads(row["data"]),
    )


def read_incident(head: Mapping[str, Any], others: Sequence[Mapping[str, Any]], version: str) -> Incident:
    """The incident that a head row and its item's rows of attempts and notices hold."""
    item = subject_of(head["item"])
    if item is None:
        raise ValueError(f"row {head['PartitionKey']} names no protected item and no vault: {head['item']!r}")
    attempts = [row for row in others if row["RowKey"].startswith("attempt-")]
    notices = [row for row in others if row["RowKey"].startswith("notice-")]
    own = [read_attempt(row) for row in attempts if row["incident"] == head["incident"]]
    earlier = [read_attempt(row) for row in attempts if row["incident"] != head["incident"]]
    return Incident(
        id=head["incident"],
        item=item,
        state=State(head["state"]),
        failure=_failure(head, item),
        first_job_id=head["first_job"],
        first_failed_at=time(head["first_failed_at"]),
        first_error=_error(head, "first_error"),
        found_by=Source(head["found_by"]),
        opened_at=time(head["opened_at"]),
        due=time(head["due"]),
        reason=Reason(head["reason"]),
        detail=head["detail"],
        attempts=tuple(sorted(own, key=lambda attempt: attempt.number)),
        outcome=Outcome(head["outcome"]) if "outcome" in head else None,
        closed_at=time(head["closed_at"]) if "closed_at" in head else None,
        waits_since=time(head["waits_since"]) if "waits_since" in head else None,
        told_of=tuple(json.loads(head.get("told_of", "[]"))),
        last_good_at=time(head["last_good_at"]) if "last_good_at" in head else None,
        weighed_before={
            int(worth): time(at) for worth, at in json.loads(head.get("weighed_before", "{}")).items()
        },
        weighed_by_start="weighed_before" in head and head.get("weighed_by") != _END,
        earlier_triggers=tuple(sorted(attempt.claimed_at for attempt in earlier if attempt.spent)),
        notices=tuple(sorted((read_notice(row) for row in notices), key=lambda each: each.at)),
        version=version,
    )


def read_attempt(row: Mapping[str, Any]) -> Attempt:
    """The attempt that a row holds."""
    return Attempt(
        id=row["attempt"],
        number=row["number"],
        claimed_at=time(row["claimed_at"]),
        failed_at=time(row["failed_at"]) if "failed_at" in row else None,
        operation_id=row["operation"],
        job_id=row["job"],
        result=AttemptResult(row["result"]),
        ended_at=time(row["ended_at"]) if "ended_at" in row else None,
    )


def read_step(row: Mapping[str, Any]) -> Step:
    """The journal's line that a row holds."""
    return Step(
        at=time(row["at"]),
        kind=StepKind(row["kind"]),
        incident_id=row["incident"],
        reason=row["reason"],
        detail=row["detail"],
        job_id=row["job"],
        attempt_id=row["attempt"],
    )


def open_key(incident: Incident) -> str:
    """The row key of an incident in the index of the open ones."""
    return f"{partition(incident.item)}-{incident.id}"


def journal_row(closed: Incident) -> Row:
    """The report of a closed incident, in the partition of the day it was closed on."""
    closed_at = closed.closed_at or closed.opened_at
    last_good = {"last_good_at": text(closed.last_good_at)} if closed.last_good_at else {}
    return last_good | {
        "PartitionKey": f"{closed_at.astimezone(UTC):%Y-%m-%d}",
        "RowKey": closed.id,
        "item": closed.item.id,
        "found_by": closed.found_by.value,
        "first_job": closed.first_job_id,
        "first_failed_at": text(closed.first_failed_at),
        "error": closed.first_error.label,
        "last_error": closed.failure.error.label,
        "attempts": len(closed.attempts),
        "outcome": closed.outcome.value if closed.outcome else "",
        "reason": closed.reason.value,
        "detail": closed.detail[:_LONGEST_TEXT],
        "opened_at": text(closed.opened_at),
        "closed_at": text(closed_at),
    }


def pause_key(scope: str) -> str:
    """The row key of a pause of a scope."""
    return f"pause-{hashlib.sha256(scope.lower().encode()).hexdigest()[:32]}" if scope else "pause"


def pause_columns(pause: Pause) -> Row:
    """The control row of a pause, without its key."""
    columns = {"by": pause.by, "why": pause.why, "scope": pause.scope}
    return columns | {"until": text(pause.until)} if pause.until else columns


def read_pause(row: Mapping[str, Any]) -> Pause:
    """The pause that a control row holds; a row that somebody wrote by hand may lack columns."""
    until = row.get("until")
    return Pause(
        by=str(row.get("by") or "somebody"),
        why=str(row.get("why") or "no reason given"),
        until=time(until) if until else None,
        scope=str(row.get("scope") or ""),
    )


def storm_columns(storm: Storm) -> Row:
    """The control row of a storm, without its key."""
    columns: Row = {
        "vault": storm.vault.id,
        "code": storm.code,
        "began_at": text(storm.began_at),
        "size": storm.size,
        "canary": storm.canary.id,
        "canary_incident": storm.canary_incident,
        "led_at": text(storm.led_at),
        "told": storm.told,
    }
    if storm.predecessor:
        columns["predecessor"] = storm.predecessor.id
    return columns | {"released_at": text(storm.released_at)} if storm.released_at else columns


def read_storm(row: Mapping[str, Any], version: str) -> Storm:
    """The storm that a control row holds."""
    vault, canary = Vault.parse(row["vault"]), ProtectedItem.parse(row["canary"])
    if vault is None or canary is None:
        raise ValueError(
            f"row {row['RowKey']} names no vault or no item: {row['vault']!r}, {row['canary']!r}"
        )
    return Storm(
        vault=vault,
        code=row["code"],
        began_at=time(row["began_at"]),
        size=row["size"],
        canary=canary,
        canary_incident=row["canary_incident"],
        led_at=time(row["led_at"]),
        told=row["told"],
        released_at=time(row["released_at"]) if "released_at" in row else None,
        predecessor=ProtectedItem.parse(row.get("predecessor") or ""),
        version=version,
    )


def text(at: datetime) -> str:
    """A time as the rows hold it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def time(value: str) -> datetime:
    """The time that a row holds; one without a zone, written by hand, is taken for UTC."""
    at = datetime.fromisoformat(value)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _failure(head: Mapping[str, Any], item: ProtectedItem) -> FailedJob:
    return FailedJob(
        id=head["job"],
        item=item,
        workload=head["job_type"],
        operation=head["job_operation"],
        status=JobStatus(head["job_status"]),
        started_at=time(head["job_started_at"]),
        ended_at=time(head["job_ended_at"]),
        activity_id=head["job_activity"],
        entity_name=head["job_entity"],
        rule=head["job_rule"],
        retention_tag=head["job_retention_tag"],
        error=_error(head, "error"),
    )


def _error_columns(name: str, error: JobError) -> Row:
    columns: Row = {
        f"{name}_title": error.title,
        f"{name}_message": error.message[:_LONGEST_TEXT],
        f"{name}_advice": error.advice[:_LONGEST_TEXT],
    }
    if error.code is not None:
        columns[f"{name}_code"] = str(error.code)
    if error.retryable is not None:
        columns[f"{name}_retryable"] = error.retryable
    return columns


def _error(head: Mapping[str, Any], name: str) -> JobError:
    code = head.get(f"{name}_code")
    return JobError(
        title=head[f"{name}_title"],
        code=int(code) if code else None,
        message=head[f"{name}_message"],
        advice=head[f"{name}_advice"],
        retryable=head.get(f"{name}_retryable"),
    )
