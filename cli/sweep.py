"""`backup-retry sweep`: look for failed jobs now, or try it from a laptop."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from backup_retry.settings.setting_types import Lookback as LookbackSetting
from cli import json_documents as documents
from cli.exit_codes import Exit, UsageError, run
from cli.output import Document, JsonOption, console, say, show
from cli.result_tables import needs_a_person, reports_table, totals
from cli.session import Session, sessions
from reconciler.protection_watch import ProtectionWatch
from reconciler.sweep import Graph, Sweep
from reconciler.sweep_report import SweepReport

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Evaluate everything, write and start nothing; needs no ledger.")
]
Lookback = Annotated[
    str, typer.Option(metavar="DURATION", help="Period to search, such as 3d; default: SWEEP_LOOKBACK.")
]
_LOOKBACK: TypeAdapter[timedelta] = TypeAdapter(LookbackSetting)


def sweep(
    ctx: typer.Context,
    dry_run: DryRun = False,
    lookback: Lookback = "",
    as_json: JsonOption = False,
) -> None:
    """Search for failed jobs and missed backups now. Processes them like the daily sweep."""
    report = run(_sweep(ctx, lookback, dry_run=dry_run))
    show(document(report, dry_run=dry_run), as_json, lambda: render(report, dry_run=dry_run))
    well = report.complete and not needs_a_person(report.handled)
    raise typer.Exit(Exit.WELL if well else Exit.NEEDS_A_PERSON)


async def _sweep(ctx: typer.Context, lookback: str, *, dry_run: bool) -> SweepReport:
    overrides = {"sweep_lookback": _checked(lookback)} if lookback else {}
    async with sessions(ctx).open(writing=not dry_run, ledger=not dry_run, **overrides) as session:
        with _progress() as watch:
            return await sweeping(session.dry_run() if dry_run else session, watch=watch).run()


def _checked(lookback: str) -> str:
    """The option as the setting takes it; raises UsageError, which names the option."""
    try:
        _LOOKBACK.validate_python(lookback)
    except ValidationError as error:
        why = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UsageError(f"--lookback {lookback}: {why}") from None
    return lookback


def sweeping(session: Session, graph: Graph | None = None, watch: "Progressed | None" = None) -> Sweep:
    """The app's own sweep with this session's parts, or on rows from elsewhere."""
    return Sweep(
        graph=graph or session.graph,
        vaults=session.vaults,
        engine=session.engine,
        controls=session.ledger,
        clock=session.clock,
        profile=session.settings.daily_sweep,
        scope=session.settings.scope,
        defer=session.inbox.add,
        watch_protection=None if graph else _protection(session),
        keep_reports=True,
        watch=watch or (lambda _: None),
    )


def _protection(session: Session) -> ProtectionWatch:
    return ProtectionWatch(
        estate=session.estate_reader,
        reports=session.reports,
        history=session.history,
        engine=session.engine,
        missed_backups=session.settings.missed_backups,
        clock=session.clock,
    )


class Progressed:
    """Moves a bar on as the report grows."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("Querying Resource Graph", total=None)

    def __call__(self, report: SweepReport) -> None:
        """The report has grown."""
        self._bar.update(self._task, description="Failed jobs", total=report.found, completed=report.seen)


@contextmanager
def _progress() -> Iterator[Progressed]:
    """A bar on stderr, so that stdout stays what was asked for; none where nobody looks."""
    shown = console(err=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=shown, disable=not shown.is_terminal, transient=True) as bar:
        yield Progressed(bar)


def document(report: SweepReport, *, dry_run: bool) -> Document:
    """The JSON."""
    return {
        "dry_run": dry_run,
        "since": report.since.isoformat(),
        "complete": report.complete,
        "found": report.found,
        "handled": [documents.of_report(each) for each in report.handled],
        "problems": report.problems,
    }


def render(report: SweepReport, *, dry_run: bool) -> None:
    """For a person."""
    reports_table(report.handled, rehearsed=dry_run)
    found = f"{report.found} unresolved failed jobs since {report.since:%Y-%m-%d %H:%M}Z"
    sums = totals(report.handled, rehearsed=dry_run)
    say(f"{found}: {sums}." if sums else f"{found}.")
    if dry_run:
        say("Dry run: nothing was written or started.")
    for problem in report.problems:
        say(f"Not evaluated: {problem}", style="red")
