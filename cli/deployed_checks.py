"""The checks of `backup-retry check --app`: would an alert reach that app, and what may it do in each vault."""

from collections.abc import Sequence

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden
from backup_retry.ports.access_inspection import Identity
from backup_retry.ports.deployment import ActionGroup, DeployedApp, Deployment, ProcessingRule, Webhook
from cli.check_answers import Check, Verdict, bad, good
from cli.checks import TABLE_READER, assign, failure_alerts, profiles, rights, rows, runs, tables, vaults
from cli.session import Session

_BAD_REQUEST = 400
_REFUSED = frozenset({401, 403})
_NOT_THERE = 404
_CONNECT = "infra/connect.sh, with this subscription in SCOPE_SUBSCRIPTIONS"


async def deployed_checks(session: Session, app: DeployedApp, deployment: Deployment) -> Sequence[Check]:
    """Every check of a deployed app, in the order in which things depend on each other."""
    signed_in = await session.inspection.whoami()
    theirs = Identity(object_id=app.principal, name=app.name)
    route = _Route(app, deployment)
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
        return [await tables(session), await rows(session), *await runs(session)]
    except (AzureRefused, AzureUnavailable) as error:
        role = assign(TABLE_READER, signed_in, "<the id of the storage account>")
        hint = f"; to see it: {role}" if isinstance(error, Forbidden) else ""
        return [Check(name="tables", verdict=Verdict.UNKNOWN, detail=f"{error}{hint}")]


class _Route:
    """The way of an alert: alert processing rule, action group, webhook."""

    def __init__(self, app: DeployedApp, deployment: Deployment) -> None:
        self._app = app
        self._deployment = deployment
        self._rules: dict[str, Sequence[ProcessingRule]] = {}
        self._groups: dict[str, ActionGroup] = {}
        #: the webhooks that lead to the app, each once
        self.called: list[Webhook] = []

    async def check(self, vault: Vault) -> Check:
        """Whether an alert of the vault would come to the webhook."""
        name = f"alert route of {vault.name}"
        try:
            covering = [each for each in await self._rules_of(vault.subscription) if each.covers(vault)]
            groups = [await self._group(group) for each in covering for group in each.adds]
        except (AzureRefused, AzureUnavailable) as error:
            return Check(name=name, verdict=Verdict.UNKNOWN, detail=f"Azure does not say: {error}")
        suppressing = [each.id for each in covering if each.suppresses]
        if suppressing:
            return bad(name, f"suppressed by {suppressing[0]}", "Disable that alert processing rule")
        return self._verdict(name, groups)

    def _verdict(self, name: str, groups: Sequence[ActionGroup]) -> Check:
        if not groups:
            return bad(name, "no alert processing rule adds an action group to its alerts", _CONNECT)
        leading = [(group, hook) for group in groups for hook in group.webhooks if hook.calls(self._app)]
        if not leading:
            called = ", ".join(_name(each) for each in groups)
            return bad(name, f"{called}: none calls https://{self._app.host}/api/alerts", _CONNECT)
        enabled = [(group, hook) for group, hook in leading if group.enabled]
        if not enabled:
            return bad(name, f"{_name(leading[0][0])} is disabled", "Enable the action group")
        group, hook = next((each for each in enabled if each[1].common_schema), enabled[0])
        if not hook.common_schema:
            return bad(name, f"{_name(group)} does not send the common alert schema", _CONNECT)
        if hook not in self.called:
            self.called.append(hook)
        return good(name, f"alert processing rule, {_name(group)}, webhook")

    async def webhook(self, hook: Webhook) -> Check:
        """Whether the app takes what the webhook brings; it is sent a signal that nobody can read."""
        if hook.signs_in:
            detail = "Azure Monitor signs in there: not tried"
            return Check(name="webhook", verdict=Verdict.UNKNOWN, detail=detail)
        try:
            status = await self._deployment.call(hook)
        except (AzureRefused, AzureUnavailable) as error:
            return bad("webhook", str(error), "Start the app, and see its log")
        if status == _BAD_REQUEST:
            return good("webhook", "its key is the right one, and the app reads what it brings")
        if status in _REFUSED:
            return bad(
                "webhook", f"{status}: the key in the action group is not the app's", "infra/connect.sh"
            )
        if status == _NOT_THERE:
            return bad("webhook", "404: the app has no function alerts", "Deploy the code: azd deploy")
        return bad("webhook", f"{status}: the app does not work", "See its log in Application Insights")

    async def _rules_of(self, subscription: str) -> Sequence[ProcessingRule]:
        if subscription not in self._rules:
            self._rules[subscription] = await self._deployment.rules(subscription)
        return self._rules[subscription]

    async def _group(self, group_id: str) -> ActionGroup:
        if group_id not in self._groups:
            self._groups[group_id] = await self._deployment.group(group_id)
        return self._groups[group_id]


def _name(group: ActionGroup) -> str:
    return f"action group {group.id.rpartition('/')[2]}"
