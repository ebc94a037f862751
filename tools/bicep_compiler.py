"""Microsoft's Bicep compiler: where it is, and what it says."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.package import REPOSITORY

BICEP = REPOSITORY / "infra" / "bicep"
#: compilers write their messages in the user's language unless they know none
_ENVIRONMENT = {
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
    # a run of seconds: what .NET does for a service that runs for days costs it a fifth
    "DOTNET_TieredPGO": "0",
    "DOTNET_GCgen0size": "0x8000000",
    "DOTNET_gcConcurrent": "0",
}
_INHERITED = ("HOME", "PATH", "XDG_CACHE_HOME", "USERPROFILE", "SYSTEMROOT", "TEMP")


def compiler() -> Path | None:
    """$BICEP, `bicep` on PATH, that of `az bicep install`, or the one in a folder next to this repository; else None.

    What $BICEP names is not looked for: a wrong path fails where it is run.
    """
    if named := os.environ.get("BICEP"):
        return Path(named)
    azure = Path(os.environ.get("AZURE_CONFIG_DIR", Path.home() / ".azure"))
    places = (
        shutil.which("bicep"),
        azure / "bin" / "bicep",
        azure / "bin" / "bicep.exe",
        REPOSITORY.parent / "shared" / "tools" / "bicep" / "bicep",
    )
    return next((Path(place) for place in places if place and Path(place).is_file()), None)


def run(
    *arguments: str | Path, directory: Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the compiler in a directory, with these environment variables and no others that it could read.

    Raises:
        FileNotFoundError: there is no compiler.
    """
    executable = compiler()
    if executable is None:
        raise FileNotFoundError("no Bicep compiler: az bicep install, or name one in $BICEP")
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return subprocess.run(  # noqa: S603 - the compiler that the user named
        [executable, *arguments],
        cwd=directory,
        env={**inherited, **_ENVIRONMENT, **(variables or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def build(target: Path) -> Sequence[str]:
    """Compile every file below infra/bicep to `target`, in the same folders; what the compiler and its linter say."""
    result = run("build", "--pattern", "**/*.bicep", "--outdir", target, directory=BICEP)
    return said(result)


def said(result: subprocess.CompletedProcess[str]) -> Sequence[str]:
    """The lines that the compiler wrote, and its exit code where that is not 0."""
    failed = [] if result.returncode == 0 else [f"exit code {result.returncode}"]
    return [*result.stdout.splitlines(), *result.stderr.splitlines(), *failed]
