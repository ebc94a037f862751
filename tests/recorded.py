"""The collection of recorded answers of Azure, where it is at hand."""

from pathlib import Path
from typing import Any

import pytest

RECORDINGS = Path(__file__).parents[1].parent / "shared" / "azure" / "recordings"
needs_recordings = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded replies are not at hand")


#: Those that somebody has looked at: no test is held to others, whatever stands in them.
_LOOKED_AT = Path(__file__).parents[1] / "tools" / "parity" / "looked_at.txt"


def looked_at(*patterns: str) -> list[Path]:
    """The recordings whose names match, of all folders; none where they are not at hand."""
    known = set(_LOOKED_AT.read_text(encoding="utf-8").split())
    found = [
        path for pattern in patterns for path in sorted(RECORDINGS.parent.glob(f"recordings*/{pattern}"))
    ]
    return [path for path in found if path.stem in known]


def shape(value: Any) -> Any:
    """Keys and kinds of values; all entries of a list have one shape."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__
