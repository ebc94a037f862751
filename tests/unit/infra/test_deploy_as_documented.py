"""The commands of docs/deploy.md and docs/integrations.md, word by word.

With a stand-in for az, and azd as far as its hooks and settings go.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.package import REPOSITORY
from status.package import own_files
from tests.documents import Block, blocks
from tests.hooks.azure import APP, HOME, OTHER, OUTPUTS, Answer, answer, deployed, resources, role, tagged
from tests.hooks.shells import HERE
from tests.hooks.stand_in import StandIn, listening
from tests.unit.infra.test_deploy import NEW

#: azd keeps settings and runs the hooks of azure.yaml; git is at another version already
PRELUDE = r"""set -eu
azd() {
  case "$1 ${2:-} ${3:-}" in
    "auth login "*|"config set "*) ;;
    "env new "*) export AZURE_ENV_NAME="$3" ;;
    "env set "*) export "$3=${4:-}" ;;
    "env get-values "*) printf 'AZURE_LOCATION="%s"\n' "$AZURE_LOCATION" ;;
    "up "*)
      infra/preprovision.sh
      az deployment sub create --name azd --parameters infra/bicep/main.bicepparam
      infra/predeploy.sh && az functionapp deployment source config-zip && infra/connect.sh ;;
    *) echo "azd has no stand-in for: $*" >&2; return 1 ;;
  esac
}
git() { case "$1" in pull|checkout) ;; *) return 1 ;; esac; }
"""
#: what a reader puts in the place of words in angle brackets
FILLED = {
    "<group>": "mg-vaults",
    "<output>": "output-of-main",
    "<version>": "v0.2.0",
    "<provider's tenant>": "22222222-2222-2222-2222-222222222222",
    "<identityPrincipalId>": OUTPUTS["identityPrincipalId"],
    "<functionAppId>": APP,
    "11111111-…,22222222-…": f"{HOME},{OTHER}",
}
#: an Azure in which everything is there and two subscriptions are connected well
AZURE: list[Answer] = [
    answer("^(login|cloud set|deployment mg create|deployment sub what-if|deployment sub create --name azd)"),
    answer("^eventgrid event-subscription create --name my-code"),
    answer("^ad group show", {"id": "77777777-7777-7777-7777-777777777777"}),
    answer("^deployment sub create --location northeurope --(template-file|parameters) infra/bicep/"),
    *(deployed(each, resources(each), role(each)) for each in (HOME, OTHER)),
    *(tagged(each, resources(each)) for each in (HOME, OTHER)),
    *NEW,
]
SHOWN = [
    block for name in ("deploy", "integrations") for block in blocks(REPOSITORY / "docs" / f"{name}.md", "sh")
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, in which a package may be made."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in (*own_files(REPOSITORY), "LICENSE"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    shutil.copytree(REPOSITORY / "infra", folder / "infra")
    return folder


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_a_command_works_as_it_stands(block: Block, checkout: Path) -> None:
    """Each block by itself, after what stands before it: azd has an environment, az is signed in."""
    commands = block.body
    for shown, filled in FILLED.items():
        commands = commands.replace(shown, filled)
    assert not re.search(r"<[a-zA-Z' ]+>", commands), "a word in angle brackets that nobody fills in"
    assert [name for name in re.findall(r"infra/[\w./-]+", commands) if not (checkout / name).exists()] == []
    stand_in = StandIn(AZURE, checkout)
    with listening(stand_in) as port:
        result = subprocess.run(
            ["/bin/bash", "-c", PRELUDE + commands],
            cwd=checkout,
            env={
                **OUTPUTS,
                "PATH": f"{HERE}:/usr/bin:/bin",
                "STAND_IN_PORT": str(port),
                "CONNECT_PAUSE_SECONDS": "0",
                "CONNECT_WAIT_SECONDS": "20",
                "SCOPE_SUBSCRIPTIONS": HOME,
                "EXPECTED_PACKAGE": "any",
            },
            input="https://func.example/api/alerts?code=key\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert [call for call in stand_in.calls if call.startswith("UNEXPECTED")] == [], said
    if re.search(r"^(azd up|infra/deploy\.sh|infra/connect\.sh)", commands, re.MULTILINE):
        assert any("backup-retry-connect-" in call for call in stand_in.calls), said
