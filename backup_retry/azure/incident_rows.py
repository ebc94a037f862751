"""An item's rows of the table `incidents`, and back: head, attempts, failed jobs, steps, notices and log lines.

A head row holds the incident; attempts and steps are rows of their own next to it. Times are ISO 8601 text in UTC, so
that they sort, read well in Storage Explorer and do not depend on the tables' own precision.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backup_retry.azure.acknowledgement_columns import acknowledgement_columns, read_acknowledgement
from backup_retry.azure.table_columns import Columns, Row, Unreadable, json_text, new_row, written
from backup_retry.domain.arm_ids import JOB_ID, ProtectedItem
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import FailedJob, JobError, JobStatus, Source
from backup_retry.domain.journal import LogLine, Step, StepKind
from backup_retry.domain.memory import Memory
from backup_retry.domain.notices import Notice, NoticeKind

HEAD = "head"
#: which time of a failure `weighed_before` holds, and a head's `first_failed_at`; version 0.1.0 had the beginning and
#: did not say so. The first failure is then taken to have ended as it began: more jobs are looked at, none is lost.
_END, _BEGINNING = "end", "beginning"


def partition(item: ProtectedItem) -> str:
    """The partition of everything about an item; ids hold characters that keys must not."""
    return hashlib.sha256(item.key.encode()).hexdigest()[:32]


def job_row(item: ProtectedItem, job_id: str) -> Row:
    """The row whose insertion makes sure that a failed job is noted once."""
    return new_row(partition(item), job_key(job_id))


def job_key(job_id: str) -> str:
    """The row key of a noted job; an id unlike Azure's may hold what a key must not."""
    own = job_id.lower()
    return f"job-{own if JOB_ID.fullmatch(own) else hashlib.sha256(own.encode(errors='replace')).hexdigest()}"


def head_row(incident: Incident) -> Row:
    """The incident without its attempts."""
    row = new_row(
        partition(incident.item),
        HEAD,
        incident=incident.id,
        item=incident.item.id,
        state=incident.state.value,
        reason=incident.reason.value,
        detail=incident.detail,
        found_by=incident.found_by.value,
        opened_at=written(incident.opened_at),
        due=written(incident.due),
        first_job=incident.first_job_id,
        first_failed_at=written(incident.first_failed_at),
        **_error_columns("first_error", incident.first_error),
        **_failure_columns(incident.failure),
    )
    if incident.weighed_before:
        ended = {str(rank): written(at) for rank, at in incident.weighed_before.items()}
        row["weighed_before"] = json_text(ended)
        row["weighed_by"] = _BEGINNING if incident.weighed_by_start else _END
    row |= _memory_columns(incident.memory)
    if incident.waits_since is not None:
        row["waits_since"] = written(incident.waits_since)
    if incident.named_jobs:
        row["named_jobs"] = json_text(incident.named_jobs)
    if incident.told_of:
        row["told_of"] = json_text(incident.told_of)
    row |= acknowledgement_columns(incident.acknowledged)
    if incident.asked_at is not None:
        row["asked_at"] = written(incident.asked_at)
    row |= {"approved_by": incident.approved_by} if incident.approved_by else {}
    row |= {"profile": incident.profile} if incident.profile else {}
    if incident.outcome is not None:
        row["outcome"] = incident.outcome.value
    if incident.closed_at is not None:
        row["closed_at"] = written(incident.closed_at)
    if incident.last_good_at is not None:
        row["last_good_at"] = written(incident.last_good_at)
    return row


def _failure_columns(failure: FailedJob) -> Row:
    return {
        "job": failure.id,
        "job_type": failure.workload,
        "job_operation": failure.operation,
        "job_status": failure.status.value,
        "job_started_at": written(failure.started_at),
        "job_ended_at": written(failure.ended_at),
        "job_activity": failure.activity_id,
        "job_entity": failure.entity_name,
        "job_rule": failure.rule,
        "job_retention_tag": failure.retention_tag,
        "job_retried_as": failure.retried_as,
        **_error_columns("error", failure.error),
    }


def attempt_row(incident: Incident, attempt: Attempt) -> Row:
    """One attempt of the incident; the key sorts attempts by age across incidents."""
    row = new_row(
        partition(incident.item),
        f"attempt-{written(attempt.claimed_at)}-{attempt.id}",
        incident=incident.id,
        attempt=attempt.id,
        number=attempt.number,
        claimed_at=written(attempt.claimed_at),
        operation=attempt.operation_id,
        job=attempt.job_id,
        result=attempt.result.value,
    )
    if attempt.failed_at is not None:
        row["failed_at"] = written(attempt.failed_at)
    if attempt.ended_at is not None:
        row["ended_at"] = written(attempt.ended_at)
    return row


def step_row(incident: Incident, step: Step, *, write: str, index: int) -> Row:
    """One line of the journal; `write` and `index` make its key unique."""
    return new_row(
        partition(incident.item),
        f"step-{written(step.at)}-{write}-{index:02}",
        at=written(step.at),
        kind=step.kind.value,
        incident=step.incident_id,
        reason=step.reason,
        detail=step.detail,
        job=step.job_id,
        attempt=step.attempt_id,
    )


def outbox_key(told: Notice | LogLine) -> str:
    """The row key of what is still to be sent, or to be written into the log."""
    return f"{'notice' if isinstance(told, Notice) else 'line'}-{told.id}"


def notice_row(incident: Incident, notice: Notice) -> Row:
    """What is still to be told; removed once it has been."""
    return new_row(
        partition(incident.item),
        outbox_key(notice),
        incident=incident.id,
        **notice_columns(notice),
    )


def notice_columns(notice: Notice) -> Mapping[str, str]:
    """A notice, wherever it is kept."""
    return {
        "notice": notice.id,
        "kind": notice.kind.value,
        "at": written(notice.at),
        "subject": notice.subject,
        "data": json_text(notice.data),
    }


def line_row(incident: Incident, line: LogLine) -> Row:
    """What is still to be written into the log; removed once it has been."""
    return new_row(
        partition(incident.item),
        outbox_key(line),
        incident=incident.id,
        line=line.id,
        warning=line.is_warning,
        fields=json_text(line.fields),
    )


def read_line(row: Mapping[str, Any]) -> LogLine:
    """The line of the log that a row holds."""
    columns = Columns(row)
    return LogLine(
        id=columns.text("line"),
        is_warning=bool(columns.truth("warning")),
        fields=dict(columns.mapping("fields")),
    )


def read_notice(row: Mapping[str, Any]) -> Notice:
    """The notice that a row holds."""
    columns = Columns(row)
    return Notice(
        id=columns.text("notice"),
        kind=columns.word("kind", NoticeKind),
        at=columns.time("at"),
        subject=columns.text("subject"),
        data=dict(columns.mapping("data", {})),
    )


def read_head(row: Mapping[str, Any]) -> Incident:
    """The incident that a head row holds, without its attempts and notices.

    What no decision can be right without has to be there; what only describes the incident has a default.
    """
    columns = Columns(row)
    item, due = columns.item("item"), columns.time("due")
    failure = _read_failure(columns, item)
    state, outcome = columns.word("state", State), columns.maybe_word("outcome", Outcome)
    if state is State.CLOSED and outcome is None:
        raise Unreadable("it is closed and has no column outcome")
    return Incident(
        id=columns.text("incident"),
        item=item,
        state=state,
        failure=failure,
        first_job_id=columns.text("first_job", failure.id),
        first_failed_at=columns.time("first_failed_at", failure.started_at),
        first_error=_read_error(columns, "first_error"),
        found_by=columns.word("found_by", Source, Source.SWEEP),
        opened_at=columns.time("opened_at", failure.ended_at),
        due=due,
        reason=Reason.read(columns.text("reason", Reason.NOTED.value)),
        detail=columns.text("detail", ""),
        outcome=outcome,
        closed_at=columns.time("closed_at", due) if outcome else None,
        last_good_at=columns.maybe_time("last_good_at"),
        weighed_before=_read_weighed(columns),
        weighed_by_start="weighed_before" in columns.names and columns.text("weighed_by", _BEGINNING) != _END,
        waits_since=columns.maybe_time("waits_since"),
        memory=_read_memory(columns),
        told_of=columns.texts("told_of"),
        acknowledged=read_acknowledgement(columns),
        named_jobs=columns.texts("named_jobs"),
        asked_at=columns.maybe_time("asked_at"),
        approved_by=columns.text("approved_by", ""),
        profile=columns.text("profile", ""),
    )


def read_attempt(row: Mapping[str, Any]) -> tuple[str, Attempt]:
    """The attempt that a row holds, behind the id of its incident."""
    columns = Columns(row)
    attempt = Attempt(
        id=columns.text("attempt"),
        number=columns.number("number"),
        claimed_at=columns.time("claimed_at"),
        failed_at=columns.maybe_time("failed_at"),
        operation_id=columns.text("operation", ""),
        job_id=columns.text("job", ""),
        result=columns.word("result", AttemptResult),
        ended_at=columns.maybe_time("ended_at"),
    )
    return columns.text("incident"), attempt


def read_step(row: Mapping[str, Any]) -> Step:
    """The journal's line that a row holds."""
    columns = Columns(row)
    return Step(
        at=columns.time("at"),
        kind=columns.word("kind", StepKind),
        incident_id=columns.text("incident"),
        reason=columns.text("reason", ""),
        detail=columns.text("detail", ""),
        job_id=columns.text("job", ""),
        attempt_id=columns.text("attempt", ""),
    )


def _read_failure(columns: Columns, item: ProtectedItem) -> FailedJob:
    started_at = columns.time("job_started_at")
    return FailedJob(
        id=columns.text("job"),
        item=item,
        workload=columns.text("job_type"),
        operation=columns.text("job_operation"),
        status=columns.word("job_status", JobStatus),
        started_at=started_at,
        ended_at=columns.time("job_ended_at", started_at),
        activity_id=columns.text("job_activity", ""),
        entity_name=columns.text("job_entity", ""),
        rule=columns.text("job_rule", ""),
        retention_tag=columns.text("job_retention_tag", ""),
        retried_as=columns.text("job_retried_as", ""),
        error=_read_error(columns, "error"),
    )


def _read_weighed(columns: Columns) -> Mapping[int, datetime]:
    """By backup type, see Incident.weighed_before."""
    weighed = Columns(columns.mapping("weighed_before", {}))
    try:
        return {int(rank): weighed.time(rank) for rank in weighed.names}
    except ValueError as error:
        raise Unreadable("column weighed_before contains no times by backup type") from error


def _memory_columns(memory: Memory) -> Row:
    """Of a first time without a notice, none."""
    times = {
        "again_since": memory.since,
        "again_after": memory.failed_at,
        "told_at": memory.told_at,
        "exhausted_at": memory.exhausted_at,
    }
    numbers = {"times": memory.times, "exhausted_nights": memory.exhausted_nights}
    known = {name: written(at) for name, at in times.items() if at}
    return {**known, **(numbers if memory != Memory() else {})}


def _read_memory(columns: Columns) -> Memory:
    return Memory(
        times=columns.number("times", 1),
        since=columns.maybe_time("again_since"),
        failed_at=columns.maybe_time("again_after"),
        told_at=columns.maybe_time("told_at"),
        exhausted_nights=columns.number("exhausted_nights", 0),
        exhausted_at=columns.maybe_time("exhausted_at"),
    )


def _error_columns(name: str, error: JobError) -> Row:
    columns: Row = {
        f"{name}_title": error.title,
        f"{name}_message": error.message,
        f"{name}_advice": error.advice,
    }
    if error.code is not None:
        columns[f"{name}_code"] = str(error.code)
    if error.retryable is not None:
        columns[f"{name}_retryable"] = error.retryable
    return columns


def _read_error(columns: Columns, name: str) -> JobError:
    """The error in a head's columns; a code that is no number is what the error is called."""
    code = columns.text(f"{name}_code", "")
    is_number = code.removeprefix("-").isdecimal()
    return JobError(
        title=columns.text(f"{name}_title", "") or ("" if is_number else code),
        code=int(code) if is_number else None,
        message=columns.text(f"{name}_message", ""),
        advice=columns.text(f"{name}_advice", ""),
        retryable=columns.truth(f"{name}_retryable"),
    )
