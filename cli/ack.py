"""`backup-retry ack`: operators know that an item requires action; no further notice is sent until then."""

import getpass
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from backup_retry.domain.acknowledgements import Acknowledgement
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step, StepKind
from cli import json_documents as documents
from cli.exit_codes import UsageError, run
from cli.item_search import find
from cli.output import JsonOption, say, show
from cli.pause import time_of
from cli.retry import Subject
from cli.session import Session, sessions

Note = Annotated[str, typer.Option(metavar="TEXT", help="Why it can wait; recorded with the incident.")]
By = Annotated[str, typer.Option(metavar="NAME", help="Recorded as the operator; default: your user name.")]
Until = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="A time such as 2026-12-24T06:00Z, or a duration such as 3d; default: until it recovers.",
    ),
]


def ack(
    ctx: typer.Context,
    subject: Subject,
    *,
    note: Note,
    until: Until = "",
    by: By = "",
    as_json: JsonOption = False,
) -> None:
    """Acknowledge an item that requires action. It raises no further notices until it fails with another error."""
    if not note.strip():
        raise UsageError("--note is empty: state why it can wait.")
    done = run(_ack(ctx, subject, Acknowledgement(by=by or getpass.getuser(), note=note, error=""), until))
    show(documents.of_incident(done), as_json, lambda: say(_sentence(done)))


async def _ack(ctx: typer.Context, subject: str, wanted: Acknowledgement, until: str) -> Incident:
    async with sessions(ctx).open(writing=True) as session:
        item = (await find(session, subject)).item
        incident = (await session.ledger.load(item)).incident
        if incident is None or not needs_a_person(incident):
            raise UsageError(
                f"{item.friendly_name} does not require action: there is nothing to acknowledge."
            )
        now = session.clock()
        end = time_of("--until", until, now) if until else None
        known = replace(wanted, error=incident.failure.error.label, until=end)
        return await _save(session, replace(incident, acknowledged=known), now)


def needs_a_person(incident: Incident) -> bool:
    """True where somebody has to act: it ended so, or operators were notified while it was open."""
    return incident.outcome.needs_a_person if incident.outcome else bool(incident.told_of)


async def _save(session: Session, incident: Incident, now: datetime) -> Incident:
    known = incident.acknowledged
    if known is None:
        raise ValueError(f"{incident.id} is not acknowledged")
    until = f" until {known.until:%Y-%m-%d %H:%M} UTC" if known.until else ""
    step = Step(
        at=now,
        kind=StepKind.ACKNOWLEDGED,
        incident_id=incident.id,
        reason=incident.reason.value,
        detail=f"{known.by}{until}: {known.note}",
        job_id=incident.failure.id,
    )
    saved = await session.ledger.save(incident, [step])
    if saved is None:
        raise AzureUnavailable("Its incident was changed at the same time: try again.")
    return saved


def _sentence(done: Incident) -> str:
    known = done.acknowledged
    until = f"until {known.until:%Y-%m-%d %H:%M}Z" if known and known.until else "until it recovers"
    return f"{done.item.friendly_name} is acknowledged {until}. You are notified again if it fails with another error."
