"""What became, or would become, of failed jobs: shared by `sweep` and `replay`."""

from collections import Counter
from collections.abc import Sequence

from backup_retry.domain.arm_ids import subject_of
from backup_retry.domain.labels import reason
from backup_retry.engine.unit_of_work import Report
from cli.output import table

_REHEARSED = {
    "triggered": "would retry",
    "waiting": "would wait",
    "closed": "would close",
    "already_handled": "already known",
}


def needs_a_person(reports: Sequence[Report]) -> bool:
    """True when one of them has ended just now, without a backup."""
    closed = [each.incident for each in reports if each.decision == "closed" and each.incident]
    return any(each.outcome is not None and each.outcome.needs_a_person for each in closed)


def totals(reports: Sequence[Report], *, rehearsed: bool) -> str:
    """How many of each decision."""
    counts = Counter(each.decision for each in reports)
    return ", ".join(f"{number} {_word(each, rehearsed=rehearsed)}" for each, number in counts.most_common())


def reports_table(reports: Sequence[Report], *, rehearsed: bool) -> None:
    """Print one line for each."""
    shown = sorted(reports, key=lambda each: (each.decision, each.item_id))
    if shown:
        rows = [report_row(each, rehearsed=rehearsed) for each in shown]
        table(["item", "decision", "error", "because"], rows)


def report_row(report: Report, *, rehearsed: bool) -> Sequence[str]:
    """Item, decision, error and reason."""
    return (
        _name(report.item_id),
        _word(report.decision, rehearsed=rehearsed),
        report.incident.failure.error.label if report.incident else "",
        f"{report.reason}: {report.detail or _because(report, rehearsed=rehearsed)}",
    )


def _because(report: Report, *, rehearsed: bool) -> str:
    if rehearsed and report.decision == "triggered":
        return "A backup would be started."
    return reason(report.reason)


def _word(decision: str, *, rehearsed: bool) -> str:
    return _REHEARSED.get(decision, decision) if rehearsed else decision.replace("_", " ")


def _name(item_id: str) -> str:
    item = subject_of(item_id)
    return item.friendly_name if item else item_id
