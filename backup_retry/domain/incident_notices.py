"""Which notices an incident gives, and what they say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Outcome
from backup_retry.domain.notices import Notice, NoticeKind

_NAMESPACE = UUID("6f1d7d0e-3f0b-4d0c-9a54-0d2d4b8a5a11")
_OF_OUTCOME = {
    Outcome.RECOVERED: NoticeKind.RECOVERED,
    Outcome.RECOVERED_ELSEWHERE: NoticeKind.RECOVERED,
    Outcome.NEEDS_ACTION: NoticeKind.NEEDS_PERSON,
    Outcome.EXHAUSTED: NoticeKind.EXHAUSTED,
}


def notice(kind: NoticeKind, incident: Incident, at: datetime, *, about: str = "", **extra: object) -> Notice:
    """A notice about an incident; `about` tells apart what an incident has several of, such as attempts."""
    return Notice(
        id=str(uuid5(_NAMESPACE, f"{kind}|{about or incident.id}")),
        kind=kind,
        at=at,
        subject=incident.item.id,
        data={**_about(incident, at), **extra},
    )


def of_outcome(incident: Incident, at: datetime) -> Sequence[Notice]:
    """What a closed incident tells; one that was left alone tells nothing."""
    kind = _OF_OUTCOME.get(incident.outcome) if incident.outcome else None
    return [notice(kind, incident, at)] if kind else []


def _about(incident: Incident, at: datetime) -> dict[str, Any]:
    """Item, job, error, attempts, remedy and the age of the last good recovery point (seconds, null: unknown)."""
    failure, last_good = incident.failure, incident.last_good_at
    return {
        "incidentId": incident.id,
        "itemId": incident.item.id,
        "vaultId": incident.item.vault.id,
        "jobId": failure.id,
        "firstFailedAt": incident.first_failed_at.isoformat(),
        "error": failure.error.label,
        "errorMessage": failure.error.message,
        "attempts": incident.attempts_spent,
        "outcome": incident.outcome.value if incident.outcome else None,
        "reason": incident.reason.value,
        "remedy": incident.detail,
        "lastRecoveryPointAt": last_good.isoformat() if last_good else None,
        "secondsSinceLastRecoveryPoint": int((at - last_good).total_seconds()) if last_good else None,
    }
