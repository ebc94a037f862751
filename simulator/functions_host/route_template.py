"""Route templates of HTTP triggers: `jobs/{vault}/{job:int?}`, `files/{*rest}`.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#customize-the-http-endpoint
"""

import re

_PARAMETER = re.compile(r"\{(?P<all>\*?)(?P<name>\w+)(?::(?P<kind>\w+))?(?P<optional>\??)\}")
_KINDS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "guid": r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}",
    "alpha": r"[a-z]+",
    "bool": r"true|false",
}


class RouteTemplate:
    """A template, matched against whole paths without regard to case."""

    def __init__(self, template: str) -> None:
        segments = template.strip("/").split("/")
        pattern = "".join(map(_segment_pattern, segments))
        self._pattern = re.compile(rf"{pattern}/?", re.IGNORECASE)
        #: Sorts templates that could match the same path: literal text wins over parameters.
        self.precedence = tuple(segment.count("{") + segment.count("*") for segment in segments)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters' values, without those left out; None: another path."""
        match = self._pattern.fullmatch(path)
        if match is None:
            return None
        return {name: value for name, value in match.groupdict().items() if value is not None}


def _segment_pattern(segment: str) -> str:
    whole = _PARAMETER.fullmatch(segment)
    if whole and (whole["all"] or whole["optional"]):
        return f"(?:/{_parameter_pattern(whole)})?"
    literals = _PARAMETER.split(segment)[:: _PARAMETER.groups + 1]
    parameters = [_parameter_pattern(match) for match in _PARAMETER.finditer(segment)]
    parts = [part for pair in zip(map(re.escape, literals), [*parameters, ""], strict=True) for part in pair]
    return "/" + "".join(parts)


def _parameter_pattern(match: re.Match[str]) -> str:
    value = ".*" if match["all"] else _KINDS.get(match["kind"] or "", "[^/]+")
    return f"(?P<{match['name']}>{value})"
