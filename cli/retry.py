"""`backup-retry retry`: retry failed backups now, one or many, by the app's own engine and ledger."""

import getpass
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.labels import OUTCOMES, reason
from backup_retry.engine.unit_of_work import Report
from cli import json_documents as documents
from cli.exit_codes import Exit, agreed, run
from cli.item_search import find
from cli.journal import Days
from cli.output import Document, JsonOption, say, show, table
from cli.result_tables import reports_table, totals
from cli.retrying import (
    NOTHING_FAILED,
    Candidate,
    Choice,
    Person,
    Retried,
    candidates,
    retry_many,
    retry_one,
)
from cli.session import sessions

Subject = Annotated[str, typer.Argument(metavar="ITEM", help="An item name, ARM ID, job ID or incident ID.")]
Subjects = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ITEM...", help="Item names, ARM IDs, job IDs or incident IDs.", show_default=False
    ),
]
VaultOption = Annotated[
    str, typer.Option("--vault", metavar="VAULT", help="All failed items in this vault (name or ARM ID).")
]
CodeOption = Annotated[
    str, typer.Option("--code", metavar="CODE", help="All items that failed with this error code.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Evaluate everything, write and start nothing.")]
Yes = Annotated[
    bool, typer.Option("--yes", help="Retry many items, and closed incidents, without confirmation.")
]
By = Annotated[str, typer.Option(metavar="NAME", help="Recorded as the operator; default: your user name.")]


def retry(
    ctx: typer.Context,
    items: Subjects = None,
    *,
    vault: VaultOption = "",
    code: CodeOption = "",
    days: Days = 7,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    as_json: JsonOption = False,
) -> None:
    """Retry failed backups now, subject to the retry rules. Exit code 1 if one was not started."""
    choice = Choice(items=items or (), vault=vault, code=code, days=days)
    choice.check()
    person = Person(name=by or getpass.getuser(), agrees=yes or dry_run, can_be_asked=not as_json)
    if len(choice.items) == 1:
        report = run(_one(ctx, choice.items[0], person, rehearsed=dry_run))
        show(document(report, rehearsed=dry_run), as_json, lambda: say(sentence(report, rehearsed=dry_run)))
        raise typer.Exit(Exit.WELL if report and _is_well(report) else Exit.NEEDS_A_PERSON)
    done = run(_many(ctx, choice, person, rehearsed=dry_run))
    show(document_of_many(done, rehearsed=dry_run), as_json, lambda: render(done, rehearsed=dry_run))
    raise typer.Exit(
        Exit.WELL if all(map(_is_well, done.reports)) and not done.problems else Exit.NEEDS_A_PERSON
    )


async def _one(ctx: typer.Context, subject: str, person: Person, *, rehearsed: bool) -> Report | None:
    async with sessions(ctx).open(writing=not rehearsed) as opened:
        session = opened.dry_run() if rehearsed else opened
        return await retry_one(session, await find(session, subject), person)


async def _many(ctx: typer.Context, choice: Choice, person: Person, *, rehearsed: bool) -> Retried:
    async with sessions(ctx).open(writing=not rehearsed) as opened:
        session = opened.dry_run() if rehearsed else opened
        chosen = await candidates(session, choice)
        if not person.agrees:
            _ask(chosen, person)
        return await retry_many(session, chosen, replace(person, agrees=True))


def _ask(chosen: Sequence[Candidate], person: Person) -> None:
    """Show what would be retried; whoever does not agree leaves it as it is."""
    if person.can_be_asked:
        rows = [
            (each.item.friendly_name, each.item.vault.name, each.condition, each.error) for each in chosen
        ]
        table(["item", "vault", "state", "error"], rows)
    agreed(f"Retry {len(chosen)} {'item' if len(chosen) == 1 else 'items'}?", can_ask=person.can_be_asked)


def render(done: Retried, *, rehearsed: bool) -> None:
    """For a person."""
    reports_table(done.reports, rehearsed=rehearsed)
    if done.reports:
        say(f"{totals(done.reports, rehearsed=rehearsed)}.")
    if rehearsed:
        say("Dry run: nothing was written or started.")
    for problem in done.problems:
        say(f"Not retried: {problem}", style="red")


def _is_well(report: Report) -> bool:
    """Started, or not needed any more."""
    outcome = report.incident.outcome if report.incident else None
    return report.decision == "triggered" or bool(outcome and outcome.recovered)


def document(report: Report | None, *, rehearsed: bool = False) -> Document:
    """The JSON of one item."""
    if report is None:
        return {"started": False, "decision": "nothing_failed", "reason": None, "detail": NOTHING_FAILED}
    return {"started": report.decision == "triggered" and not rehearsed, **documents.of_report(report)}


def document_of_many(done: Retried, *, rehearsed: bool) -> Document:
    """The JSON of several."""
    retried = [document(each, rehearsed=rehearsed) for each in done.reports]
    return {"dry_run": rehearsed, "retried": retried, "problems": done.problems}


def sentence(report: Report | None, *, rehearsed: bool = False) -> str:
    """For a person: what was started, or why nothing was."""
    if report is None:
        return f"Not retried. {NOTHING_FAILED}"
    if report.decision == "triggered":
        return (
            "It would be retried. Dry run: nothing was written or started."
            if rehearsed
            else "Retry started: Azure accepted the backup. `backup-retry explain` shows its progress."
        )
    if report.decision == "unclear":
        return f"Response lost: outcome unknown. {report.detail} The follow-up checks the vault."
    incident = report.incident
    if _is_well(report):
        return (
            f"Not retried: the item has recovered ({report.reason}): {report.detail or reason(report.reason)}"
        )
    if report.decision == "already_handled" and incident and incident.outcome:
        return f"Not retried. {_why_closed(incident, incident.outcome)}"
    until = f" Next check {incident.due:%Y-%m-%d %H:%M}Z." if incident and incident.is_open else ""
    return f"Not retried ({report.reason}): {report.detail or reason(report.reason)}{until}"


def _why_closed(incident: Incident, outcome: Outcome) -> str:
    if incident.rehearsed:
        return "DRY_RUN is on: set it to false, then run the command again."
    why = f"{OUTCOMES[outcome].lower()} ({incident.reason}): {incident.detail or reason(incident.reason)}"
    if incident.reason is Reason.UNSUPPORTED:
        return f"Its incident is closed, {why}"
    return f"Its incident is closed, {why} Once that is fixed, --yes retries it."
