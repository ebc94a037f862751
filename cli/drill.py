"""`backup-retry drill`: a fire drill for a vault's alerts, from the action group to the app's ledger."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.ports.deployment import Deployment
from cli.alert_route import AlertRoute, Lead
from cli.check_answers import Verdict
from cli.checks import vaults
from cli.deployed_app import AppOption, GroupOption
from cli.exit_codes import Exit, UsageError, run
from cli.output import Document, JsonOption, say, show
from cli.pause import time_of
from cli.session import Session, sessions

VaultArgument = Annotated[str, typer.Argument(metavar="VAULT", help="Name or ARM ID of the vault.")]
WaitOption = Annotated[
    str,
    typer.Option("--wait", metavar="DURATION", help="How long to wait for the test to arrive, such as 5m."),
]
_LOOK_SECONDS = 2.0
_TAKEN = "succe"


@dataclass(frozen=True, kw_only=True)
class Drilled:
    """How a drill ended."""

    vault: Vault
    arrived: bool
    detail: str
    seconds: float | None = None

    @property
    def document(self) -> Document:
        """The JSON."""
        return {
            "vault": self.vault.id,
            "arrived": self.arrived,
            "seconds": self.seconds,
            "detail": self.detail,
        }


def drill(
    ctx: typer.Context,
    vault: VaultArgument,
    *,
    app: AppOption,
    resource_group: GroupOption = "",
    wait: WaitOption = "5m",
    as_json: JsonOption = False,
) -> None:
    """Send a test alert through the action group of a vault. Waits until the app has received it; starts no backup."""
    done = run(_drill(ctx, vault, app, resource_group, wait))
    show(done.document, as_json, lambda: say(done.detail))
    raise typer.Exit(Exit.WELL if done.arrived else Exit.NEEDS_A_PERSON)


async def _drill(ctx: typer.Context, name: str, app: str, group: str, wait: str) -> Drilled:
    async with sessions(ctx).open_app(app, group) as (session, deployed, deployment):
        vault = await _vault(session, name)
        route = AlertRoute(deployed, deployment)
        checked = await route.check(vault)
        lead = route.leads.get(vault.key)
        if checked.verdict is not Verdict.GOOD or lead is None:
            return Drilled(vault=vault, arrived=False, detail=f"Not sent: {checked.name}: {checked.detail}.")
        now = session.clock()
        patience = time_of("--wait", wait, now) - now
        return await _Test(session, deployment, vault, lead).run(patience)


async def _vault(session: Session, name: str) -> Vault:
    found = await vaults(session)
    named = [each.vault for each in found.seen if name.lower() in {each.vault.key, each.vault.name.lower()}]
    if not named:
        raise UsageError(f"No vault named {name} is in the app's scope and visible to you.")
    if len(named) > 1:
        listed = ", ".join(sorted(each.id for each in named))
        raise UsageError(f"{len(named)} vaults are named {name}; specify one by its ARM ID: {listed}")
    return named[0]


class _Test:
    """One test, from the action group on."""

    def __init__(self, session: Session, deployment: Deployment, vault: Vault, lead: Lead) -> None:
        self._session = session
        self._deployment = deployment
        self._vault = vault
        self._group = lead.group
        self._hook = lead.hook
        #: False: whoever drills may not read the ledger, and has Azure Monitor's word alone
        self._sees_ledger = True

    async def run(self, patience: timedelta) -> Drilled:
        """Send it, and wait for it as long as that."""
        before, clock = await self._last(), asyncio.get_running_loop().time
        began = clock()
        test = await self._deployment.send_test(self._group, self._hook, self._vault)
        while True:
            last, said = await self._last(), await self._deployment.test_result(test)
            arrived = self._sees_ledger and last != before
            seconds, taken = clock() - began, said.lower().startswith(_TAKEN)
            if arrived:
                return self._ended(True, f"arrived: {self._group.title}, webhook, app, ledger", seconds)
            if taken and not self._sees_ledger:
                unseen = f"was delivered according to Azure Monitor ({said}); you cannot read the ledger to confirm it"
                return self._ended(True, unseen, seconds)
            if (said and not taken) or seconds + _LOOK_SECONDS > patience.total_seconds():
                lost = f"has not arrived; Azure Monitor reports: {said or 'nothing yet'}"
                return self._ended(False, lost, seconds)
            await asyncio.sleep(_LOOK_SECONDS)

    def _ended(self, arrived: bool, what: str, seconds: float) -> Drilled:
        detail = f"After {seconds:.0f} s the test alert for vault {self._vault.name} {what}."
        return Drilled(vault=self._vault, arrived=arrived, detail=detail, seconds=round(seconds, 1))

    async def _last(self) -> datetime | None:
        """When the app last had a test for the vault; None where it never did, or nobody may see that."""
        try:
            found = await self._session.arrivals.all()
        except (AzureRefused, AzureUnavailable):
            self._sees_ledger = False
            return None
        its = [each for each in found if each.vault.key == self._vault.key]
        return next((each.at for each in its if each.kind is AlertKind.TEST), None)
