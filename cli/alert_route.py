"""The way of an alert to a deployed app: alert processing rule, action group, webhook, as a person may see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.ports.deployment import ActionGroup, DeployedApp, Deployment, ProcessingRule, Webhook
from cli.check_answers import Check, Verdict, bad, good

_BAD_REQUEST = 400
_REFUSED = frozenset({401, 403})
_NOT_THERE = 404
_CONNECT = "infra/connect.sh, with this subscription in SCOPE_SUBSCRIPTIONS"


@dataclass(frozen=True, kw_only=True)
class Lead:
    """A way that leads to the app."""

    rule: ProcessingRule
    group: ActionGroup
    hook: Webhook


class AlertRoute:
    """Follows the alerts of each vault; what several vaults share is read once."""

    def __init__(self, app: DeployedApp, deployment: Deployment) -> None:
        self._app = app
        self._deployment = deployment
        self._rules: dict[str, Sequence[ProcessingRule]] = {}
        self._groups: dict[str, ActionGroup | Exception] = {}
        #: the webhooks that lead to the app, each once
        self.called: list[Webhook] = []
        #: how the alerts of each vault come, by its key; a vault whose do not is not there
        self.leads: dict[str, Lead] = {}

    async def check(self, vault: Vault) -> Check:
        """Whether an alert of the vault would come to the webhook."""
        name = f"alert route of {vault.name}"
        try:
            rules = await self._rules_of(vault.subscription)
        except (AzureRefused, AzureUnavailable) as error:
            return _unknown(name, error)
        silencing = next((each for each in rules if each.silences(vault)), None)
        if silencing is not None:
            return bad(name, _silenced(silencing, vault), "Disable that alert processing rule")
        adding = [each for each in rules if each.adds and each.is_about(vault)]
        on = [each for each in adding if each.enabled]
        if not on and adding:
            return bad(name, f"{adding[0].title} is disabled", "Enable that alert processing rule")
        if not on:
            return bad(name, "no alert processing rule adds an action group to its alerts", _CONNECT)
        return await self._follow(name, vault, on)

    async def _follow(self, name: str, vault: Vault, rules: Sequence[ProcessingRule]) -> Check:
        """Other groups may stand before ours, and need not be this person's to read."""
        found = [(rule, await self._group(group)) for rule in rules for group in rule.adds]
        groups = [(rule, group) for rule, group in found if isinstance(group, ActionGroup)]
        unread = [group for _, group in found if isinstance(group, Exception)]
        leads = [
            Lead(rule=rule, group=group, hook=hook)
            for rule, group in groups
            for hook in group.webhooks
            if hook.calls(self._app)
        ]
        if not leads and unread:
            return _unknown(name, unread[0])
        if not leads:
            called = ", ".join(group.title for _, group in groups)
            return bad(name, f"{called}: none calls https://{self._app.host}/api/alerts", _CONNECT)
        return self._verdict(name, vault, leads)

    def _verdict(self, name: str, vault: Vault, leads: Sequence[Lead]) -> Check:
        """Of several ways one has to be whole."""
        lead = min(leads, key=lambda each: len(_faults(each)))
        if faults := _faults(lead):
            return bad(name, *faults[0])
        self.leads[vault.key] = lead
        if lead.hook not in self.called:
            self.called.append(lead.hook)
        return good(name, f"alert processing rule, {lead.group.title}, webhook")

    async def webhook(self, hook: Webhook) -> Check:
        """Whether the app takes what the webhook brings; it is sent a signal that nobody can read."""
        if hook.signs_in:
            detail = "secure webhook: not tested, only Azure Monitor can sign in"
            return Check(name="webhook", verdict=Verdict.UNKNOWN, detail=detail)
        try:
            status = await self._deployment.call(hook)
        except (AzureRefused, AzureUnavailable) as error:
            return bad("webhook", str(error), "Start the app, and check its log")
        if status == _BAD_REQUEST:
            return good("webhook", "its key is valid, and the app processes its requests")
        if status in _REFUSED:
            why = "the key in the action group is not the app's key, or the app requires Azure Monitor to sign in"
            return bad("webhook", f"{status}: {why}", "infra/connect.sh")
        if status == _NOT_THERE:
            return bad("webhook", "404: the app has no function named alerts", "Deploy the code: azd deploy")
        return bad("webhook", f"{status}: the app returned an error", "Check its log in Application Insights")

    async def _rules_of(self, subscription: str) -> Sequence[ProcessingRule]:
        if subscription not in self._rules:
            self._rules[subscription] = await self._deployment.rules(subscription)
        return self._rules[subscription]

    async def _group(self, group_id: str) -> ActionGroup | Exception:
        """The group, or why it cannot be read."""
        if group_id not in self._groups:
            try:
                self._groups[group_id] = await self._deployment.group(group_id)
            except (AzureRefused, AzureUnavailable) as error:
                self._groups[group_id] = error
        return self._groups[group_id]


def _faults(lead: Lead) -> Sequence[tuple[str, str]]:
    """What keeps alerts from coming that way, and what fixes it; worst first."""
    group, rule = lead.group, lead.rule
    known = [
        (not group.enabled, f"{group.title} is disabled", "Enable the action group"),
        (not lead.hook.common_schema, f"{group.title} does not send the common alert schema", _CONNECT),
        (rule.scheduled, f"{rule.title} has a schedule", "Remove its schedule"),
    ]
    return [(detail, mend) for is_wrong, detail, mend in known if is_wrong]


def _silenced(rule: ProcessingRule, vault: Vault) -> str:
    what = "suppressed" if rule.is_about(vault) else "some of them are suppressed"
    return f"{what} by {rule.id}{', on a schedule' if rule.scheduled else ''}"


def _unknown(name: str, error: Exception) -> Check:
    return Check(name=name, verdict=Verdict.UNKNOWN, detail=f"Azure does not report it: {error}")
