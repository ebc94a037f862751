"""`python -m infra.package [ZIP]`: the zip that is deployed, build/app.zip unless named otherwise.

It holds what .funcignore leaves, as `azd` and the Functions Core Tools take it; Azure installs requirements.txt
(remote build). The same files make the same zip, byte for byte.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pathspec import GitIgnoreSpec

REPOSITORY = Path(__file__).parents[1]
DEFAULT_ZIP = REPOSITORY / "build" / "app.zip"
#: the oldest time that a zip can hold
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


def deployed_files(root: Path = REPOSITORY) -> Iterator[Path]:
    """Every file that is deployed, relative to the root, in the order of their names."""
    patterns = (root / ".funcignore").read_text(encoding="utf-8").splitlines()
    ignored = GitIgnoreSpec.from_lines([*patterns, ".funcignore", "__pycache__", "*.py[co]"])
    return iter(sorted(_files(root, ignored)))


def _files(root: Path, ignored: GitIgnoreSpec) -> Iterator[Path]:
    """What is not ignored; an ignored folder is not read, because a virtual environment has 40,000 files."""
    for folder, folders, names in os.walk(root, followlinks=True):
        place = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not ignored.match_file(f"{(place / name).as_posix()}/")]
        yield from (place / name for name in names if not ignored.match_file((place / name).as_posix()))


def build(target: Path = DEFAULT_ZIP, root: Path = REPOSITORY) -> None:
    """Write the zip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(target, "w", ZIP_DEFLATED) as package:
        for file in deployed_files(root):
            entry = ZipInfo(file.as_posix(), _NO_TIME)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = _READABLE
            package.writestr(entry, (root / file).read_bytes())


def main() -> None:
    """Run the command line."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_ZIP
    build(target)
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
