"""The checks of `backup-retry check --app`: would an alert reach that app, and what may it do in each vault."""

from collections.abc import Sequence

from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden
from backup_retry.ports.access_inspection import Identity
from backup_retry.ports.deployment import DeployedApp, Deployment
from cli.alert_route import AlertRoute
from cli.check_answers import Check, Verdict, good
from cli.checks import (
    TABLE_READER,
    arrived_alerts,
    assign,
    failure_alerts,
    profiles,
    rights,
    rows,
    runs,
    tables,
    vaults,
)
from cli.session import Session


async def deployed_checks(session: Session, app: DeployedApp, deployment: Deployment) -> Sequence[Check]:
    """Every check of a deployed app, in the order in which things depend on each other."""
    signed_in = await session.inspection.whoami()
    theirs = Identity(object_id=app.principal, name=app.name)
    route = AlertRoute(app, deployment)
    found = await vaults(session)
    return [
        good("app", f"{app.name} at {app.host}, asked by {signed_in.name or signed_in.object_id}"),
        *(good("settings", note) for note in _notes(session)),
        *[await route.check(each.vault) for each in found.seen],
        *[await route.webhook(each) for each in route.called],
        *found.problems,
        *[
            check
            for each in found.seen
            for check in (await rights(session, each, theirs), failure_alerts(each))
        ],
        await profiles(session),
        *await _ledger(session, signed_in),
    ]


def _notes(session: Session) -> Sequence[str]:
    if not session.settings.dry_run:
        return session.settings.notes
    return ["DRY_RUN is on: no backup is started", *session.settings.notes]


async def _ledger(session: Session, signed_in: Identity) -> Sequence[Check]:
    """That you may not read the tables says nothing of the app."""
    try:
        return [
            await tables(session),
            await rows(session),
            *await arrived_alerts(session),
            *await runs(session),
        ]
    except (AzureRefused, AzureUnavailable) as error:
        role = assign(TABLE_READER, signed_in, "<the id of the storage account>")
        hint = f"; to see it: {role}" if isinstance(error, Forbidden) else ""
        return [Check(name="tables", verdict=Verdict.UNKNOWN, detail=f"{error}{hint}")]
