"""`backup-retry drill`: a test through the action group, and whether the app has had it."""

from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.errors import Forbidden
from backup_retry.ports.access_inspection import FoundVault
from backup_retry.ports.deployment import ActionGroup
from tests.builders import NOW, vault
from tests.cli_sessions import Terminal
from tests.unit.cli.test_deployed_checks import GROUP, HOOK, RULE

DRILL = ("drill", "vault-1", "--app", "app-1", "--wait", "1s")


@pytest.fixture
def terminal() -> Terminal:
    """An app that is connected; tests arrive."""
    found = Terminal()
    found.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    found.deployment.found = [RULE]
    found.deployment.groups[GROUP] = ActionGroup(id=GROUP, webhooks=(HOOK,))
    found.does(found.arrivals.note(vault(), AlertKind.TEST, NOW - timedelta(days=30)))

    async def deliver(told: Vault) -> None:
        await found.arrivals.note(told, AlertKind.TEST, NOW)

    found.deployment.deliver = deliver
    return found


def test_a_test_that_arrives_is_well(terminal: Terminal) -> None:
    """Exit code 0 and the way that it took; no backup is started."""
    result = terminal.types(*DRILL)
    assert result.exit_code == 0
    assert (
        "the test alert for vault vault-1 arrived: action group ag-ours, webhook, app, ledger."
        in result.stdout
    )
    assert terminal.attempts == []


@pytest.mark.parametrize(
    ("said", "shown"), [("", "nothing yet"), ("Failed 401", "Failed 401"), ("Succeeded", "Succeeded")]
)
def test_a_test_that_does_not_arrive_is_not(terminal: Terminal, said: str, shown: str) -> None:
    """Exit code 1 with Azure Monitor's word; one of last month is none."""
    terminal.deployment.deliver, terminal.deployment.result = None, said
    result = terminal.types(*DRILL)
    assert (result.exit_code, f"Azure Monitor reports: {shown}" in result.stdout) == (1, True)


def test_who_may_not_read_the_ledger_has_azure_monitors_word(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it was taken is well, as far as can be seen."""

    async def closed() -> None:
        raise Forbidden("ledger: 403", status=403)

    monkeypatch.setattr(terminal.arrivals, "all", closed)
    terminal.deployment.result = "Succeeded"
    document = terminal.json(*DRILL)
    assert (document["arrived"], "you cannot read the ledger" in document["detail"]) == (True, True)


def test_without_a_way_nothing_is_sent(terminal: Terminal) -> None:
    """It says what is in the way, as check does."""
    terminal.deployment.found = []
    document = terminal.json(*DRILL)
    assert (document["arrived"], document["seconds"]) == (False, None)
    assert "no alert processing rule" in document["detail"]


@pytest.mark.parametrize(("names", "said"), [([], "No vault named"), (["vault-1"] * 2, "specify one by its")])
def test_a_vault_that_is_not_one_is_refused(terminal: Terminal, names: list[str], said: str) -> None:
    """Exit code 2: none, or two."""
    terminal.inspection.found = [
        FoundVault(
            vault=Vault.parse(vault(name).id.replace("rg-", f"rg{number}-")) or vault(), failure_alerts=""
        )
        for number, name in enumerate(names)
    ]
    result = terminal.types(*DRILL)
    assert (result.exit_code, said in result.stderr) == (
        2 if names or not terminal.inspection.found else 1,
        True,
    )
