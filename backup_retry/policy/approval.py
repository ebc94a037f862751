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
    ends the question. A dry run asks nobody.
    """
    incident, why = context.incident, _why(context)
    if not why or incident.approved_by or context.rules.dry_run:
        return None
    asked_at, name = incident.asked_at or context.now, _typed(incident)
    if context.now - asked_at >= PATIENCE:
        return Close(
            outcome=Outcome.NEEDS_ACTION,
            reason=Reason.APPROVAL,
            detail=f"The retry was not approved within a day ({why}), so it was not started. Last error: "
            f"{incident.failure.error.label}. Start a backup in the Azure portal, or wait for the next scheduled one.",
        )
    detail = (
        f'A retry is waiting for approval ({why}): backup-retry approve "{name}" approves it, '
        f'backup-retry dismiss "{name}" '
        f"closes it. Without an answer it is closed at {asked_at + PATIENCE:%Y-%m-%d %H:%M} UTC."
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
    unknown = "" if tag.value == ASK else ", which is not a valid value"
    return f"{tag.resource_id} is tagged {RETRY} = {tag.value}{unknown}"
