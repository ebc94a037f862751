"""`backup-retry explain`: why an item was or was not retried, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from backup_retry.domain.decisions import Decision
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.domain.journal import Step
from backup_retry.domain.labels import JOB_STATUSES, OUTCOMES, RESULTS, SOURCES, STATES, STEPS, reason
from backup_retry.engine.failed_jobs import failure_of, unrecovered
from backup_retry.policy import recall
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.reports import Closed
from cli import json_documents as documents
from cli.exit_codes import run
from cli.item_search import Found, find
from cli.journal import AllDays
from cli.output import Document, JsonOption, facts, say, show, table
from cli.policy_questions import Answer, answers
from cli.session import Session, sessions

Subject = Annotated[
    str,
    typer.Argument(metavar="ITEM|JOB|INCIDENT", help="An item name, ARM ID, job ID or incident ID."),
]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What `explain` shows."""

    found: Found
    #: the incident that is explained; None: nothing failed
    incident: Incident | None
    #: the incident, where only the journal of its day has it any more
    closed: Closed | None = None
    #: False for an incident that would be opened were the failure noted now
    noted: bool = True
    steps: Sequence[Step] = ()
    asked: Sequence[Answer] = ()
    decision: Decision | None = None
    #: why it is unknown what would be decided now
    problem: str = ""


def explain(ctx: typer.Context, subject: Subject, days: AllDays = None, as_json: JsonOption = False) -> None:
    """Explain why an item was retried or not. Also shows what would be decided now; changes nothing."""
    found = run(_gather(ctx, subject, days))
    show(document(found), as_json, lambda: render(found))


async def _gather(ctx: typer.Context, subject: str, days: int | None) -> Explanation:
    async with sessions(ctx).open() as session:
        return await look(session, await find(session, subject, days))


async def look(session: Session, found: Found) -> Explanation:
    """Read the ledger, and for what is not closed ask Azure as the engine would."""
    steps = await session.ledger.steps(found.item)
    known = (await session.ledger.load(found.item)).incident
    if found.incident_id and (known is None or known.id != found.incident_id):
        own = [each for each in steps if each.incident_id == found.incident_id]
        return Explanation(found=found, incident=None, closed=found.closed, steps=own)
    if known is not None and (found.job is None or _is_about(known, steps, found.job.id)):
        said = _of_incident(found, known, steps)
        return await _with_decision(session, said) if known.is_open and not known.has_no_job else said
    earlier = _incident_of(steps, found.job.id) if found.job else ""
    if earlier:
        return Explanation(
            found=found, incident=None, steps=[each for each in steps if each.incident_id == earlier]
        )
    return await _unknown(session, found, known)


async def _unknown(session: Session, found: Found, after: Incident | None) -> Explanation:
    """It is not in the ledger: what would be decided if it were."""
    now = session.clock()
    failed = await failure_of(session.vaults, found.job, found.item) if found.job else None
    if found.job is None:
        seen = await unrecovered(session.vaults, found.item.vault, now - JOB_RETENTION, now, found.item)
        failed = max(seen.failures, key=FailedJob.weight, default=None)
        if failed is None and seen.gap:
            raise AzureUnavailable(seen.gap)
    if failed is None or (after is not None and not after.is_open and after.covers(failed)):
        return Explanation(found=found, incident=None)
    opened = recall.opened(failed, Source.OPERATOR, now, after=after)
    return await _with_decision(session, Explanation(found=found, incident=opened, noted=False))


def _of_incident(found: Found, incident: Incident, steps: Sequence[Step]) -> Explanation:
    own = [each for each in steps if each.incident_id == incident.id]
    return Explanation(found=found, incident=incident, steps=own)


async def _with_decision(session: Session, said: Explanation) -> Explanation:
    if said.incident is None:
        return said
    try:
        context = await session.engine.context(said.incident)
        asked, decision = await answers(context, session.engine.in_storm)
    except (AzureRefused, AzureUnavailable) as error:
        return replace(said, problem=str(error))
    return replace(said, asked=asked, decision=decision)


def _is_about(incident: Incident, steps: Sequence[Step], job_id: str) -> bool:
    if job_id in {incident.first_job_id, incident.failure.id, *(each.job_id for each in incident.attempts)}:
        return True
    return _incident_of(steps, job_id) == incident.id


def _incident_of(steps: Sequence[Step], job_id: str) -> str:
    """The incident whose journal names the job, or ""."""
    return next((each.incident_id for each in steps if each.job_id.lower() == job_id.lower()), "")


def document(said: Explanation) -> Document:
    """The JSON."""
    job = said.found.job
    return {
        "item": said.found.item.id,
        "job": {"id": job.id, "status": job.status.value} if job else None,
        "known_to_the_ledger": bool(said.steps or said.closed),
        "incident": _incident(said),
        "steps": [documents.of_step(each) for each in said.steps],
        "questions": [
            {"question": each.question, "decided": each.decision is not None, "answer": each.in_words}
            for each in said.asked
        ],
        "now": documents.of_decision(said.decision) if said.decision else None,
        "problem": said.problem or None,
    }


def _incident(said: Explanation) -> Document | None:
    if said.closed:
        return documents.of_closed(said.closed)
    return documents.of_incident(said.incident) if said.incident else None


def render(said: Explanation) -> None:
    """For a person."""
    item, job = said.found.item, said.found.job
    say(
        f"{item.friendly_name} in vault {item.vault.name}" if item.name else f"Vault {item.vault.name}",
        style="bold",
    )
    if job:
        say(f"Job {job.id}: {job.operation} of {job.started_at:%Y-%m-%d %H:%M}Z, {JOB_STATUSES[job.status]}.")
    if said.incident is None and said.closed is None and not said.steps:
        say(_nothing(said))
        return
    if said.closed is not None:
        _render_closed(said.closed)
    if said.incident is not None:
        _render_incident(said.incident, noted=said.noted)
    if said.steps:
        say()
        rows = [(each.at, STEPS[each.kind], reason(each.reason), each.detail) for each in said.steps]
        table(["when", "step", "because", "detail"], rows, title="What happened")
    if said.decision is not None:
        _render_decision(said.asked, said.decision)
    if said.problem:
        say(f"The decision for now cannot be determined: {said.problem}")


def _nothing(said: Explanation) -> str:
    if said.found.job and not said.found.job.failed:
        return "It did not fail, so there was nothing to retry."
    return "The ledger has no incident for it, and the vault shows no unresolved failed backup."


def _render_incident(incident: Incident, *, noted: bool) -> None:
    error = incident.failure.error
    facts(
        [
            ("Incident", incident.id if noted else "none: this failure is not in the ledger"),
            *([("Failure detected by", SOURCES[incident.found_by])] if noted else []),
            ("First failed", incident.first_failed_at),
            ("Error", f"{error.label}: {error.message}" if error.message else error.label),
            *(_condition(incident) if noted else []),
            *([("Details", incident.detail)] if incident.detail else []),
            *([("Profile", incident.profile)] if incident.profile else []),
            *(
                (
                    f"Retry {each.number}",
                    f"{RESULTS[each.result]}, requested {each.claimed_at:%Y-%m-%d %H:%M}Z",
                )
                for each in incident.attempts
            ),
        ]
    )


def _render_closed(closed: Closed) -> None:
    facts(
        [
            ("Incident", closed.incident_id),
            ("Failure detected by", SOURCES[closed.found_by]),
            ("First failed", closed.first_failed_at),
            ("Error", closed.last_error),
            ("State", OUTCOMES[closed.outcome]),
            ("Closed", closed.closed_at),
            ("Because", f"{closed.reason}: {reason(closed.reason)}"),
            *([("Details", closed.detail)] if closed.detail else []),
            ("Retries", closed.attempts),
        ]
    )


def _condition(incident: Incident) -> list[tuple[str, object]]:
    state = OUTCOMES[incident.outcome] if incident.outcome else STATES[incident.state]
    return [("State", state), ("Because", f"{incident.reason}: {reason(incident.reason)}")]


def _render_decision(asked: Sequence[Answer], decision: Decision) -> None:
    say()
    rows = [(number, each.question, each.in_words) for number, each in enumerate(asked, start=1)]
    table(["", "question", "answer"], rows, title="What would be decided now")
    say()
    say(f"Now: {in_words(decision)}")


def in_words(decision: Decision) -> str:
    """A decision as a sentence."""
    document = documents.of_decision(decision)
    until = f" until {document['until'][:16].replace('T', ' ')}Z" if document["until"] else ""
    return f"{document['decision']}{until} ({decision.reason}): {decision.detail or reason(decision.reason)}"
