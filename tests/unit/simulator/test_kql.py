"""Resource Graph's dialect, where it is not plain KQL."""

from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.resource_graph.kql import GraphTables, QueryError

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
ROWS = [
    {
        "id": "/a",
        "type": "jobs",
        "properties": {"status": "Failed", "retries": 2, "start": "2026-11-22T13:00:00.0000000Z"},
    },
    {
        "id": "/b",
        "type": "jobs",
        "properties": {"status": "Completed", "start": "2026-11-20T13:00:00.0000000Z"},
    },
]


def ask(query: str) -> list[list[Any]]:
    tables = GraphTables()
    try:
        tables.load("RecoveryServicesResources", ROWS)
        return [list(row) for row in tables.query(query, NOW).rows]
    finally:
        tables.close()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        # branches of text and of dynamic values give text
        (
            "| project s = case(properties.status == 'Failed', properties.status, 'other')",
            [["Failed"], ["other"]],
        ),
        (
            "| project s = iff(properties.status == 'Failed', 'bad', properties.status)",
            [["bad"], ["Completed"]],
        ),
        # dynamic columns are JSON values
        ("| where id == '/a' | project properties.retries", [[2]]),
        ("| where id == '/b' | project properties.retries", [[None]]),
        # ago() counts from the time of the query
        ("| where todatetime(properties.start) >= ago(24h) | project id", [["/a"]]),
        # times are text with seven decimals
        ("| where id == '/a' | project todatetime(properties.start)", [["2026-11-22T13:00:00.0000000Z"]]),
    ],
)
def test_queries_answer_as_resource_graph_does(query: str, rows: list[list[Any]]) -> None:
    """Where plain translation to SQL would not."""
    assert ask(f"RecoveryServicesResources {query}") == rows


def test_a_query_without_a_table_is_about_resources() -> None:
    """As the first examples of Microsoft's are; a table is not taken for an operator."""
    tables = GraphTables()
    try:
        tables.load("Resources", ROWS)
        queries = ("where id == '/a' | project id", "Resources | where id == '/a' | project id")
        assert [tables.query(query, NOW).rows for query in queries] == [[["/a"]]] * 2
    finally:
        tables.close()


def test_table_names_are_matched_without_regard_to_case() -> None:
    """But not inside of text."""
    assert ask("recoveryserviceSRESOURCES | count") == [[2]]
    assert ask("resources | extend x = 'resources' | project x") == []
    assert ask("RecoveryServicesResources | take 1 | project x = 'resources'") == [["resources"]]


@pytest.mark.parametrize(
    "query", ["", "RecoveryServicesResources | wherever", "NoSuchTable", ".drop table Resources"]
)
def test_what_cannot_be_run_is_an_error(query: str) -> None:
    """One class for the parser's, the translator's and the database's."""
    with pytest.raises(QueryError):
        ask(query)
