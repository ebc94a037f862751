"""`python -m tools.settings_table --check|--write`: the README's table of settings, made from `Settings`.

It stands between two comments in README.md; `--check` ends with 1 where it is not what the code says.
"""

import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pydantic.fields import FieldInfo

from backup_retry.settings.settings import Settings
from tools.generated import check_or_write

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- settings: python -m tools.settings_table --write -->"
END = "<!-- end of settings -->"
_HEAD = ("| setting | default | meaning |", "|---|---|---|")
#: the end of a description that says what an empty setting means
_EMPTY = re.compile(r" (?:Empty: (?P<words>[^.]+)|(?P<required>Required))\.$")
#: a day is 24h here
_UNITS = ((3600, "h"), (60, "m"), (1, "s"))


def table() -> str:
    """The table, one row per setting, in the order in which the code has them."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return "\n".join([*_HEAD, *rows])


def rewritten(readme: str) -> str:
    """The README with the table as it should be.

    Raises:
        ValueError: the comments around the table are not there, once each and in order.
    """
    parts = re.split(f"({re.escape(BEGIN)}|{re.escape(END)})", readme)
    if parts[1::2] != [BEGIN, END]:
        raise ValueError(f"README.md has to have the lines {BEGIN!r} and {END!r}, once each")
    before, _, _, _, after = parts
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _row(name: str, field: FieldInfo) -> str:
    description = field.description or ""
    return f"| `{name.upper()}` | {_default(field)} | {_EMPTY.sub('', description)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default in ((), ""):
        empty = _EMPTY.search(field.description or "")
        return (empty["words"] if empty else None) or "none"
    return f"`{_text(field.default)}`"


def _text(value: object) -> str:
    """A default as an administrator would write it."""
    if value is None:
        return "policy"
    if isinstance(value, tuple):
        return ", ".join(_text(each) for each in value)
    if isinstance(value, timedelta):
        return _duration(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _duration(value: timedelta) -> str:
    """In the largest unit of which it is a whole number."""
    seconds = int(value.total_seconds())
    fitting = [f"{seconds // size}{unit}" for size, unit in _UNITS if seconds and seconds % size == 0]
    return next(iter(fitting), "0s")


def main(arguments: Sequence[str] | None = None, readme: Path = README) -> int:
    """Check or rewrite the README; the exit code."""
    wanted = rewritten(readme.read_text(encoding="utf-8"))
    return check_or_write("tools.settings_table", {readme: wanted}, arguments)


if __name__ == "__main__":
    sys.exit(main())
