"""The columns of a table's row: written within the tables' limits, read whoever wrote them.

Two versions run side by side during every update, and people edit rows. So a reader takes what it knows: a surplus
column is passed over, a missing one has a default where one can be had, a number that the tables keep as Int64 is a
number and a DateTime a time. What it cannot understand makes the row unreadable, and no other.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from backup_retry.domain.arm_ids import ProtectedItem, Vault, subject_of
from backup_retry.domain.texts import valid, valid_json

Row = dict[str, Any]
Value = TypeVar("Value")
Word = TypeVar("Word", bound=StrEnum)
#: what this version writes; rows without the column are of version 0.1.0, which is schema 1
SCHEMA = 2
#: a text column holds 64 KiB of UTF-16, which is 32,768 units, and a character beyond the first plane takes two
_LONGEST = 32_700
_UTF_16 = "utf-16-le"
#: what Python puts where half a character was
_MARK = "\ufffd"
#: nobody means a time before that, and a little arithmetic with one after this would end in an error
_EARLIEST_YEAR = 1900
_LATEST = datetime(9998, 1, 1, tzinfo=UTC)
_SHOWN = 80


class Unreadable(ValueError):
    """A row that this version cannot read; the message names the column."""


def new_row(partition: str, key: str, **columns: object) -> Row:
    """A row as this version writes it; a text that is too long ends in an ellipsis."""
    fitting = {name: fit(value) if isinstance(value, str) else value for name, value in columns.items()}
    return {"PartitionKey": partition, "RowKey": key, "schema": SCHEMA, **fitting}


def fit(text: str, longest: int = _LONGEST) -> str:
    """The text with at most so many units of UTF-16; half a character, which no request could carry, is replaced."""
    units = text.encode(_UTF_16, "surrogatepass")
    if len(units) <= 2 * longest:
        return units.decode(_UTF_16, "replace")
    kept = units[: 2 * max(0, longest - 1)].decode(_UTF_16, "replace")
    return f"{kept.removesuffix(_MARK)}…"[:longest]


def json_text(value: object) -> str:
    """The value as JSON that fits into a column: its texts and lists are shortened, never the JSON itself."""
    return json.dumps(shortened(value), ensure_ascii=False)


def shortened(value: object) -> Any:  # noqa: ANN401 (any JSON)
    """The value with its longest texts and lists cut, until its JSON fits into a column."""
    longest = _LONGEST // 2
    short = _shortened(value, longest)
    while longest and _units(json.dumps(short, ensure_ascii=False)) > _LONGEST:
        longest //= 2
        short = _shortened(value, longest)
    return short


def _shortened(value: object, longest: int) -> object:
    match value:
        case str():
            return fit(value, longest)
        case Mapping():
            return {fit(str(name), longest): _shortened(each, longest) for name, each in value.items()}
        case list() | tuple():
            return [_shortened(each, longest) for each in value[:longest]]
        case _:
            return value


def _units(text: str) -> int:
    return len(text.encode(_UTF_16, "surrogatepass")) // 2


def written(at: datetime) -> str:
    """A time as the rows hold it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Columns:
    """A row, read column by column. Without a default a column has to be there; each method raises Unreadable."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = row
        self.names = row.keys()

    def text(self, name: str, default: str | None = None) -> str:
        """A text; a number or a time represents itself."""
        value = self._value(name)
        if value is None:
            return self._default(name, default)
        if isinstance(value, bytes):
            raise self._wrong(name)
        return written(value) if isinstance(value, datetime) else str(value)

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number, whatever type of column holds it."""
        value = self._value(name)
        if value is None:
            return self._default(name, default)
        try:
            if isinstance(value, bool | bytes) or int(value) != float(value):
                raise self._wrong(name)
            return int(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise self._wrong(name) from error

    def truth(self, name: str) -> bool | None:
        """True or false; None where it is not said."""
        value = self._value(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name)
        return value

    def time(self, name: str, default: datetime | None = None) -> datetime:
        """A time; one without a zone, written by hand, is taken for UTC."""
        value = self._value(name)
        if value is None:
            return self._default(name, default)
        try:
            return _sane(datetime.fromisoformat(value.isoformat() if isinstance(value, datetime) else value))
        except (TypeError, ValueError, OverflowError) as error:
            raise self._wrong(name) from error

    def maybe_time(self, name: str) -> datetime | None:
        """A time that need not be there."""
        return self.time(name) if self._value(name) is not None else None

    def word(self, name: str, words: type[Word], default: Word | None = None) -> Word:
        """One of the words that this version knows."""
        if self._value(name) is None:
            return self._default(name, default)
        try:
            return words(self.text(name))
        except ValueError as error:
            raise self._wrong(name) from error

    def maybe_word(self, name: str, words: type[Word]) -> Word | None:
        """Such a word that need not be there."""
        return self.word(name, words) if self._value(name) is not None else None

    def item(self, name: str) -> ProtectedItem:
        """The ARM id of a protected item, or of a vault that an incident is about as a whole."""
        found = _item(self.text(name))
        if found is None:
            raise self._wrong(name)
        return found

    def vault(self, name: str) -> Vault:
        """A vault's ARM id."""
        found = Vault.parse(self.text(name))
        if found is None:
            raise self._wrong(name)
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """A JSON list of texts; empty where it is not there."""
        if self._value(name) is None:
            return ()
        try:
            found = valid_json(json.loads(self.text(name)))
        except (ValueError, RecursionError) as error:
            raise self._wrong(name) from error
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise self._wrong(name)
        return tuple(found)

    def mapping(self, name: str, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """A JSON object."""
        if self._value(name) is None:
            return self._default(name, default)
        try:
            found = valid_json(json.loads(self.text(name)))
        except (ValueError, RecursionError) as error:
            raise self._wrong(name) from error
        if not isinstance(found, dict):
            raise self._wrong(name)
        return found

    def _value(self, name: str) -> Any:  # noqa: ANN401 (whatever is there)
        """What the SDK made of the column; of a type that Python has not, it makes a pair of value and type."""
        value = self._row.get(name)
        value = value[0] if isinstance(value, tuple) else value
        return valid(value) if isinstance(value, str) else value

    def _default(self, name: str, default: Value | None) -> Value:
        if default is None:
            raise Unreadable(f"it has no column {name}")
        return default

    def _wrong(self, name: str) -> Unreadable:
        return Unreadable(f"column {name} contains {self._value(name)!r:.{_SHOWN}}")


def _sane(at: datetime) -> datetime:
    """The time in UTC; one of "indefinitely" stays so far off that something can be added to it."""
    utc = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    if utc.year < _EARLIEST_YEAR:
        raise ValueError
    return min(utc, _LATEST)


@lru_cache(maxsize=20_000)
def _item(arm_id: str) -> ProtectedItem | None:
    """An item is in the journal once for each of its incidents."""
    return subject_of(arm_id)
