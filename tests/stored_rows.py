"""Rows as other versions of the app wrote them: files of tests/payloads/rows, by table."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "payloads" / "rows"
#: commit d176386
FIRST = "version_0_1_0"
#: one that nobody has written yet
TO_COME = "version_to_come"
Row = Mapping[str, Any]


def stored(version: str) -> Iterator[tuple[str, Row]]:
    """Every row with its table."""
    tables = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    for table, rows in tables.items():
        yield from ((table, row) for row in rows)
