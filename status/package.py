"""Which package is deployed: a hash over the app's own files."""

from functools import cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: what is the app's own; Azure's build puts the requirements and notes of its own next to it
OWN = (
    "backup_retry",
    "constraints.txt",
    "function_app.py",
    "host.json",
    "reactor",
    "reconciler",
    "requirements.txt",
    "status",
)
_DIGITS = 16


@cache
def package_hash(root: Path = ROOT) -> str:
    """A hash of the app's own files, by name and content.

    It is the hash of what `sha256sum` prints for them in the order of their names, so that the hooks of infra/ can
    tell it of what they uploaded on a machine without Python.
    """
    lines = (f"{sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in own_files(root))
    return sha256("".join(lines).encode()).hexdigest()[:_DIGITS]


def own_files(root: Path = ROOT) -> list[str]:
    """The names of the app's own files, in the order of their bytes."""
    found = (file for name in OWN for file in ((root / name), *(root / name).rglob("*")) if file.is_file())
    return sorted(file.relative_to(root).as_posix() for file in found if not _is_compiled(file))


def _is_compiled(file: Path) -> bool:
    return file.suffix in {".pyc", ".pyo"} or "__pycache__" in file.parts
