"""`python -m tools.compiled_bicep`: writes down what the Bicep compiler makes of infra/bicep.

- infra/arm: the templates as JSON, for whoever deploys by portal, pipeline or Terraform.
- tests/snapshots: each resource that Resource Manager would be asked for in some installations, as `bicep snapshot`
  works it out without Azure. The tests read them; a change of them is what a deployment would change.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.package import REPOSITORY
from tools.bicep_compiler import BICEP, build, run, said

ARM = REPOSITORY / "infra" / "arm"
SNAPSHOTS = REPOSITORY / "tests" / "snapshots"
#: the files that somebody deploys; all others are modules of theirs
ENTRIES = ("main", "connect", "connect-management-group", "lighthouse")

TENANT = "22222222-2222-2222-2222-222222222222"
#: where the app is
HOME = "11111111-1111-1111-1111-111111111111"
#: another subscription, with vaults
VAULTS = "33333333-3333-3333-3333-333333333333"
#: groups of people
OPERATORS = "77777777-7777-7777-7777-77777777777a"
READERS = "88888888-8888-8888-8888-88888888888b"
#: applications that people, and Azure Monitor, sign in to
SIGN_IN = "12121212-1212-1212-1212-121212121212"
SECURE_WEBHOOK = "66666666-6666-6666-6666-666666666666"
#: an action group that somebody has already
ON_CALL = (
    f"/subscriptions/{HOME}/resourceGroups/rg-monitoring/providers/Microsoft.Insights/actionGroups/ag-on-call"
)
_VAULT = f"/subscriptions/{VAULTS}/resourceGroups/{{}}/providers/Microsoft.RecoveryServices/vaults/vault-1"
#: three vaults of one name, and blanks as people write them; the last is not in the subscription with vaults
WATCHED = ", ".join(
    [_VAULT.format("rg-a"), _VAULT.format("rg-b"), _VAULT.format("rg-c").replace(VAULTS, HOME)]
)
_IN_ITS_GROUP = f"/subscriptions/{VAULTS}/resourceGroups/rg-logs/providers"
_LIGHTHOUSE = f"""using 'lighthouse.bicep'
param managingTenantId = '{TENANT}'
param principalId = '44444444-4444-4444-4444-444444444444'
"""
_MANAGEMENT_GROUP = """using 'connect-management-group.bicep'
param identityPrincipalId = '44444444-4444-4444-4444-444444444444'
param installation = 'aaaaaaaaaaaaa'
"""


def _installed(installation: str) -> dict[str, str]:
    """The outputs of main.bicep, as the scripts hand them to connect.bicep."""
    group = f"/subscriptions/{HOME}/resourceGroups/rg-backup-retry/providers"
    return {
        "AZURE_LOCATION": "northeurope",
        "AZURE_TENANT_ID": TENANT,
        "functionAppId": f"{group}/Microsoft.Web/sites/func-backup-retry-{installation}",
        "identityPrincipalId": "44444444-4444-4444-4444-444444444444",
        "topicName": f"evgt-backup-retry-{installation}",
        "storageAccountId": f"{group}/Microsoft.Storage/storageAccounts/stbackupretry{installation[:11]}",
    }


_EVERY_SIGNAL = {
    "VAULT_WORKSPACE_ID": f"{_IN_ITS_GROUP}/Microsoft.OperationalInsights/workspaces/log-vaults",
    "HEALTH_WATCHED_VAULT_IDS": WATCHED,
    "FAILED_ACTIONS_ENABLED": "true",
    "SECURE_WEBHOOK_OBJECT_ID": "55555555-5555-5555-5555-555555555555",
    "SECURE_WEBHOOK_CLIENT_ID": SECURE_WEBHOOK,
}
#: what is there already and stays as it is, and a workspace of another subscription
_SOMEBODY_ELSES = {
    "VAULT_WORKSPACE_ID": _EVERY_SIGNAL["VAULT_WORKSPACE_ID"].replace(VAULTS, HOME),
    "SIGNALS_RESOURCE_GROUP_NAME": "rg-monitoring",
    "SYSTEM_TOPIC_NAME": "evgt-of-the-platform-team",
    "SYSTEM_TOPIC_RESOURCE_GROUP_NAME": "rg-events",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A deployment whose resources are kept."""

    name: str
    #: the entry file whose parameter file is read
    entry: str
    variables: Mapping[str, str] = field(default_factory=dict)
    #: what is deployed to
    scope: tuple[str, str] = ("--subscription-id", VAULTS)
    #: a parameter file, where the repository has none for the entry
    parameters: str = ""

    @property
    def stored(self) -> Path:
        """Where the snapshot is kept."""
        return SNAPSHOTS / f"{self.name}.json"


CASES = (
    Case(
        name="main",
        entry="main",
        scope=("--subscription-id", HOME),
        variables={"AZURE_LOCATION": "northeurope"},
    ),
    Case(
        name="main-everything",
        entry="main",
        scope=("--subscription-id", HOME),
        variables={
            "AZURE_ENV_NAME": "second",
            "AZURE_LOCATION": "swedencentral",
            # that of the first installation
            "RESOURCE_GROUP_NAME": "rg-backup-retry",
            "INSTANCE_MEMORY_MB": "4096",
            "MAXIMUM_INSTANCE_COUNT": "100",
            "HTTP_CONCURRENCY": "32",
            "ALWAYS_READY_HTTP": "1",
            "ALWAYS_READY_EVENTS": "2",
            "ZONE_REDUNDANT": "true",
            "STORAGE_SKU": "Standard_ZRS",
            "VNET_ENABLED": "true",
            "VNET_ADDRESS_PREFIX": "10.30.0.0/26",
            "ALLOWED_ADDRESSES": "203.0.113.7, 198.51.100.0/24",
            "DEPLOYER_IS_OPERATOR": "false",
            # the same group twice, and one that operates among the readers
            "OPERATOR_PRINCIPAL_IDS": f"{OPERATORS}, {OPERATORS.upper()}",
            "READER_PRINCIPAL_IDS": f"{READERS}, {OPERATORS}",
            "OPERATOR_EMAILS": "backup-team@example.com, ops@example.com,",
            "OPERATOR_WEBHOOK_URL": "https://events.pagerduty.com/integration/secret/enqueue",
            "OPERATOR_ACTION_GROUP_IDS": ON_CALL,
            "TEAMS_WEBHOOK_URL": "https://teams.example/workflows/secret?sig=secret",
            "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/secret",
            "HEARTBEAT_URL": "https://monitor.example/secret/{function}",
            "ALERT_RULES_MUTED": "true",
            "LOG_RETENTION_DAYS": "365",
            "SIGN_IN_CLIENT_ID": SIGN_IN,
            "SECURE_WEBHOOK_CLIENT_ID": SECURE_WEBHOOK,
            "DRY_RUN": "true",
        },
    ),
    Case(
        name="main-private",
        entry="main",
        scope=("--subscription-id", HOME),
        variables={
            "AZURE_LOCATION": "northeurope",
            "VNET_ENABLED": "true",
            "SECURE_WEBHOOK_CLIENT_ID": SECURE_WEBHOOK,
        },
    ),
    Case(
        name="main-sign-in",
        entry="main",
        scope=("--subscription-id", HOME),
        variables={"AZURE_LOCATION": "northeurope", "SIGN_IN_CLIENT_ID": SIGN_IN},
    ),
    Case(name="connect", entry="connect", variables=_installed("aaaaaaaaaaaaa")),
    Case(name="connect-everything", entry="connect", variables=_installed("aaaaaaaaaaaaa") | _EVERY_SIGNAL),
    Case(
        name="connect-second-installation",
        entry="connect",
        variables=_installed("bbbbbbbbbbbbb") | _EVERY_SIGNAL,
    ),
    Case(
        name="connect-into-what-is-there",
        entry="connect",
        variables=_installed("aaaaaaaaaaaaa") | _EVERY_SIGNAL | _SOMEBODY_ELSES,
    ),
    Case(
        name="connect-switched-off",
        entry="connect",
        variables=_installed("aaaaaaaaaaaaa") | {"ALERTS_ENABLED": "false", "ASSIGN_ROLE": "false"},
    ),
    Case(
        name="connect-lighthouse",
        entry="connect",
        variables={
            **_installed("aaaaaaaaaaaaa"),
            "topicName": "",
            "storageAccountId": "",
            "ASSIGN_ROLE": "false",
            "WEBHOOK_URI": "https://func-backup-retry-aaaaaaaaaaaaa.azurewebsites.net/api/alerts?code=handed-over",
        },
    ),
    Case(name="lighthouse", entry="lighthouse", parameters=_LIGHTHOUSE),
    Case(
        name="connect-management-group",
        entry="connect-management-group",
        scope=("--management-group-id", "mg-vaults"),
        parameters=_MANAGEMENT_GROUP,
    ),
)


def snapshot(case: Case, mode: str, directory: Path) -> Sequence[str]:
    """Take a case's snapshot and compare it with the stored one (`validate`) or store it (`overwrite`).

    Returns what the compiler says: nothing, or how they differ.
    """
    files = shutil.copytree(BICEP, directory / case.name)
    if case.parameters:
        (files / f"{case.entry}.bicepparam").write_text(case.parameters, encoding="utf-8")
    taken = files / f"{case.entry}.snapshot.json"
    if case.stored.exists():
        shutil.copy(case.stored, taken)
    context = ("--tenant-id", TENANT, "--location", "northeurope", "--deployment-name", "backup-retry")
    arguments = ("snapshot", f"{case.entry}.bicepparam", "--mode", mode, *case.scope, *context)
    result = run(*arguments, directory=files, variables=case.variables)
    if mode == "overwrite" and result.returncode == 0:
        case.stored.write_text(_in_order(taken), encoding="utf-8", newline="\n")
    return said(result)


def _in_order(taken: Path) -> str:
    """A snapshot as it is kept: the compiler writes the outputs in another order each time."""
    found = json.loads(taken.read_text(encoding="utf-8"))
    found["outputs"] = dict(sorted(found["outputs"].items()))
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def write(directory: Path) -> Sequence[str]:
    """Write templates and snapshots; what the compiler says."""
    messages = list(build(directory / "built"))
    ARM.mkdir(exist_ok=True)
    SNAPSHOTS.mkdir(exist_ok=True)
    for entry in ENTRIES:
        shutil.copy(directory / "built" / f"{entry}.json", ARM)
    for case in CASES:
        messages += snapshot(case, "overwrite", directory)
    return messages


def main() -> int:
    """Run the command line: 1 where the compiler has something to say."""
    with tempfile.TemporaryDirectory() as directory:
        messages = write(Path(directory))
    sys.stdout.writelines(f"{line}\n" for line in messages)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
