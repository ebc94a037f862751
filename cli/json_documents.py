"""The JSON of what the commands show; docs/cli.md describes the fields."""

from backup_retry.domain.acknowledgements import Acknowledgement
from backup_retry.domain.attempts import Attempt
from backup_retry.domain.decisions import Decision, Wait
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step
from backup_retry.domain.labels import reason
from backup_retry.domain.pauses import Pause
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.storm import Storm
from backup_retry.ports.reports import Closed
from cli.output import Document


def of_incident(incident: Incident) -> Document:
    """An incident with its attempts."""
    return {
        "incident": incident.id,
        "item": incident.item.id,
        "name": incident.item.friendly_name,
        "vault": incident.item.vault.id,
        "state": incident.state.value,
        "outcome": incident.outcome.value if incident.outcome else None,
        "reason": incident.reason.value,
        "reason_in_words": reason(incident.reason),
        "detail": incident.detail,
        "acknowledged": of_acknowledgement(incident.acknowledged),
        "error": incident.failure.error.label,
        "job": incident.failure.id,
        "found_by": incident.found_by.value,
        "first_failed_at": incident.first_failed_at.isoformat(),
        "due": incident.due.isoformat() if incident.is_open else None,
        "closed_at": incident.closed_at.isoformat() if incident.closed_at else None,
        "approved_by": incident.approved_by or None,
        "profile": incident.profile or None,
        "last_good_at": incident.last_good_at.isoformat() if incident.last_good_at else None,
        "attempts": len(incident.attempts),
        "retries": [of_attempt(each) for each in incident.attempts],
    }


def of_acknowledgement(known: Acknowledgement | None) -> Document | None:
    """Who said that it can wait, why and until when."""
    if known is None:
        return None
    return {"by": known.by, "note": known.note, "until": known.until.isoformat() if known.until else None}


def of_attempt(attempt: Attempt) -> Document:
    """One attempt."""
    return {
        "id": attempt.id,
        "number": attempt.number,
        "claimed_at": attempt.claimed_at.isoformat(),
        "job": attempt.job_id or None,
        "result": attempt.result.value,
        "ended_at": attempt.ended_at.isoformat() if attempt.ended_at else None,
    }


def of_closed(closed: Closed) -> Document:
    """A closed incident, as the journal knows it."""
    return {
        "incident": closed.incident_id,
        "item": closed.item.id,
        "name": closed.item.friendly_name,
        "vault": closed.item.vault.id,
        "state": "closed",
        "outcome": closed.outcome.value,
        "reason": closed.reason.value,
        "reason_in_words": reason(closed.reason),
        "detail": closed.detail,
        "acknowledged": of_acknowledgement(closed.acknowledged),
        "error": closed.last_error,
        "found_by": closed.found_by.value,
        "first_failed_at": closed.first_failed_at.isoformat(),
        "closed_at": closed.closed_at.isoformat(),
        "attempts": closed.attempts,
    }


def of_step(step: Step) -> Document:
    """A line of the journal."""
    return {
        "at": step.at.isoformat(),
        "kind": step.kind.value,
        "incident": step.incident_id,
        "reason": step.reason,
        "reason_in_words": reason(step.reason),
        "detail": step.detail,
        "job": step.job_id,
    }


def of_report(report: Report) -> Document:
    """What became, or would become, of one failed job."""
    incident = report.incident
    return {
        "item": report.item_id,
        "job": report.job_id,
        "decision": report.decision,
        "reason": report.reason.value,
        "reason_in_words": reason(report.reason),
        "detail": report.detail,
        "incident": incident.id if incident else None,
        "outcome": incident.outcome.value if incident and incident.outcome else None,
        "due": incident.due.isoformat() if incident and incident.is_open else None,
    }


def of_decision(decision: Decision) -> Document:
    """A decision that was not applied."""
    return {
        "decision": type(decision).__name__.lower(),
        "reason": decision.reason.value,
        "reason_in_words": reason(decision.reason),
        "detail": decision.detail,
        "until": decision.until.isoformat() if isinstance(decision, Wait) else None,
    }


def of_pause(pause: Pause) -> Document:
    """A pause."""
    starts, until = (at.isoformat() if at else None for at in (pause.starts, pause.until))
    return {"by": pause.by, "why": pause.why, "starts": starts, "until": until, "scope": pause.scope}


def of_storm(storm: Storm) -> Document:
    """A storm that is on."""
    return {
        "vault": storm.vault.id,
        "error": storm.code,
        "items": storm.size,
        "began_at": storm.began_at.isoformat(),
        "canary": storm.canary.id,
    }
