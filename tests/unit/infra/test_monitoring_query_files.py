"""The query files of alert rules and workbook: their headings, their names, and where they are used."""

import re
from pathlib import Path

import pytest

from backup_retry.domain.journal import StepKind
from backup_retry.ports.log_events import LogEvent
from tests.bicep_files import MODULES, asked
from tests.kusto.analyzer import diagnostics
from tests.kusto.install import is_installed
from tests.log_tables import queries

#: the most that Azure Monitor takes in an alert
MOST_DIMENSIONS = 6
EVENTS = {each.value for each in (*LogEvent, *StepKind)}
#: A query may name an event before the app writes it only where it is listed here.
AWAITED: set[str] = set()


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.stem)
def test_queries_have_a_heading_and_name_events_that_exist(query: Path) -> None:
    """The first line says what is returned; an event that is renamed in the code is missed here."""
    text = query.read_text(encoding="utf-8")
    assert text.startswith("// ")
    named = set(re.findall(r'"event": "(\w+)"', text)) | set(re.findall(r"event\)? == '(\w+)'", text))
    assert named <= EVENTS | AWAITED


def test_every_query_is_deployed() -> None:
    """Each file is loaded by a module, and what a module loads is there."""
    loaded = {
        (file.parent / name).resolve()
        for file in MODULES.glob("*.bicep")
        for name in re.findall(r"loadTextContent\('([^']+)'\)", file.read_text(encoding="utf-8"))
    }
    assert loaded == {query.resolve() for query in queries()}


def test_every_alert_rules_dimensions_are_columns_of_its_query() -> None:
    """An alert is split by columns that its query returns."""
    kind = "Microsoft.Insights/scheduledQueryRules"
    for rule in (*asked("main", kind), *asked("connect-everything", kind)):
        [criterion] = rule["properties"]["criteria"]["allOf"]
        columns = re.findall(r"\w+", criterion["query"].split("| project")[-1])
        named = {each["name"] for each in criterion["dimensions"]}
        assert named <= set(columns), rule["name"]
        assert len(named) <= MOST_DIMENSIONS, rule["name"]


def test_a_mail_says_all_that_a_person_needs() -> None:
    """Which items of which vault, the error, what to do, and where to read on."""
    rules = {each["name"]: each for each in asked("main", "Microsoft.Insights/scheduledQueryRules")}
    for name, rule in rules.items():
        if "needs-a-person" in name or "exhausted" in name:
            [criterion] = rule["properties"]["criteria"]["allOf"]
            dimensions = [each["name"] for each in criterion["dimensions"]]
            assert dimensions == ["item", "vault", "error", "items", "remedy", "link"]


@pytest.mark.skipif(not is_installed(), reason="Microsoft's KQL analyzer is not installed: make")
def test_microsofts_own_analyzer_finds_nothing() -> None:
    """Names, types and functions, against the tables' columns in Log Analytics."""
    assert diagnostics(list(queries())) == []
