"""Texts as parts of a command that a person copies into a shell."""

import re
import shlex

#: nothing that sh or PowerShell reads as anything else
_PLAIN = re.compile(r"[\w./:=-]+")
#: PowerShell takes typographic quotes for plain ones
_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")


def quoted(text: str) -> str:
    """The text as one word of a command, in sh and in PowerShell; with a quote in it, in sh alone."""
    if _PLAIN.fullmatch(text):
        return text
    return shlex.quote(text) if _QUOTES.search(text) else f"'{text}'"
