"""The collection of recorded answers of Azure, where it is at hand."""

from pathlib import Path
from typing import Any

import pytest

RECORDINGS = Path(__file__).parents[1].parent / "shared" / "azure" / "recordings"
needs_recordings = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded replies are not at hand")


def shape(value: Any) -> Any:
    """Keys and kinds of values; all entries of a list have one shape."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__
