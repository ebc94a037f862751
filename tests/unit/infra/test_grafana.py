"""infra/grafana/dashboard.json: what the workbook shows, for whoever looks at Grafana."""

import json
from pathlib import Path

import pytest

from tests.log_tables import QUERIES
from tools import grafana_dashboard


def test_the_dashboard_shows_what_the_workbook_shows() -> None:
    """Each of its queries in a panel, within Grafana's time range; one that is added to the workbook is missed here."""
    assert grafana_dashboard.main(["--check"]) == 0
    panels = json.loads(grafana_dashboard.DASHBOARD.read_text(encoding="utf-8"))["panels"]
    shown = [target["azureLogAnalytics"]["query"] for each in panels for target in each["targets"]]
    files = [path.read_text(encoding="utf-8") for path in (QUERIES / "workbook").glob("*.kql")]
    assert sorted(shown) == sorted(map(grafana_dashboard.in_its_time_range, files))


def test_panels_lie_side_by_side() -> None:
    """None covers another one, nor hangs over the edge."""
    cells: set[tuple[int, int]] = set()
    for panel in grafana_dashboard.dashboard()["panels"]:
        place = panel["gridPos"]
        covered = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & covered
        assert max(x for x, _ in covered) < 24
        cells |= covered


def test_an_old_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And written anew; a query that no time range fits into is an error."""
    monkeypatch.setattr(grafana_dashboard, "DASHBOARD", tmp_path / "dashboard.json")
    assert grafana_dashboard.main(["--check"]) == 1
    assert (grafana_dashboard.main(["--write"]), grafana_dashboard.main(["--check"])) == (0, 0)
    with pytest.raises(ValueError, match="AppTraces"):
        grafana_dashboard.in_its_time_range("// Something else.\nAppRequests\n")
