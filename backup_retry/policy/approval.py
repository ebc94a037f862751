"""Retries that a person has to allow first, for those who fear robots."""

import re
from datetime import timedelta

from backup_retry.domain.decisions import Close, Outcome, Reason, Wait
from backup_retry.domain.incident import Incident
from backup_retry.domain.tags import ASK, RETRY
from backup_retry.policy.decision_context import DecisionContext

#: how long an answer is waited for
PATIENCE = timedelta(hours=24)
#: what is one word between double quotes, in sh, in PowerShell and in cmd
_HARMLESS = re.compile(r"\w[\w .()-]*")


def approval(context: DecisionContext) -> Wait | Close | None:
    """Row 9, by a person: one is asked, once for an incident; who does not answer for a day has to act.

    It is looked at again with each follow-up, so that a backup that completes meanwhile, or a tag that is taken away,
    ends the question. A rehearsal asks nobody.
    """
    incident, why = context.incident, _why(context)
    if not why or incident.approved_by or context.rules.dry_run:
        return None
    asked_at, name = incident.asked_at or context.now, _typed(incident)
    if context.now - asked_at >= PATIENCE:
        return Close(
            outcome=Outcome.NEEDS_ACTION,
            reason=Reason.APPROVAL,
            detail=f"Nobody approved a retry within a day ({why}), so none was started, last error "
            f"{incident.failure.error.label}. Start a backup in the portal, or leave it to its own schedule.",
        )
    detail = (
        f'A retry waits for a person ({why}): backup-retry approve "{name}" lets it go, backup-retry dismiss "{name}" '
        f"closes it; unanswered it is closed at {asked_at + PATIENCE:%Y-%m-%d %H:%M} UTC."
    )
    return Wait(until=context.now, reason=Reason.APPROVAL, detail=detail, notice_name=Reason.APPROVAL.value)


def _typed(incident: Incident) -> str:
    """What names the incident in a command that people copy into any shell: its id, where its item's name is odd."""
    name = incident.item.friendly_name
    return name if _HARMLESS.fullmatch(name) else incident.id


def asks_first(context: DecisionContext) -> bool:
    """True where a retry is a person's to allow."""
    return bool(_why(context))


def _why(context: DecisionContext) -> str:
    """Why a person is asked; "": nobody is."""
    tag = context.tags.asks_first
    if tag is None:
        return "RETRY_MODE is ask" if context.rules.asks_first else ""
    unknown = "" if tag.value == ASK else ", which is no value that this app knows"
    return f"{tag.resource_id} is tagged {RETRY} = {tag.value}{unknown}"
