"""`backup-retry incidents`: what is open and what was closed, filtered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.labels import OUTCOMES, STATES, reason
from backup_retry.ports.reports import Closed
from cli import json_documents as documents
from cli.ack import needs_a_person
from cli.exit_codes import UsageError, run
from cli.journal import Days, closed_within
from cli.output import Document, JsonOption, say, show, table
from cli.session import Session, sessions

OpenOnly = Annotated[bool, typer.Option("--open", help="Only open incidents.")]
ClosedOnly = Annotated[bool, typer.Option("--closed", help="Only closed incidents.")]
NeedsPerson = Annotated[
    bool,
    typer.Option("--needs-person", help="Only incidents that require action."),
]
OutcomeOption = Annotated[
    Outcome | None,
    typer.Option(metavar="OUTCOME", help=f"Only incidents with this outcome: {', '.join(Outcome)}."),
]
ReasonOption = Annotated[
    Reason | None, typer.Option(help="Only incidents with this reason code.", metavar="CODE")
]
VaultOption = Annotated[str, typer.Option(metavar="NAME", help="Only vaults whose name contains this.")]
SubscriptionOption = Annotated[str, typer.Option(metavar="ID", help="Only this subscription.")]
TextOption = Annotated[
    str, typer.Option(metavar="TEXT", help="Only incidents whose item, error or detail contains this.")
]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="Maximum number of rows.")]


@dataclass(frozen=True, kw_only=True)
class Line:
    """An incident in the list."""

    item: ProtectedItem
    is_open: bool
    #: the state of an open one, the outcome of a closed one, in words
    condition: str
    outcome: Outcome | None
    reason: Reason
    error: str
    detail: str
    needs_a_person: bool
    attempts: int
    failed_at: datetime
    document: Document

    @classmethod
    def of_open(cls, incident: Incident, now: datetime) -> "Line":
        """An open incident's line."""
        acknowledged = incident.is_acknowledged(now)
        return cls(
            item=incident.item,
            is_open=True,
            condition=STATES[incident.state] + (", acknowledged" if acknowledged else ""),
            outcome=None,
            reason=incident.reason,
            error=incident.failure.error.label,
            detail=incident.detail,
            needs_a_person=needs_a_person(incident) and not acknowledged,
            attempts=len(incident.attempts),
            failed_at=incident.first_failed_at,
            document=documents.of_incident(incident),
        )

    @classmethod
    def of_closed(cls, closed: Closed) -> "Line":
        """A closed incident's line."""
        return cls(
            item=closed.item,
            is_open=False,
            condition=OUTCOMES[closed.outcome],
            outcome=closed.outcome,
            reason=closed.reason,
            error=closed.last_error,
            detail=closed.detail,
            needs_a_person=closed.needs_a_person,
            attempts=closed.attempts,
            failed_at=closed.first_failed_at,
            document=documents.of_closed(closed),
        )


def incidents(
    ctx: typer.Context,
    *,
    only_open: OpenOnly = False,
    only_closed: ClosedOnly = False,
    needs_person: NeedsPerson = False,
    outcome: OutcomeOption = None,
    reason: ReasonOption = None,
    vault: VaultOption = "",
    subscription: SubscriptionOption = "",
    text: TextOption = "",
    days: Days = 7,
    limit: Limit = 100,
    as_json: JsonOption = False,
) -> None:
    """List open and recently closed incidents, newest first."""
    if only_open and (only_closed or needs_person or outcome):
        raise UsageError("--open cannot be combined with --closed, --needs-person or --outcome.")
    wanted: list[Callable[[Line], bool]] = [
        lambda line: line.is_open or not only_open,
        lambda line: not line.is_open or not only_closed,
        lambda line: not needs_person or line.needs_a_person,
        lambda line: outcome in {None, line.outcome},
        lambda line: reason in {None, line.reason},
        lambda line: vault.lower() in line.item.vault.name.lower(),
        lambda line: subscription.lower() in {"", line.item.vault.subscription},
        lambda line: text.lower() in f"{line.item.id} {line.error} {line.detail}".lower(),
    ]
    lines = [line for line in run(_gather(ctx, days)) if all(each(line) for each in wanted)]
    shown = lines[:limit]
    show([line.document for line in shown], as_json, lambda: render(shown, len(lines)))


async def _gather(ctx: typer.Context, days: int) -> Sequence[Line]:
    async with sessions(ctx).open() as session:
        return await lines_of(session, days)


async def lines_of(session: Session, days: int) -> Sequence[Line]:
    """Every line, newest failure first."""
    now = session.clock()
    opened = [Line.of_open(each, now) for each in await session.ledger.open_incidents() if each.is_open]
    closed = [Line.of_closed(each.at(now)) for each in await closed_within(session, days)]
    return sorted([*opened, *closed], key=lambda line: line.failed_at, reverse=True)


def render(lines: Sequence[Line], found: int) -> None:
    """For a person."""
    if not lines:
        say("No incidents.")
        return
    rows = [
        (
            line.item.friendly_name,
            line.item.vault.name,
            line.failed_at,
            line.condition,
            line.attempts,
            line.error,
            f"{line.reason}: {reason(line.reason)}",
        )
        for line in lines
    ]
    table(["item", "vault", "first failed", "state", "retries", "error", "reason"], rows)
    if found > len(lines):
        say(f"{found - len(lines)} more; --limit shows them.")
