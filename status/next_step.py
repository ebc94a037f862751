"""Next step with an incident, as far as the ledger knows: Azure is not asked for it."""

from collections.abc import Mapping

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident, State

_WAITS: Mapping[Reason, str] = {
    Reason.BACKOFF: "The next retry starts then, unless a backup completes first.",
    Reason.PAUSED: "Continues when the pause ends or is removed.",
    Reason.STORM: "Retried once the first retry of the failure storm has succeeded.",
    Reason.OUTSIDE_HOURS: "Retried when the retry hours begin.",
    Reason.SCHEDULE_NEAR: "The next scheduled backup runs first. If it fails as well, a retry is considered again.",
    Reason.DAILY_CAP: "Retried once the oldest of the counted on-demand backups is 24 hours old.",
    Reason.THROTTLED: "The retry is sent again then, as Azure requested.",
    Reason.IN_PROGRESS: "Depends on the result of the running backup.",
    Reason.LOG_SCHEDULE: "Depends on the next scheduled log backup.",
    Reason.APPROVAL: "Retried once it is approved with `backup-retry approve`.",
    Reason.NO_PERMISSION: "Continues automatically once the role is assigned.",
    Reason.NOT_REACHABLE: "Continues automatically once Azure finds the vault again.",
}
_STATES: Mapping[State, str] = {
    State.CLAIMED: "The retry is about to be sent to Azure.",
    State.TRIGGERED: "The retry's job is tracked to completion. If it fails, the next step is decided again.",
    State.UNKNOWN: "The vault is checked for the retry's job. Nothing else is started before the result is known.",
}
_ENDS: Mapping[Outcome, str] = {
    Outcome.RECOVERED: "None: the item has recovered.",
    Outcome.RECOVERED_ELSEWHERE: "None: the item has recovered.",
    Outcome.NEEDS_ACTION: "No automatic step: take the action above. The next completed backup resolves it; "
    "`backup-retry retry` starts one.",
    Outcome.EXHAUSTED: "No automatic step before its next scheduled backup: check the error. "
    "`backup-retry retry` starts another retry.",
    Outcome.LEFT_ALONE: "None: its backup schedule continues as before.",
}


def next_of_open(incident: Incident) -> str:
    """What an open incident waits for."""
    if incident.state in _STATES:
        return _STATES[incident.state]
    return _WAITS.get(incident.reason, "It is checked again then.")


def next_of_closed(outcome: Outcome, reason: Reason) -> str:
    """What follows once it is closed."""
    if reason is Reason.DRY_RUN:
        return "Once DRY_RUN is off, the next sweep retries it, unless a backup completes first."
    return _ENDS[outcome]
