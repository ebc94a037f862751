"""Which notices an incident gives, and what they say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.notices import SOURCE, Notice, NoticeKind

_NAMESPACE = UUID("6f1d7d0e-3f0b-4d0c-9a54-0d2d4b8a5a11")
#: how many vaults a notice names
_NAMED = 10
#: the reason in the notice of a signal that has no incident yet
_SIGNAL_WAITS = "signal_kept"
_SIGNAL_REMEDY = (
    "Give this app's identity access to the vault, or check the job in the Azure portal. "
    "The alert is processed again until the job has ended, for at most 14 days."
)
#: the reason in the notice of a turn
_TURN_DIED = "turn_died"
_TIMER_STOPPED = "timer_stopped"
#: what a notice without an incident has no value for
_OF_AN_ITEM = (
    "incidentId",
    "itemId",
    "vaultId",
    "jobId",
    "firstFailedAt",
    "outcome",
    "lastRecoveryPointAt",
    "secondsSinceLastRecoveryPoint",
)
#: what a digest says about each of its items, and of how many
_OF_A_DIGEST = ("incidentId", "itemId", "jobId", "firstFailedAt", "attempts", "reason", "remedy")
_LISTED = 200
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
    """What a closed incident tells: nothing where it was not retried, or a person has acknowledged it.

    Of a vault that is closed to us one cause is told once, while its incident is open: its end reports what is well
    again, and what no notice has said. Its items have the same cause.
    """
    kind = _OF_OUTCOME.get(incident.outcome) if incident.outcome else None
    if kind is not None and kind.calls_a_person and incident.is_acknowledged(at):
        return []
    tells = incident.item.is_vault and (kind is NoticeKind.RECOVERED) is bool(incident.told_of)
    if incident.has_no_job and not tells:
        return []
    return [notice(kind, incident, at)] if kind else []


def digest(notices: Sequence[Notice], at: datetime) -> Notice:
    """Several notices of one cause in one; the same ones make the same digest."""
    newest, ids = max(notices, key=lambda each: each.at), sorted(each.id for each in notices)
    incidents = [{name: each.data.get(name) for name in _OF_A_DIGEST} for each in notices]
    return Notice(
        id=str(uuid5(_NAMESPACE, "|".join(ids))),
        kind=newest.kind,
        at=at,
        subject=newest.data.get("vaultId") or SOURCE,
        data={
            **newest.data,
            **dict.fromkeys(_OF_AN_ITEM),
            "vaultId": newest.data.get("vaultId"),
            "outcome": newest.data.get("outcome"),
            "items": len(notices),
            "incidents": incidents[:_LISTED],
        },
    )


def of_signals(
    *, key: str, fields: Mapping[str, str], since: datetime, at: datetime, why: str, number: int
) -> Notice:
    """The notice about signals of a vault that have waited for a day, by the first of them: none has an incident."""
    said = defaultdict(str, fields)
    others = f" and {number - 1} more alerts of its vault have" if number > 1 else " has"
    waits = f"{said['label'] or 'An alert'}{others} been deferred since {since:%Y-%m-%d %H:%M} UTC: {why}."
    return Notice(
        id=str(uuid5(_NAMESPACE, f"{NoticeKind.NEEDS_PERSON}|signal {key}|{since.isoformat()}")),
        kind=NoticeKind.NEEDS_PERSON,
        at=at,
        subject=said["item"] or said["vault"] or said["resource"],
        data={
            "incidentId": None,
            "itemId": said["item"] or None,
            "vaultId": said["vault"] or None,
            "jobId": said["job"] or None,
            "firstFailedAt": None,
            "error": said["error"],
            "errorMessage": "",
            "attempts": 0,
            "outcome": None,
            "reason": _SIGNAL_WAITS,
            "remedy": f"{waits} {_SIGNAL_REMEDY}",
            "lastRecoveryPointAt": None,
            "secondsSinceLastRecoveryPoint": None,
        },
    )


def of_turn(turn: str, began: datetime, starts: int, at: datetime) -> Notice:
    """The notice about a turn that has failed each time it was started."""
    remedy = (
        f"The {turn} that began at {began:%Y-%m-%d %H:%M} UTC was started {starts} times and never "
        f"completed. Look for errors of the function {turn} in Application Insights."
    )
    return _of_a_function(f"turn {turn}|{began.isoformat()}", _TURN_DIED, remedy, at)


def of_timer(turn: str, since: datetime, at: datetime) -> Notice:
    """The notice about a timer that has stopped, once for each time that it does."""
    remedy = (
        f"The timer of the function {turn} has not completed a run since {since:%Y-%m-%d %H:%M} UTC. "
        "Incoming alerts and an Azure Monitor alert rule start its work in the meantime. Restart the app; if that does "
        "not help, redeploy it, or open a support request with Azure."
    )
    return _of_a_function(f"timer {turn}|{since.isoformat()}", _TIMER_STOPPED, remedy, at)


def _of_a_function(about: str, reason: str, remedy: str, at: datetime) -> Notice:
    return Notice(
        id=str(uuid5(_NAMESPACE, f"{NoticeKind.NEEDS_PERSON}|{about}")),
        kind=NoticeKind.NEEDS_PERSON,
        at=at,
        subject=SOURCE,
        data={
            **dict.fromkeys(_OF_AN_ITEM),
            "error": "",
            "errorMessage": "",
            "attempts": 0,
            "reason": reason,
            "remedy": remedy,
        },
    )


def of_day(data: dict[str, Any], at: datetime) -> Notice:
    """A day in numbers; the same all day long, however often it is told."""
    return Notice(
        id=str(uuid5(_NAMESPACE, f"{NoticeKind.DAILY_SUMMARY}|{at:%Y-%m-%d}")),
        kind=NoticeKind.DAILY_SUMMARY,
        at=at,
        subject=SOURCE,
        data=data,
    )


def of_unknown_vaults(vault_ids: Sequence[str], at: datetime) -> Notice:
    """How many vaults only alerts name; the same all day long, however often it is told."""
    return Notice(
        id=str(uuid5(_NAMESPACE, f"{NoticeKind.UNKNOWN_VAULTS}|{at:%Y-%m-%d}")),
        kind=NoticeKind.UNKNOWN_VAULTS,
        at=at,
        subject=SOURCE,
        data={"vaults": len(vault_ids), "vaultIds": list(vault_ids[:_NAMED])},
    )


def _about(incident: Incident, at: datetime) -> dict[str, Any]:
    """Item, job, error, attempts, remedy and the age of the last recovery point (seconds, null: unknown)."""
    failure, last_good = incident.failure, incident.last_good_at
    return {
        "incidentId": incident.id,
        "itemId": incident.item.id,
        "vaultId": incident.item.vault.id,
        "jobId": failure.id,
        "firstFailedAt": incident.first_failed_at.isoformat(),
        "error": failure.error.label,
        "errorMessage": failure.error.message,
        "cause": _cause(incident),
        "attempts": incident.attempts_spent,
        "outcome": incident.outcome.value if incident.outcome else None,
        "reason": incident.reason.value,
        "remedy": incident.detail,
        "times": incident.memory.times,
        "chronic": incident.memory.is_chronic,
        "lastRecoveryPointAt": last_good.isoformat() if last_good else None,
        "secondsSinceLastRecoveryPoint": int((at - last_good).total_seconds()) if last_good else None,
    }


def _cause(incident: Incident) -> str:
    """The code of what operators are notified of; a question is one of its own, since its answer has a time limit."""
    if incident.outcome:
        return incident.failure.error.label
    return f"approval {incident.id}" if incident.reason is Reason.APPROVAL else incident.reason.value
