"""The scripts of infra/, run in either shell with a stand-in for az."""

import atexit
import contextlib
import io
import json
import os
import pty
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.hooks.stand_in import StandIn, listening

REPOSITORY = Path(__file__).parents[2]
HERE = Path(__file__).parent
_INHERITED = ("HOME", "XDG_CACHE_HOME", "TMPDIR", "LANG")
_SECONDS = 200


def pwsh() -> Path | None:
    """$PWSH, `pwsh` on PATH, or the one in a folder beside this repository; else None.

    What $PWSH names is not looked for: a wrong path fails where it is run.
    """
    if named := os.environ.get("PWSH"):
        return Path(named)
    places = (shutil.which("pwsh"), REPOSITORY.parent / "shared" / "tools" / "pwsh" / "pwsh")
    return next((Path(place) for place in places if place and Path(place).is_file()), None)


needs_pwsh = pytest.mark.skipif(pwsh() is None, reason="no PowerShell 7: install pwsh, or name it in $PWSH")
both_shells = pytest.mark.parametrize("shell", ["sh", pytest.param("pwsh", marks=needs_pwsh)])


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a script did."""

    exit_code: int
    output: str
    #: what az was asked, without how it was to show its answers
    calls: Sequence[str]

    def called(self, *beginnings: str) -> list[str]:
        """The calls that begin like one of these."""
        return [call for call in self.calls if call.startswith(beginnings)]

    @property
    def connected(self) -> list[str]:
        """The subscriptions that connect.bicep was deployed to, in their order, repetitions too."""
        return [call.split()[4] for call in self.called("deployment sub create")]

    @property
    def removed(self) -> list[str]:
        """The ids, or the names where az wants those, of what was deleted."""
        deletions = ("resource delete", "role assignment delete", "role definition delete", "group delete")
        return [re.split("--ids |--name ", call)[-1].split()[0] for call in self.called(*deletions)]


def run(
    shell: str,
    script: str,
    *arguments: str,
    answers: Sequence[Mapping[str, Any]],
    variables: Mapping[str, str] = MappingProxyType({}),
    repository: Path = REPOSITORY,
) -> Run:
    """Run infra/<script> with these answers of Azure and these environment variables."""
    stand_in = StandIn(answers, repository)
    file = repository / "infra" / f"{script}.{'sh' if shell == 'sh' else 'ps1'}"
    with listening(stand_in) as port:
        waits = {"CONNECT_PAUSE_SECONDS": "0", "CONNECT_WAIT_SECONDS": "100"}
        chosen = {"STAND_IN_PORT": str(port), **waits, **variables}
        code, output = (_sh if shell == "sh" else _powershell)(file, arguments, chosen)
    return Run(exit_code=code, output=output, calls=stand_in.calls)


def run_at_terminal(
    shell: str, script: str, typed: str, *, answers: Sequence[Mapping[str, Any]], variables: Mapping[str, str]
) -> Run:
    """Run infra/<script> as a person would, who types this at its question."""
    stand_in = StandIn(answers, REPOSITORY)
    ours, theirs = pty.openpty()
    with listening(stand_in) as port, os.fdopen(ours, "r+b", buffering=0) as screen:
        process = subprocess.Popen(
            _command(shell, REPOSITORY / "infra" / script),
            env={**_environment(), "STAND_IN_PORT": str(port), **variables},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        screen.write(typed.encode())
        shown = _all_of(screen)
        code = process.wait(_SECONDS)
    return Run(exit_code=code, output=shown, calls=stand_in.calls)


def _command(shell: str, script: Path) -> list[str]:
    if shell == "sh":
        return [f"{script}.sh"]
    return [str(pwsh()), "-NoProfile", "-File", f"{script}.ps1"]


def _all_of(screen: io.FileIO) -> str:
    """What appears until the other side of the terminal is closed, which reads as an error."""
    shown = bytearray()
    with contextlib.suppress(OSError):
        while read := screen.read(4096):
            shown += read
    return shown.decode(errors="replace")


def _environment() -> dict[str, str]:
    """Where the stand-in for az is found, and nothing of the person's own choices."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return inherited | {"PATH": f"{HERE}:/usr/bin:/bin", "NO_COLOR": "1", "TERM": "dumb"}


def _sh(file: Path, arguments: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str]:
    result = subprocess.run(
        [file, *arguments],
        env={**_environment(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    return result.returncode, result.stdout


def _powershell(file: Path, arguments: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str]:
    job = {"script": str(file), "arguments": arguments, "variables": variables}
    driver = _driver()
    assert driver.stdin is not None
    assert driver.stdout is not None
    driver.stdin.write(json.dumps(job) + "\n")
    driver.stdin.flush()
    ended = json.loads(driver.stdout.readline())
    return ended["code"], ended["output"]


@cache
def _driver() -> subprocess.Popen[str]:
    """The one PowerShell of this process; it ends as its stdin does."""
    executable = pwsh()
    assert executable is not None
    process = subprocess.Popen(
        [executable, "-NoProfile", "-NonInteractive", "-File", HERE / "driver.ps1"],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process
