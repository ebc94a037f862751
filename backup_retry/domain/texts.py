r"""Texts from outside, made valid where they enter.

JSON can say half a character (`"\ud83d"`, as of a text that was cut in the middle of an emoji), and so can a command's
argument. No log handler, request or page can carry it: each of them would raise, far from where it came in.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

_UTF_16 = "utf-16-le"
_LAST_OF_BMP = 0xFFFF
#: nothing that is read here is nested so deep; what is deeper is dropped, as walking down there would end in an error
_DEEPEST = 100
#: what a text may have besides what is printed: a space of any width, and what only starts a new line or column
_LAYOUT = "\n\t"
#: what a spreadsheet takes for the start of a formula; it ignores white space before that
_FORMULA = ("=", "+", "-", "@")
_STARTS_A_CELL = ("\t", "\r", "\n")


def valid(text: str) -> str:
    """The text with U+FFFD for each half of a character; two halves that belong together become theirs."""
    return text if text.isascii() else text.encode(_UTF_16, "surrogatepass").decode(_UTF_16, "replace")


def valid_json(value: object, deepest: int = _DEEPEST) -> Any:  # noqa: ANN401 (any JSON)
    """The same of a value as JSON has it: of every text in it, and of every name."""
    match value:
        case str():
            return valid(value)
        case Mapping() | list() if deepest == 0:
            return None
        case Mapping():
            return {valid(str(name)): valid_json(each, deepest - 1) for name, each in value.items()}
        case list():
            return [valid_json(each, deepest - 1) for each in value]
        case _:
            return value


def visible(text: str) -> str:
    r"""The text with what nobody sees written out, as `\u202e`: it could turn a name around, or command a terminal."""
    return text if text.isprintable() else "".join(map(_visible, text))


def as_cell(text: str) -> str:
    """The text as a CSV cell, quoted where a spreadsheet would run it as a formula: anybody may name a machine.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    is_formula = text.lstrip().startswith(_FORMULA) or text.startswith(_STARTS_A_CELL)
    return f"'{text}" if is_formula else text


def _visible(character: str) -> str:
    if character.isprintable() or character in _LAYOUT:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    number = ord(character)
    return f"\\u{number:04x}" if number <= _LAST_OF_BMP else f"\\U{number:08x}"
