"""`python -m tools.grafana_dashboard --check|--write`: the workbook's tiles as a dashboard of Grafana.

infra/grafana/dashboard.json has the titles and queries of infra/bicep/modules/workbook.bicep, with Grafana's time range
instead of the workbook's. `--check` ends with 1 where it is not what they say.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.generated import check_or_write

REPOSITORY = Path(__file__).parents[1]
DASHBOARD = REPOSITORY / "infra" / "grafana" / "dashboard.json"
_MODULES = REPOSITORY / "infra" / "bicep" / "modules"

Json = dict[str, Any]

#: https://grafana.com/docs/grafana/latest/datasources/azure-monitor/
_DATA_SOURCE = {"type": "grafana-azure-monitor-datasource", "uid": "${datasource}"}
_TILE = re.compile(
    r"title: '(?P<title>[^']+)'\s+query: loadTextContent\('(?P<query>[^']+)'\)\s+"
    r"visualization: '(?P<visualization>\w+)'\s+width: '(?P<width>\d+)'"
)
#: of each visualization: the panel, what its query returns, and the panel's own options
_PANELS: dict[str, tuple[str, str, Json, Json]] = {
    "piechart": ("piechart", "table", {"reduceOptions": {"values": True, "fields": "incidents"}}, {}),
    "table": ("table", "table", {}, {}),
    "timechart": ("timeseries", "time_series", {}, {}),
    "barchart": (
        "timeseries",
        "time_series",
        {},
        {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal"}},
    ),
}
#: a dashboard's columns, and a panel's rows
_COLUMNS, _HEIGHT = 24, 8


def dashboard() -> Json:
    """The dashboard, as Grafana imports it."""
    return {
        "title": "Azure Backup Retry",
        "uid": "azure-backup-retry",
        "tags": ["azure", "backup"],
        "schemaVersion": 39,
        "timezone": "browser",
        "time": {"from": "now-30d", "to": "now"},
        "templating": {"list": [_data_source(), _workspace()]},
        "panels": list(_panels()),
    }


def _data_source() -> Json:
    kind = _DATA_SOURCE["type"]
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": kind}


def _workspace() -> Json:
    label = "Resource ID of the Log Analytics workspace"
    return {"name": "workspace", "label": label, "type": "textbox", "query": ""}


def _panels() -> Iterator[Json]:
    text = (_MODULES / "workbook.bicep").read_text(encoding="utf-8")
    across, down = 0, 0
    for number, tile in enumerate(_TILE.finditer(text), start=1):
        width = _COLUMNS * int(tile["width"]) // 100
        yield _panel(number, tile, {"x": across, "y": down, "w": width, "h": _HEIGHT})
        across = (across + width) % _COLUMNS
        down += 0 if across else _HEIGHT


def _panel(number: int, tile: re.Match[str], place: Json) -> Json:
    kind, result, options, custom = _PANELS[tile["visualization"]]
    return {
        "id": number,
        "title": tile["title"],
        "type": kind,
        "gridPos": place,
        "datasource": _DATA_SOURCE,
        "options": options,
        "fieldConfig": {"defaults": {"custom": custom}, "overrides": []},
        "targets": [
            {
                "refId": "A",
                "datasource": _DATA_SOURCE,
                "queryType": "Azure Log Analytics",
                "azureLogAnalytics": {
                    "query": in_its_time_range((_MODULES / tile["query"]).read_text(encoding="utf-8")),
                    "resources": ["${workspace}"],
                    "resultFormat": result,
                },
            }
        ],
    }


def in_its_time_range(query: str) -> str:
    """A query with Grafana's time range, which the workbook gives from outside."""
    bounded = query.replace("\nAppTraces\n", "\nAppTraces\n| where $__timeFilter(TimeGenerated)\n")
    if bounded == query:
        raise ValueError("a query of the workbook does not begin with the table AppTraces")
    return bounded


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or rewrite the file; the exit code."""
    return check_or_write(
        "tools.grafana_dashboard", {DASHBOARD: json.dumps(dashboard(), indent=2) + "\n"}, arguments
    )


if __name__ == "__main__":
    sys.exit(main())
