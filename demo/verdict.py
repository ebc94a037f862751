"""The ledger against Azure's own record: what was missed, what was triggered twice, what ended otherwise."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.incident import Incident
from demo.scenario import Failure, Night


@dataclass(frozen=True, kw_only=True)
class Row:
    """One failed backup of the night and what became of it; without an incident it was missed."""

    failure: Failure
    job: str
    failed_at: datetime
    incident: Incident | None
    item: str
    #: the kinds of the on-demand backups of the item; "" where it has but one
    retried_as: frozenset[str] = frozenset()

    @property
    def outcome(self) -> str:
        """The incident's outcome, or why there is none."""
        if self.incident is None:
            return "missed"
        return self.incident.outcome.value if self.incident.outcome else f"still {self.incident.state}"

    @property
    def closed_at(self) -> datetime | None:
        """When its incident was closed; None: it is open, or missed."""
        return self.incident.closed_at if self.incident else None

    @property
    def as_expected(self) -> bool:
        """True when the ledger says what the scenario says."""
        if self.incident is None or self.retried_as - {
            self.failure.retry_is or self.failure.backup or "Full",
            "",
        }:
            return False
        expect = self.failure.expect
        found = (self.outcome, len(self.incident.attempts), self.incident.found_by.value)
        return found == (expect.outcome, expect.attempts, expect.found_by)

    @property
    def time_to_recovery(self) -> timedelta | None:
        """From the failure to the end of the retry that succeeded, as Azure dates both."""
        if self.incident is None or self.outcome != "recovered":
            return None
        ended_at = self.incident.attempts[-1].ended_at
        return ended_at - self.failed_at if ended_at else None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The whole night."""

    rows: Sequence[Row]
    #: on-demand backups that Azure started for somebody who was not the colleague
    triggers_seen_by_azure: int
    #: attempts for which Azure started more than one backup, or backups that no attempt claims
    double_triggers: Sequence[str]

    @property
    def missed(self) -> list[str]:
        """Failed jobs without an incident."""
        return [row.job for row in self.rows if row.incident is None]

    @property
    def alerts_are_heard(self) -> bool:
        """True when every failure has its incident that an alert is to bring."""
        return all(row.incident for row in self.rows if row.failure.expect.found_by == "alert")

    @property
    def good(self) -> bool:
        """True when nothing was missed, doubled or ended otherwise than expected."""
        return not self.missed and not self.double_triggers and all(row.as_expected for row in self.rows)

    def document(self) -> dict[str, Any]:
        """The contents of build/demo.json."""
        return {
            "failures": [_failure(row) for row in self.rows],
            "triggers_seen_by_azure": self.triggers_seen_by_azure,
            "double_triggers": len(self.double_triggers),
            "missed": len(self.missed),
            "as_expected": self.good,
        }


def judge(night: Night, state: Mapping[str, Any], incidents: Mapping[str, Incident]) -> Verdict:
    """Compare the simulator's state with the ledger's incidents (by item id)."""
    nightly = [job for job in state["jobs"] if not job["user_triggered"]]
    failed = [job for job in nightly if job["status"] in {"Failed", "Cancelled"}]
    attempts = [attempt for incident in incidents.values() for attempt in incident.attempts]
    # A backup vault need not keep an attempt's id: there its job is known by its own.
    known = {attempt.id: attempt.id for attempt in attempts} | {each.job_id: each.id for each in attempts}
    colleagues = {each.item for each in night.failures.values() if each.colleague}
    on_demand = [job for job in state["jobs"] if job["user_triggered"]]
    claims = [known.get(job["activity_id"]) or known.get(job["name"], job["name"]) for job in on_demand]
    triggered = Counter(
        claim
        for job, claim in zip(on_demand, claims, strict=True)
        if _name(job) not in colleagues or claim != job["name"]
    )
    return Verdict(
        rows=[_row(night, job, state["jobs"], incidents) for job in failed],
        triggers_seen_by_azure=triggered.total(),
        double_triggers=[each for each, count in triggered.items() if count > 1 or each not in known],
    )


def _row(
    night: Night, job: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]], incidents: Mapping[str, Incident]
) -> Row:
    failure = night.failures[_name(job)]
    return Row(
        failure=failure,
        job=job["name"],
        item=job["item"],
        failed_at=datetime.fromisoformat(job["end_time"]),
        incident=incidents.get(job["item"]),
        retried_as=frozenset(
            each["kind"] for each in jobs if each["user_triggered"] and each["item"] == job["item"]
        ),
    )


def _name(job: Mapping[str, Any]) -> str:
    item = ProtectedItem.parse(job["item"])
    return item.friendly_name if item else ""


def _failure(row: Row) -> dict[str, Any]:
    incident = row.incident
    return {
        "job": row.job,
        "item": row.item,
        "error": row.failure.error,
        "found_by": incident.found_by.value if incident else None,
        "attempts": len(incident.attempts) if incident else 0,
        "outcome": row.outcome,
        "reason": incident.reason.value if incident else None,
        "detail": incident.detail if incident else None,
        "time_to_recovery_seconds": row.time_to_recovery.total_seconds() if row.time_to_recovery else None,
        "as_expected": row.as_expected,
    }
