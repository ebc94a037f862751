"""Row 4 of the policy: is the item still backed up, and has it anything that could be run?

It is not retried only where the vault proves that somebody has stopped it. What passes, or what is unknown, is
waited for.
"""

from datetime import datetime

from backup_retry.domain.arm_ids import VaultKind
from backup_retry.domain.decisions import Close, Outcome, Reason, Wait
from backup_retry.domain.jobs import Job
from backup_retry.domain.workloads import SETS_UP_PROTECTION, STOPS_PROTECTION
from backup_retry.policy.bounds import outlived
from backup_retry.policy.decision_context import DecisionContext

#: what the vaults call an item that they back up; of one whose retention is suspended, backups go on
_PROTECTED_STATES = frozenset(
    {"protected", "irpending", "protectionconfigured", "protectionerror", "retentionschedulessuspended"}
)
#: what they call one that somebody has stopped; any other word passes, or is not known
_STOPPED_STATES = frozenset(
    {
        "protectionstopped",
        "protectionpaused",
        "backupssuspended",
        "backupschedulessuspended",
        "softdeleting",
        "softdeleted",
    }
)


def not_protected(context: DecisionContext) -> Close | None:
    """Row 4: the vault proves that it does not back this item up any more, or that protection was stopped since."""
    item = context.facts.item
    if item is None:
        return Close.left_alone(Reason.NOT_PROTECTED, "The item is no longer in the vault.")
    if item.deleted:
        return Close.left_alone(Reason.NOT_PROTECTED, "The item is soft-deleted.")
    if item.protection_state.lower() in _STOPPED_STATES:
        return Close.left_alone(
            Reason.NOT_PROTECTED, f"The item's protection state is {item.protection_state}."
        )
    if stopped := _stopped_since(context):
        detail = f"Protection was stopped or configured again after the failure (job {stopped.id})."
        return Close.left_alone(Reason.NOT_PROTECTED, detail)
    return None


def _stopped_since(context: DecisionContext) -> Job | None:
    """The job that ended the item's protection after the failure, or that set it up again after such an end.

    By itself a ConfigureBackup proves nothing: each edit of a policy starts one for every item. It is the first one
    after an end that sets protection up.
    """
    done = [job for job in context.facts.jobs if job.status.succeeded]
    stops = [job for job in done if job.operation.lower() in STOPS_PROTECTION]
    set_up = sorted((job for job in done if job.operation.lower() == SETS_UP_PROTECTION), key=_end)
    first_after = (next((job for job in set_up if _end(job) > _end(stop)), None) for stop in stops)
    anew = [job for job in first_after if job]
    return next((job for job in [*stops, *anew] if _end(job) > context.incident.failure.ended_at), None)


def _end(job: Job) -> datetime:
    return job.ended_at or job.started_at


def passing_state(context: DecisionContext) -> Wait | Close | None:
    """Row 4, of a state that passes, or is unknown: it is looked at again, see `within_bounds`."""
    item, error = context.facts.item, context.incident.failure.error
    if item is None:
        return None
    nothing_failed = not (error.title or error.code or error.message or item.kpi_title)
    first_backup = item.protection_state.lower() == "irpending" and nothing_failed
    if item.protection_state.lower() in _PROTECTED_STATES and not first_backup:
        return None
    detail = f"The item's protection state is {item.protection_state}. It is checked again."
    return outlived(context.incident, context.now) or Wait(
        until=context.now, reason=Reason.PASSING_STATE, detail=detail
    )


def no_backup_rule(context: DecisionContext) -> Close | None:
    """Row 4, in a backup vault: the item's policy has no rule that could be run."""
    policy = context.facts.item.policy if context.facts.item else None
    if context.incident.item.vault.kind is not VaultKind.BACKUP or context.incident.failure.rule:
        return None
    if policy is None:
        detail = (
            "Its backup policy cannot be read, so the rule to run is unknown: give this app access to it."
        )
        return Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.NO_BACKUP_RULE, detail=detail)
    if policy.rules is None or policy.rules:
        return None
    detail = (
        "Its backup policy has no backup rule: operational backup is continuous, so there is nothing to run."
    )
    return Close.left_alone(Reason.NO_BACKUP_RULE, detail)


def rule_unknown(context: DecisionContext) -> Wait | None:
    """Row 8, in a backup vault: what was answered of the item's policy means nothing, so it is read again."""
    policy = context.facts.item.policy if context.facts.item else None
    of_backup_vault = context.incident.item.vault.kind is VaultKind.BACKUP
    if not of_backup_vault or policy is None or policy.rules is not None or context.incident.failure.rule:
        return None
    detail = f"Its backup policy cannot be interpreted, so the rule to run is unknown. {policy.problem}"
    return Wait(until=context.now, reason=Reason.AZURE_UNAVAILABLE, detail=detail)
