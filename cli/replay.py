"""`backup-retry replay`: what alerts, events or rows about jobs in a file would set off today; writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from backup_retry.domain.errors import BackupRetryError, in_words
from backup_retry.engine.unit_of_work import Report
from cli import json_documents as documents
from cli.exit_codes import Exit, run
from cli.output import Document, JsonOption, say, show, table
from cli.replay_file import Entry, JobRow, Unread, entries, read_file
from cli.replayed_rows import Rows
from cli.result_tables import needs_a_person, report_row, totals
from cli.session import Session, sessions
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A JSON file, or - for standard input.")]
#: a dry run is not in the hurry that a webhook is in
_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What would become of one entry of the file."""

    #: its place in the file, from 1
    number: int
    reports: Sequence[Report] = ()
    #: why it leads to nothing
    why: str = ""
    #: it could not be looked at or read
    is_problem: bool = False


def replay(ctx: typer.Context, file: FileArgument, as_json: JsonOption = False) -> None:
    """Show what the alerts, events or jobs in a file would trigger. Writes and starts nothing."""
    content = read_file(file)
    said = run(_gather(ctx, content))
    show(document(said), as_json, lambda: render(said))
    well = not any(each.is_problem or needs_a_person(each.reports) for each in said)
    raise typer.Exit(Exit.WELL if well else Exit.NEEDS_A_PERSON)


async def _gather(ctx: typer.Context, content: object) -> Sequence[Replayed]:
    async with sessions(ctx).open(ledger=False) as opened:
        found = entries(content, opened.settings.dimensions)
        look = Looks(opened.dry_run())
        return [await look.at(number, each) for number, each in enumerate(found, start=1)]


class Looks:
    """Takes each entry as the app takes it: a signal as the reactor does, a row as the sweep does."""

    def __init__(self, session: Session) -> None:
        resolver = Resolver(
            vaults=session.vaults,
            item_lookup=session.item_lookup,
            clock=session.clock,
            lookback=session.settings.sweep_lookback,
            scope=session.settings.scope,
        )
        self._reactor = SignalHandler(resolver=resolver, engine=session.engine)
        self._rows = Rows(session)

    async def at(self, number: int, entry: Entry) -> Replayed:
        """What would become of it."""
        if isinstance(entry, Unread):
            return Replayed(number=number, why=entry.why, is_problem=True)
        try:
            if isinstance(entry, JobRow):
                done = await self._rows.handle(entry)
                return (
                    Replayed(number=number, why=done)
                    if isinstance(done, str)
                    else Replayed(number=number, reports=[done])
                )
            reaction = await self._reactor.handle_signal(entry, seconds=_SECONDS)
        except BackupRetryError as error:
            return Replayed(number=number, why=in_words(error), is_problem=True)
        return Replayed(number=number, reports=reaction.reports, why="" if reaction.reports else reaction.why)


def document(said: Sequence[Replayed]) -> Document:
    """The JSON."""
    return {
        "would": [documents.of_report(report) for each in said for report in each.reports],
        "ignored": [each.why for each in said if each.why and not each.is_problem],
        "problems": [each.why for each in said if each.is_problem],
        "entries": [
            {
                "number": each.number,
                "jobs": [report.job_id for report in each.reports],
                "decisions": [report.decision for report in each.reports],
                "why": each.why or None,
            }
            for each in said
        ],
    }


def render(said: Sequence[Replayed]) -> None:
    """For a person."""
    reports = [report for each in said for report in each.reports]
    rows = [row for each in said for row in _rows_of(each)]
    if rows:
        table(["#", "item", "decision", "error", "because"], rows)
    sums = totals(reports, rehearsed=True) or "Nothing would be done"
    say(f"{len(said)} in the file: {sums}. Dry run: nothing was written or started.")


def _rows_of(each: Replayed) -> Sequence[Sequence[object]]:
    if each.reports:
        return [(each.number, *report_row(report, rehearsed=True)) for report in each.reports]
    return [(each.number, "", "not evaluated" if each.is_problem else "ignored", "", each.why)]
