"""What is deployed: the app's own files and the licence, whatever lies in the folder; and what its hash tells apart."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.package import REPOSITORY, build, deployed_files
from status.package import own_files, package_hash

SECRET = "AccountKey=not-for-anybody"
#: where people keep secrets, and what is none of the app
STRAY = [
    ".azure/prod/.env",
    ".azure/config.json",
    ".env",
    ".env.local",
    "backup_retry/.env",
    "prod.env",
    "local.settings.json",
    "local.settings.prod.json",
    "app.publishsettings",
    "webhook.pem",
    "webhook.key",
    "webhook.pfx",
    ".git/config",
    ".github/workflows/deploy.yml",
    ".vscode/settings.json",
    ".venv/lib/token.py",
    "bench/case.py",
    "build/app.zip",
    "cli/app.py",
    "demo/night.toml",
    "docs/deploy.md",
    "infra/bicep/main.bicepparam",
    "simulator/keys.py",
    "tests/unit/test_secret.py",
    "tools/token.py",
    "backup_retry/__pycache__/engine.cpython-313.pyc",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout in which an app of two files has been worked on."""
    shutil.copy(REPOSITORY / ".funcignore", tmp_path)
    for name in ("function_app.py", "backup_retry/engine/engine.py"):
        plant(tmp_path / name, "ours")
    return tmp_path


def plant(file: Path, content: str) -> None:
    """Write a file, with its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")


@pytest.mark.parametrize("name", STRAY)
def test_what_lies_about_stays_here(folder: Path, name: str) -> None:
    """A secret planted in the place is not in the archive, and neither is the file's name."""
    plant(folder / name, SECRET)
    build(folder / "build" / "app.zip", folder)
    with ZipFile(folder / "build" / "app.zip") as package:
        assert package.namelist() == ["backup_retry/engine/engine.py", "function_app.py"]


def test_the_package_is_the_apps_own_files() -> None:
    """And the licence: nothing is deployed that the package's hash does not cover."""
    assert [file.as_posix() for file in deployed_files()] == sorted([*own_files(REPOSITORY), "LICENSE"])


def test_packing_needs_python_alone(tmp_path: Path) -> None:
    """No compiler, no az, no git: nothing else can be found."""
    command = [sys.executable, "-m", "infra.package", str(tmp_path / "app.zip")]
    environment = {"PATH": "", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    assert (tmp_path / "app.zip").exists()


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"backup_retry/engine/engine.py": "changed"}, False),
        ({"backup_retry/new.py": ""}, False),
        ({"status/page.html": "a page"}, False),
        ({"backup_retry/__pycache__/engine.cpython-313.pyc": "compiled"}, True),
        ({".python_packages/lib/azure.py": "what the build installs"}, True),
        ({"oryx-manifest.toml": "what the build notes"}, True),
        ({"LICENSE": "another"}, True),
    ],
)
def test_the_hash_is_of_the_apps_own_files(folder: Path, changed: dict[str, str], *, same: bool) -> None:
    """Another name or content is another package; what Azure's build adds is not."""
    before = package_hash.__wrapped__(folder)
    for name, content in changed.items():
        plant(folder / name, content)
    assert (package_hash.__wrapped__(folder) == before) is same
