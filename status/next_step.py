"""What happens next with an incident, as far as the ledger knows: Azure is not asked for it."""

from collections.abc import Mapping

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident, State

_WAITS: Mapping[Reason, str] = {
    Reason.BACKOFF: "The next attempt starts then, unless a backup has completed by that time.",
    Reason.PAUSED: "It goes on once the pause is over or taken back.",
    Reason.STORM: "It is retried once the storm's first retry has recovered.",
    Reason.OUTSIDE_HOURS: "It is retried once the allowed hours begin.",
    Reason.SCHEDULE_NEAR: "Its own schedule runs first; after that it is decided whether a retry is still wanted.",
    Reason.DAILY_CAP: "It is retried once one of the day's on-demand backups is a day old.",
    Reason.THROTTLED: "The retry is tried again then, as Azure has asked.",
    Reason.IN_PROGRESS: "It is looked at again; the running backup decides.",
    Reason.LOG_SCHEDULE: "The next log backup of its own schedule decides.",
    Reason.APPROVAL: "It is retried once somebody approves it: `backup-retry approve`.",
    Reason.NO_PERMISSION: "It goes on by itself once the role is there.",
    Reason.NOT_REACHABLE: "It goes on by itself once Azure finds the vault again.",
}
_STATES: Mapping[State, str] = {
    State.CLAIMED: "The retry is about to be sent to Azure.",
    State.TRIGGERED: "The retry's job is followed to its end: it completes and the incident ends, or it "
    "fails and it is decided anew.",
    State.UNKNOWN: "The vault is asked whether the retry took effect; nothing else is started before that is known.",
}
_ENDS: Mapping[Outcome, str] = {
    Outcome.RECOVERED: "Nothing: it has recovered.",
    Outcome.RECOVERED_ELSEWHERE: "Nothing: it has recovered.",
    Outcome.NEEDS_ACTION: "Nothing by itself: act as said above. The next backup that completes makes it well; "
    "`backup-retry retry` starts one.",
    Outcome.EXHAUSTED: "Nothing by itself until its schedule runs again: look at the error. "
    "`backup-retry retry` tries once more.",
    Outcome.LEFT_ALONE: "Nothing: its own schedule goes on as before.",
}


def next_of_open(incident: Incident) -> str:
    """What an open incident waits for."""
    if incident.state in _STATES:
        return _STATES[incident.state]
    return _WAITS.get(incident.reason, "It is looked at again then, and decided anew.")


def next_of_closed(outcome: Outcome, reason: Reason) -> str:
    """What follows once it is closed."""
    if reason is Reason.DRY_RUN:
        return "Once DRY_RUN is off, the next sweep retries it, should no backup have completed by then."
    return _ENDS[outcome]
