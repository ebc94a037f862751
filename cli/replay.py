"""`backup-retry replay`: what an alert, an event or a Resource Graph export would set off today; writes nothing."""

import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from backup_retry.domain.alert_dimensions import Dimensions
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.domain.texts import valid_json
from backup_retry.engine.unit_of_work import Report
from cli import json_documents as documents
from cli.exit_codes import Exit, UsageError, run
from cli.output import Document, JsonOption, say, show
from cli.result_tables import needs_a_person, reports_table, totals
from cli.session import Session, sessions
from cli.sweep import sweeping
from reactor.alerts import parse_payload
from reactor.events import parse_events
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reactor.signals import Ignored, Signal

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A JSON file, or - for standard input.")]
#: a rehearsal is not in the hurry that a webhook is in
_SECONDS = 300.0


@dataclass(kw_only=True)
class Replay:
    """What `replay` shows."""

    reports: list[Report] = field(default_factory=list)
    #: why a signal led to nothing
    ignored: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """The port `reconciler.sweep.Graph` on rows from a file."""

    read: Sequence[Mapping[str, Any]]

    async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """See Graph; the query is not asked, the file is its answer."""
        del query
        for row in self.read:
            yield row


def replay(ctx: typer.Context, file: FileArgument, as_json: JsonOption = False) -> None:
    """Show what a file of alerts, events or Resource Graph rows would set off; writes and starts nothing."""
    read = read_file(file)
    said = run(_gather(ctx, read))
    show(document(said), as_json, lambda: render(said))
    well = not said.problems and not needs_a_person(said.reports)
    raise typer.Exit(Exit.WELL if well else Exit.NEEDS_A_PERSON)


async def _gather(ctx: typer.Context, read: "Rows | Sequence[object]") -> Replay:
    async with sessions(ctx).open(ledger=False) as session:
        dry_run = session.dry_run()
        if isinstance(read, Rows):
            swept = await sweeping(dry_run, graph=read).run()
            return Replay(reports=swept.handled, problems=swept.problems)
        dimensions = session.settings.dimensions
        return await _react(dry_run, [signal for each in read for signal in _signals(each, dimensions)])


async def _react(session: Session, signals: Sequence[Signal | Ignored]) -> Replay:
    """Every signal, as the reactor takes it."""
    resolver = Resolver(
        vaults=session.vaults,
        item_lookup=session.item_lookup,
        clock=session.clock,
        lookback=session.settings.sweep_lookback,
        scope=session.settings.scope,
    )
    reactor, said = SignalHandler(resolver=resolver, engine=session.engine), Replay()
    for signal in signals:
        try:
            reaction = await reactor.handle_signal(signal, seconds=_SECONDS)
        except (AzureRefused, AzureUnavailable) as error:
            said.problems.append(str(error))
            continue
        said.reports.extend(reaction.reports)
        if not reaction.reports:
            said.ignored.append(reaction.why)
    return said


def read_file(file: str) -> "Rows | Sequence[object]":
    """What a file holds.

    Raises:
        UsageError: the file cannot be read or is not JSON.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        content = valid_json(json.loads(text))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not JSON ({error}).") from None
    return read_content(content)


def read_content(content: Any) -> "Rows | Sequence[object]":  # noqa: ANN401 (any JSON)
    """Rows of Resource Graph, or alerts and events: one or a list, as they stand or as Azure's tools wrap them."""
    if (
        isinstance(content, Mapping)
        and isinstance(content.get("data"), Sequence | Mapping)
        and _is_graph(content)
    ):
        return Rows(_graph_rows(content["data"]))
    entries = content if isinstance(content, list) else [content]
    if entries and all(_is_row(each) for each in entries):
        return Rows([_as_row(each) for each in entries])
    return entries


def _is_graph(content: Mapping[str, Any]) -> bool:
    data = content["data"]
    return isinstance(data, list) or (isinstance(data, Mapping) and {"columns", "rows"} <= set(data))


def _graph_rows(data: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401 (any JSON)
    """The rows of an answer, whose format is objects or a table."""
    if isinstance(data, list):
        return [_as_row(each) for each in data if isinstance(each, Mapping)]
    names = [column["name"] for column in data["columns"]]
    return [_as_row(dict(zip(names, row, strict=False))) for row in data["rows"]]


def _is_row(entry: object) -> bool:
    return isinstance(entry, Mapping) and "/backupjobs/" in str(entry.get("id", "")).lower()


def _as_row(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row as the sweep's query projects it; another query may have left the job's properties as they are."""
    properties = entry.get("properties")
    if not isinstance(properties, Mapping):
        return entry
    named = {"startTime": properties.get("startTime"), "backupInstance": properties.get("backupInstanceId")}
    return {**named, **entry}


def _signals(entry: object, dimensions: Dimensions) -> Sequence[Signal | Ignored]:
    """Those of an alert in the common schema, or of an event in either of Event Grid's schemas; raises BadSignal."""
    if isinstance(entry, Mapping):
        event_type = entry.get("eventType") or entry.get("type")
        if isinstance(event_type, str) and "schemaId" not in entry:
            subject = str(entry.get("subject") or "")
            return parse_events(event_type, entry.get("data"), subject=subject, dimensions=dimensions)
    return [parse_payload(entry, dimensions)]


def document(said: Replay) -> Document:
    """The JSON."""
    return {
        "would": [documents.of_report(each) for each in said.reports],
        "ignored": said.ignored,
        "problems": said.problems,
    }


def render(said: Replay) -> None:
    """For a person."""
    reports_table(said.reports, rehearsed=True)
    say(
        f"{totals(said.reports, rehearsed=True) or 'Nothing would be done'}. Rehearsed: nothing was written or started."
    )
    for why in said.ignored:
        say(f"Ignored: {why}.")
    for problem in said.problems:
        say(f"Not looked at: {problem}", style="red")
