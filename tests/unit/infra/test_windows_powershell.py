"""The PowerShell scripts run in Windows PowerShell 5.1 as well, which azd takes where there is no newer one."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from infra.package import REPOSITORY
from tests.hooks.shells import needs_pwsh, pwsh

LOOKER = REPOSITORY / "tests" / "hooks" / "windows_powershell.ps1"
SCRIPTS = sorted(REPOSITORY.glob("infra/*.ps1"))
#: a line that only a newer PowerShell understands, or that cmd misreads, and what is found in it
TOO_NEW = [
    ("$x = $true ? 1 : 2", "ternary"),
    ("$x = $y ?? 1", "QuestionQuestion"),
    ("$x ??= 1", "QuestionQuestionEquals"),
    ("${x}?.Name", "null-conditional member"),
    ("${x}?.Trim()", "null-conditional method"),
    ("${x}?[0]", "null-conditional index"),
    ("az login && az account show", "pipeline chain"),
    ("az login || exit 1", "pipeline chain"),
    ("az login &", "background pipeline"),
    ("1..2 | ForEach-Object -Parallel { $_ }", "-Parallel"),
    ("ConvertFrom-Json '{}' -AsHashtable", "-AsHashtable"),
    ("if ($IsWindows) { 1 }", "$IsWindows"),
    ("[IO.Path]::GetRelativePath('a', 'b')", "method GetRelativePath"),
    ("'a, b'.Split(', ')", "Split of ', '"),
    ("'a' | Join-String", "Join-String"),
    ("function f { end { } clean { } }", "clean block"),
    ("Invoke-Az rest --url 'https://x?a=1&b=2'", "cmd misreads 'https://x?a=1&b=2'"),
    ("Invoke-Az group list --query \"[?contains(name, 'x')]\"", "cmd misreads"),
    ("$x = (", "Missing"),
]


def found(files: Iterable[Path]) -> list[str]:
    """What the looker says of these files."""
    command = ", ".join(f"'{file}'" for file in files)
    result = subprocess.run(
        [str(pwsh()), "-NoProfile", "-NonInteractive", "-Command", f"& '{LOOKER}' {command}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return result.stdout.splitlines()


@needs_pwsh
def test_the_scripts_run_in_windows_powershell() -> None:
    """Nothing in their syntax trees is newer than 5.1, and no argument of az is misread by its batch file."""
    assert SCRIPTS
    assert found(SCRIPTS) == []


@needs_pwsh
def test_what_is_too_new_is_found(tmp_path: Path) -> None:
    """Each in a file of its own."""
    files = [tmp_path / f"{number:02}.ps1" for number in range(len(TOO_NEW))]
    for file, (line, _) in zip(files, TOO_NEW, strict=True):
        file.write_text(line, encoding="utf-8")
    said = found(files)
    for file, (line, expected) in zip(files, TOO_NEW, strict=True):
        assert any(each.startswith(f"{file}:1: {expected}") for each in said), (line, said)
