"""Resource Graph's dialect of KQL on DuckDB: duckdb-kql with what Resource Graph does differently.

- `case` and `iff` whose branches mix dynamic values and strings are strings, as Microsoft's analyzer has it;
- table names are matched without regard to case;
- dynamic columns come back as JSON values, times as text with seven decimals.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import duckdb_kql
from duckdb_kql import ir, translate

TABLES = {name.lower(): name for name in ("Resources", "ResourceContainers", "RecoveryServicesResources")}

_TEXT = ("id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy")
_DYNAMIC = ("sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation")
_STRINGS = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")
#: A query that names no table is about resources.
_TABLELESS = re.compile(r"\s*(where|project|extend|summarize|order|sort|take|limit|count|distinct)\b")
#: A query that reads the clock is another one each time.
_CLOCK = re.compile(r"\b(now|ago)\s*\(")
_NAMES = re.compile(rf"\b({'|'.join(TABLES)})\b", re.IGNORECASE)
_SCHEMA = {table: [*_TEXT, *_DYNAMIC] for table in TABLES.values()}

#: What a result's column may be called in the table format; all else is an object.
_COLUMN_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "HUGEINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
}

Row = Mapping[str, Any]


class QueryError(Exception):
    """The query cannot be run; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a result."""

    name: str
    #: `string`, `integer`, `number`, `boolean`, `datetime` or `object`.
    type: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """All rows that a query returns, each a value per column."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]


class GraphTables:
    """Resource Graph's tables in memory. Not safe for use from two threads at once."""

    def __init__(self) -> None:
        self._connection = duckdb_kql.connect()
        columns = [*(f'"{name}" VARCHAR' for name in _TEXT), *(f'"{name}" JSON' for name in _DYNAMIC)]
        for table in TABLES.values():
            self._connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")

    def close(self) -> None:
        """Let the memory go."""
        self._connection.close()

    def load(self, table: str, rows: Iterable[Row]) -> None:
        """Replace a table's rows."""
        self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the caller's own tables
        # One parameter holds all rows: binding them one by one takes DuckDB a hundred times as long.
        text = [f"coalesce(row->>'{name}', '')" for name in _TEXT]
        dynamic = [f"row->'{name}'" for name in _DYNAMIC]
        columns = ", ".join(text + dynamic)
        source = "(SELECT unnest(from_json(?::JSON, '[\"JSON\"]')) AS row)"
        insert = f"INSERT INTO {table} SELECT {columns} FROM {source}"  # noqa: S608 - names from this module
        self._connection.execute(insert, [json.dumps(list(rows))])

    def query(self, text: str, now: datetime) -> Result:
        """Run a query at a given time.

        Raises:
            QueryError: it is not KQL, or KQL that is not known here.
        """
        try:
            translated = _translated(text, now if _CLOCK.search(text) else None)
            relation = self._connection.sql(str(translated), params=translated.parameters or None)
            types = [str(each) for each in relation.types]
            rows = relation.fetchall()
        except Exception as error:  # the parser, the translator and DuckDB have no common base
            raise QueryError(str(error)) from error
        columns = (_column(name, kind) for name, kind in zip(relation.columns, types, strict=True))
        return Result(columns=tuple(columns), rows=[_decoded(row, types) for row in rows])


@lru_cache(maxsize=500)
def _translated(text: str, now: datetime | None) -> duckdb_kql.TranslationResult:
    """The query as SQL. An app asks the same again and again, and the translation takes a third of a second."""
    return duckdb_kql.to_sql(_canonical(text), schema=_SCHEMA, allow_write=False, query_now=now)


def _canonical(text: str) -> str:
    """The query with the tables' own names; quoted texts stay as they are."""
    parts = _STRINGS.split(f"Resources | {text}" if _TABLELESS.match(text) else text)
    parts[::2] = [_NAMES.sub(lambda match: TABLES[match[1].lower()], part) for part in parts[::2]]
    return "".join(parts)


def _column(name: str, kind: str) -> Column:
    return Column(name=name, type=_COLUMN_TYPES.get(kind, "object"))


def _decoded(row: Sequence[Any], types: Sequence[str]) -> list[Any]:
    return [_value(value, kind) for value, kind in zip(row, types, strict=True)]


def _value(value: Any, kind: str) -> Any:  # noqa: ANN401 - whatever the query returns
    if value is None:
        return None
    if kind == "JSON":
        return json.loads(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC) if value.tzinfo else value:%Y-%m-%dT%H:%M:%S.%f}0Z"
    return str(value) if isinstance(value, timedelta) else value


def _is_dynamic(node: Any) -> bool:  # noqa: ANN401 - duckdb-kql's tree is untyped
    return isinstance(node, ir.PathAccess) or bool(translate._is_dynamic_expr(node))  # noqa: SLF001


def _mixes(branches: Sequence[Any]) -> bool:
    dynamic = [_is_dynamic(branch) for branch in branches]
    return any(dynamic) and not all(dynamic)


def _render(branch: Any, branches: Sequence[Any]) -> str:  # noqa: ANN401 - duckdb-kql's tree is untyped
    """A branch as text where any other is a text literal, as JSON otherwise."""
    if any(isinstance(each, ir.Literal) and each.kind == "string" for each in branches):
        return str(translate.render_kql_tostring(branch))
    return f"to_json({translate.render_expr(branch)})"


def _case(node: Any) -> Any:  # noqa: ANN401 - duckdb-kql's tree is untyped
    branches = [*node.args[1::2], node.args[-1]]
    if not _mixes(branches):
        return _PLAIN["case"](node)
    conditions = node.args[:-1:2]
    whens = [
        f"WHEN {translate.render_expr(condition)} THEN {_render(branch, branches)}"
        for condition, branch in zip(conditions, branches[:-1], strict=True)
    ]
    return f"CASE {' '.join(whens)} ELSE {_render(branches[-1], branches)} END"


def _iff(node: Any) -> Any:  # noqa: ANN401 - duckdb-kql's tree is untyped
    return _case(node) if _mixes(node.args[1:]) else _PLAIN["iff"](node)


# duckdb-kql has no public hook for this; requirements-dev.txt pins the release that this was written for.
_PLAIN = dict(translate._SPECIAL_FORMS)  # noqa: SLF001
translate._SPECIAL_FORMS.update({"case": _case, "iff": _iff, "iif": _iff})  # noqa: SLF001
