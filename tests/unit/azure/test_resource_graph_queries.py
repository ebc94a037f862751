"""Resource Graph's queries are KQL, by Microsoft's own analyzer."""

import re
from pathlib import Path

import pytest

from tests.kusto.analyzer import diagnostics
from tests.kusto.install import is_installed

ROOT = Path(__file__).parents[3]
QUERIES = sorted(
    path
    for package in ("backup_retry", "cli", "reconciler", "status")
    for path in (ROOT / package).rglob("*.kql")
)
_COLUMNS = (
    "id:string, name:string, type:string, ['kind']:string, subscriptionId:string, resourceGroup:string, "
    "tags:dynamic, properties:dynamic"
)


@pytest.mark.skipif(not is_installed(), reason="Microsoft's KQL analyzer is not installed: make")
def test_microsofts_analyzer_finds_nothing(tmp_path: Path) -> None:
    """With the columns that the tables have, and the placeholders bound."""
    tables = "".join(
        f"let {name} = datatable({_COLUMNS})[];\n"
        for name in ("Resources", "ResourceContainers", "RecoveryServicesResources")
    )
    bound = []
    for path in QUERIES:
        query = tmp_path / path.name
        text = re.sub(
            r"datetime\(\{\w+\}\)", "datetime(2026-11-22T14:00:00Z)", path.read_text(encoding="utf-8")
        )
        query.write_text(tables + text, encoding="utf-8")
        bound.append(query)
    assert bound
    assert diagnostics(bound) == []
