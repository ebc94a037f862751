"""Route templates of HTTP triggers."""

import pytest

from simulator.functions_host.route_template import RouteTemplate


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("api/alerts", "/api/alerts", {}),
        ("api/alerts", "/API/Alerts/", {}),
        ("api/alerts", "/api/alerts/1", None),
        ("jobs/{vault}", "/jobs/v1", {"vault": "v1"}),
        ("jobs/{vault}", "/jobs/", None),
        ("jobs/{vault}/{job:int?}", "/jobs/v1/7", {"vault": "v1", "job": "7"}),
        ("jobs/{vault}/{job:int?}", "/jobs/v1", {"vault": "v1"}),
        ("jobs/{vault}/{job:int?}", "/jobs/v1/seven", None),
        ("files/{*rest}", "/files/a/b.txt", {"rest": "a/b.txt"}),
        ("items/{kind}-{number:int}.json", "/items/vm-12.json", {"kind": "vm", "number": "12"}),
        ("a.b", "/aXb", None),
    ],
)
def test_a_path_is_matched_against_a_template(
    template: str, path: str, expected: dict[str, str] | None
) -> None:
    """Whole paths, without regard to case, with kinds and optional parts."""
    assert RouteTemplate(template).match(path) == expected


def test_literal_text_wins_over_parameters() -> None:
    """Sorted by precedence, the narrower template comes first."""
    templates = ["jobs/{*rest}", "jobs/{name}", "jobs/latest"]
    assert sorted(templates, key=lambda each: RouteTemplate(each).precedence) == templates[::-1]
