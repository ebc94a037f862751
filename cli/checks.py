"""The checks of `backup-retry check`: each looks at one thing, changes nothing, and says what to do about it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden
from backup_retry.domain.tags import PROFILE
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.access_inspection import FoundVault, Identity, missing_rights
from backup_retry.ports.arrivals import MISSING_ALERTS, VaultAlerts, alerts_by_vault
from backup_retry.ports.inbox import COUNTED
from backup_retry.ports.reports import closed_since
from backup_retry.settings.timer_status import Timer, timers
from cli.check_answers import SETTINGS, Check, Verdict, bad, good
from cli.output import ago
from cli.session import Session
from cli.shell import quoted
from cli.timer_line import standing

#: so many rows that cannot be read are named
_NAMED = 10


async def all_checks(session: Session) -> Sequence[Check]:
    """Every check, in the order in which things depend on each other."""
    identity = await session.inspection.whoami()
    who = good("identity", f"{identity.name} (object id {identity.object_id})")
    return [
        who,
        *(good(SETTINGS, note) for note in session.settings.notes),
        *await _vaults(session, identity),
        *await _closed_vaults(session),
        await profiles(session),
        await _checked("tables", tables, session, identity),
        await _checked("rows", rows, session, identity),
        await _checked("topic", _topic, session, identity),
        *await arrived_alerts(session),
        *await runs(session),
    ]


async def _checked(
    name: str, look: Callable[[Session], Awaitable[Check]], session: Session, identity: Identity
) -> Check:
    """A check whose refusal is a result as well."""
    try:
        return await look(session)
    except Forbidden as error:
        return bad(name, str(error), assign(_ROLES[name], identity, f"<the id of the {_WHERE[name]}>"))
    except (AzureUnavailable, AzureRefused) as error:
        return bad(
            name, str(error), f"Check that {_SETTINGS[name]} is correct and that its firewall admits you"
        )


TABLE_READER = "Storage Table Data Reader"
_TABLE_ROLE = "Storage Table Data Contributor"
_ROLES = {"tables": _TABLE_ROLE, "rows": _TABLE_ROLE, "topic": "EventGrid Data Sender"}
_WHERE = {"tables": "storage account", "rows": "storage account", "topic": "topic"}
_SETTINGS = {
    "tables": "LEDGER_ENDPOINT",
    "rows": "LEDGER_ENDPOINT",
    "topic": "EVENTGRID_TOPIC_ENDPOINT",
}


def assign(role: str, identity: Identity, scope: str) -> str:
    """The command that gives the role."""
    return (
        f'az role assignment create --role "{role}" --assignee-object-id {identity.object_id} '
        f"--scope {quoted(scope)}"
    )


async def tables(session: Session) -> Check:
    """Whether the ledger's tables are there and can be read; raises what the ledger answers."""
    missing = await session.inspection.missing_tables()
    if missing:
        mend = "Send the app its first alert, or run backup-retry sweep: the first write creates the tables"
        return bad("tables", f"missing: {', '.join(missing)}", mend)
    return good("tables", f"readable at {session.settings.ledger_endpoint}")


async def rows(session: Session) -> Check:
    """Reads what the app reads: whatever that brings to light is then known."""
    today = session.clock().astimezone(UTC).date()
    await session.ledger.open_incidents()
    await session.inbox.due(COUNTED)
    for back in range(JOB_RETENTION.days):
        await session.reports.closed(today - timedelta(days=back))
    found = await session.unreadables.found()
    if not found:
        return good("rows", "all rows can be read")
    named = "; ".join(str(row) for row in found[:_NAMED])
    mend = (
        "Finish the update of the app, or fix or delete manually edited rows with az storage entity: "
        "until then the items concerned wait"
    )
    return bad("rows", f"{len(found)} cannot be read by this version: {named}", mend)


async def _topic(session: Session) -> Check:
    endpoint = session.settings.eventgrid_topic_endpoint
    if not endpoint:
        return good("topic", "not configured: outcomes are not published")
    await session.inspection.topic()
    return good("topic", f"accepts events at {endpoint}")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The vaults in the scope, or why there are none."""

    seen: Sequence[FoundVault] = ()
    problems: Sequence[Check] = ()


async def vaults(session: Session) -> Seen:
    """The vaults in the scope that the identity sees."""
    try:
        seen = [
            each
            for each in await session.inspection.vaults()
            if session.settings.scope.allows_vault(each.vault)
        ]
    except (AzureUnavailable, AzureRefused) as error:
        return Seen(problems=[bad("vaults", str(error), "Try again later")])
    if not seen:
        mend = "sh infra/connect.sh assigns the app's role in each subscription of SCOPE_SUBSCRIPTIONS"
        return Seen(problems=[bad("vaults", "no vault is visible to this identity", mend)])
    return Seen(seen=seen)


async def _vaults(session: Session, identity: Identity) -> Sequence[Check]:
    found = await vaults(session)
    return [*found.problems, *[each for one in found.seen for each in await _vault(session, one, identity)]]


async def _vault(session: Session, found: FoundVault, identity: Identity) -> Sequence[Check]:
    """Whether its jobs can be read, what else may be done there, and whether it raises alerts."""
    return [await _reads(session, found), await rights(session, found, identity), failure_alerts(found)]


async def _reads(session: Session, found: FoundVault) -> Check:
    name, now = f"jobs of {found.vault.name}", session.clock()
    try:
        listed = await session.vaults.jobs(found.vault, now - timedelta(days=1), fresh_since=now)
    except (AzureUnavailable, AzureRefused) as error:
        return bad(name, str(error), "Check the permissions below, and the vault's network settings")
    return good(name, f"{len(listed.jobs)} in the last day")


async def rights(session: Session, found: FoundVault, identity: Identity) -> Check:
    """What of the app's permissions on the vault the identity lacks."""
    name = f"permissions on {found.vault.name}"
    try:
        missing = missing_rights(found.vault.kind, await session.inspection.permissions(found.vault))
    except (AzureUnavailable, AzureRefused) as error:
        return Check(name=name, verdict=Verdict.UNKNOWN, detail=f"Azure does not report it: {error}")
    if not missing:
        return good(name, "all that the app needs")
    # Backup Operator alone reads neither a backup vault's jobs nor the tags of what is backed up.
    built_in = [assign(each, identity, found.vault.id) for each in ("Backup Operator", "Reader")]
    mend = f"sh infra/connect.sh, or {' and '.join(built_in)}"
    return bad(name, f"missing: {', '.join(missing)}", mend)


def failure_alerts(found: FoundVault) -> Check:
    """Absent is not the same as Disabled: newer versions of the API may leave the setting out."""
    name = f"alerts of {found.vault.name}"
    if found.failure_alerts.lower() != "disabled":
        return good(name, found.failure_alerts.lower() or "enabled")
    setting = "properties.monitoringSettings.azureMonitorAlertSettings.alertsForAllJobFailures"
    mend = f"az resource update --ids {quoted(found.vault.id)} --set {setting}=Enabled"
    return bad(name, "disabled: only the sweep finds its failures", mend)


async def arrived_alerts(session: Session) -> Sequence[Check]:
    """A line for each vault of which an alert, or a failure without one, is known; none where the tables are closed."""
    now = session.clock().astimezone(UTC)
    try:
        closed = await closed_since(session.reports, now.date(), JOB_RETENTION.days)
        found = alerts_by_vault(await session.arrivals.all(), closed, now)
    except (AzureUnavailable, AzureRefused):
        return []  # the check of the tables says so
    return [_arrived(each, now) for each in found if session.settings.scope.allows_vault(each.vault)]


def _arrived(alerts: VaultAlerts, now: datetime) -> Check:
    name = f"alerts from {alerts.vault.name}"
    tested = f"last test {ago(alerts.last.get(AlertKind.TEST), now)}"
    kinds = [f"{kind.value} {ago(at, now)}" for kind, at in alerts.last.items() if kind is not AlertKind.TEST]
    detail = f"last {', '.join(kinds) or 'alert never'}; {tested}"
    if not alerts.are_missing:
        return good(name, detail)
    return bad(name, f"{alerts.sentence} {detail}", MISSING_ALERTS)


async def _closed_vaults(session: Session) -> Sequence[Check]:
    """Vaults with an open incident of their own: without its role, this identity may not even see them in Azure."""
    try:
        closed = [each for each in await session.reports.opened() if each.item.is_vault]
    except (AzureUnavailable, AzureRefused):
        return []  # the check of the tables says so
    return [
        bad(
            f"access to {each.item.vault.name}",
            f"refused since {each.at:%Y-%m-%d %H:%M} UTC",
            f"backup-retry explain {quoted(each.item.id)}",
        )
        for each in closed
    ]


async def profiles(session: Session) -> Check:
    """Whether a tag names a profile that the settings do not have: such an item is retried by the settings alone."""
    try:
        tagged = await session.tag_lookup.tagged()
    except (AzureUnavailable, AzureRefused) as error:
        return Check(name="profiles", verdict=Verdict.UNKNOWN, detail=f"Azure does not report it: {error}")
    known = session.settings.rules.profiles
    unknown = sorted(
        f"{name} on {resource}"
        for resource, tags in tagged.items()
        if (name := tags.get(PROFILE)) and name not in known
    )
    if not unknown:
        return good("profiles", f"{len(known)} in RETRY_PROFILES, and no tag names an unknown one")
    more = f"; and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
    detail = f"not in RETRY_PROFILES: {'; '.join(unknown[:_NAMED])}{more}"
    return bad("profiles", detail, f"Correct the tag {PROFILE}, or add the profile to RETRY_PROFILES")


async def runs(session: Session) -> Sequence[Check]:
    """A line for each timer."""
    try:
        beats, now = await session.reports.beats(), session.clock()
    except (AzureUnavailable, AzureRefused) as error:
        return [bad("runs", str(error), "Check the ledger above")]
    return [_run(each, now) for each in timers(session.settings, beats, now)]


def _run(each: Timer, now: datetime) -> Check:
    detail = f"last complete run {standing(each, now)}"
    if not each.needs_a_person:
        return good(each.label, detail)
    return bad(each.label, f"{detail}; its schedule is {each.schedule}", each.remedy)
