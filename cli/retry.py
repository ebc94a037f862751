"""`backup-retry retry`: retry a failed backup now, by the app's own engine and ledger."""

from typing import Annotated

import typer

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.domain.labels import OUTCOMES, reason
from backup_retry.engine.failed_jobs import failure_of, unrecovered
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.rules import JOB_RETENTION
from cli import json_documents as documents
from cli.exit_codes import Exit, run
from cli.item_search import Found, find
from cli.output import Document, JsonOption, say, show
from cli.session import Session, sessions

Subject = Annotated[
    str, typer.Argument(metavar="ITEM", help="A machine's name, an ARM id, or a job's or incident's id.")
]
_NOTHING_FAILED = "The vault shows no failed backup of it that nothing has mended."


def retry(ctx: typer.Context, subject: Subject, as_json: JsonOption = False) -> None:
    """Retry an item's failed backup now, unless the policy says no; exit code 1 when nothing was started."""
    report = run(_retry(ctx, subject))
    show(document(report), as_json, lambda: say(sentence(report)))
    raise typer.Exit(Exit.WELL if report and _is_well(report) else Exit.NEEDS_A_PERSON)


def _is_well(report: Report) -> bool:
    """Started, or not needed any more."""
    outcome = report.incident.outcome if report.incident else None
    return report.decision == "triggered" or bool(outcome and outcome.recovered)


async def _retry(ctx: typer.Context, subject: str) -> Report | None:
    async with sessions(ctx).open(writing=True) as session:
        return await advance(session, await find(session, subject))


async def advance(session: Session, found: Found) -> Report | None:
    """Advance the item's open incident, or have its failure handled; None when nothing has failed."""
    known = (await session.ledger.load(found.item)).incident
    if known is not None and known.is_open:
        return await session.engine.advance(known)
    now = session.clock()
    failed = await failure_of(session.vaults, found.job, found.item) if found.job else None
    if failed is None:
        seen = await unrecovered(session.vaults, found.item.vault, now - JOB_RETENTION, now, found.item)
        failed = max(seen.failures, key=FailedJob.weight, default=None)
        if failed is None and seen.gap:
            raise AzureUnavailable(seen.gap)
    return await session.engine.handle(failed, Source.OPERATOR) if failed else None


def document(report: Report | None) -> Document:
    """The JSON."""
    if report is None:
        return {"started": False, "decision": "nothing_failed", "reason": None, "detail": _NOTHING_FAILED}
    return {"started": report.decision == "triggered", **documents.of_report(report)}


def sentence(report: Report | None) -> str:
    """For a person: what was started, or why nothing was."""
    if report is None:
        return f"Not retried. {_NOTHING_FAILED}"
    if report.decision == "triggered":
        return "Retried: Azure has accepted the backup; `backup-retry explain` says how it goes."
    if report.decision == "unclear":
        return f"Nobody can say yet whether it was started: {report.detail} The follow-up asks the vault."
    incident = report.incident
    if _is_well(report):
        return f"Not retried, it has recovered ({report.reason}): {report.detail or reason(report.reason)}"
    if report.decision == "already_handled" and incident and incident.outcome:
        return f"Not retried. {_why_closed(incident, incident.outcome)}"
    until = f" Next look {incident.due:%Y-%m-%d %H:%M}Z." if incident and incident.is_open else ""
    return f"Not retried ({report.reason}): {report.detail or reason(report.reason)}{until}"


def _why_closed(incident: Incident, outcome: Outcome) -> str:
    if incident.rehearsed:
        return "The app only rehearses: set DRY_RUN to false, then retry it again."
    why = f"{OUTCOMES[outcome].lower()} ({incident.reason}): {incident.detail or reason(incident.reason)}"
    return f"Its incident is closed, {why} If that is mended, start a backup in the portal."
