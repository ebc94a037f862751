"""What kind of text a text is: a time, a GUID, a resource's id, a word of the service's own."""

import re
from urllib.parse import parse_qsl, urlsplit

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

#: The first that matches the whole text names it.
_FORMS = {
    "empty": r"",
    "HTML page": r"(?is)<!doctype html.*",
    "unset time without Z": r"0001-01-01T00:00:00",
    "unset time": r"0001-01-01T00:00:00Z",
    "unset time with decimals": r"0001-01-01T00:00:00\.0+Z",
    "time in whole seconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "time with a padded fraction": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d*0Z",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,7}Z",
    "repeating interval": r"R/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00/P\w+",
    "ISO duration": r"P(?=.)(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:[\d.]+S)?)?",
    "time span": r"(?:\d+\.)?\d\d:\d\d:\d\d(?:\.\d+)?",
    "unset time span": r"-10675199\.02:48:05\.4775808",
    "time of the portal": r"\d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M",
    "etag of a time": r"W/\"datetime'[\dT%A.-]+Z'\"",
    "GUID": _GUID,
    "name with a GUID": rf".+-{_GUID}",
    "32 hex digits": r"[0-9a-f]{32}",
    "number": r"\d+(?:\.\d+)?",
    "size": r"\d+ MB",
    "duration of a query": r"0:\d\d:\d\d:\d\d\.\d+",
    "base64": r"[A-Za-z0-9+/]{40,}={0,2}",
    "word": r"[A-Za-z][A-Za-z0-9]*",
}
_PATTERNS = {form: re.compile(pattern) for form, pattern in _FORMS.items()}
#: Texts of these forms have to say the same.
LITERAL = frozenset({"word", "text", "empty"})


def form(text: str) -> str:
    """The form of a text; ids and addresses are their own patterns, with `*` for each name."""
    if re.match(r"/(subscriptions|providers|tenants)/", text, re.IGNORECASE):
        return _resource(text)
    if text.startswith("https://"):
        return _address(text)
    return next((name for name, pattern in _PATTERNS.items() if pattern.fullmatch(text)), "text")


def _resource(text: str) -> str:
    """`/subscriptions/*/resourceGroups/*/…`: the casing of all but the names counts."""
    parts, shown, is_name = text.strip("/").split("/"), [], False
    for part in parts:
        shown.append(_name(part) if is_name else part)
        is_name = not is_name and part.lower() != "providers"
        if shown[-2:-1] and shown[-2].lower() == "providers":
            is_name = False
    return "/" + "/".join(shown)


def _name(text: str) -> str:
    """`VM;*;*`: names of items begin with what they are."""
    first, *others = text.split(";")
    return ";".join([first] + ["*"] * len(others)) if others else "*"


def _address(text: str) -> str:
    """An address with the names of its query's parts, in their order; whose it is does not matter."""
    address = urlsplit(text)
    names = "&".join(name for name, _ in parse_qsl(address.query))
    return f"https://*{form(address.path)}?{names}"
