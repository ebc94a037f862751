"""As much of Azure Logic Apps as infra/bicep/messages uses: a workflow's run, from a call to what it posts.

The workflow definition language, and each of its functions:
https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language
https://learn.microsoft.com/azure/logic-apps/workflow-definition-language-functions-reference
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(-?\d+)|(\w+)(?=\()|(\?\[|[\[\](),]))")


def _first(found: Any) -> Any:
    return found[0] if found else None


def _coalesce(*values: Any) -> Any:
    return next((each for each in values if each is not None), None)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "coalesce": _coalesce,
    "decodeUriComponent": unquote,
    "empty": lambda value: not value,
    "equals": lambda one, other: one == other,
    "first": _first,
    "join": lambda values, separator: separator.join(map(_text, values)),
    "json": json.loads,
    "not": lambda value: not value,
    "take": lambda value, count: value[:count],
}


def _text(value: Any) -> str:
    """As a text within a text; null is nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


@dataclass
class Run:
    """One run of a workflow: its trigger's body, its parameters, and what its actions have made."""

    body: Any
    parameters: Mapping[str, Any]
    made: dict[str, Any] = field(default_factory=dict)
    item: Any = None

    def value(self, template: Any) -> Any:
        """A part of the definition, with its expressions worked out; what they give is not looked at again."""
        match template:
            case str():
                return self._of_text(template)
            case list():
                return [self.value(each) for each in template]
            case dict():
                return {name: self.value(each) for name, each in template.items()}
            case _:
                return template

    def _of_text(self, template: str) -> Any:
        if template.startswith("@") and not template.startswith(("@{", "@@")):
            return _Expression(template[1:], self).whole()
        parts = re.split(r"@\{(.*?)\}", template)
        return "".join(
            _text(_Expression(part, self).whole()) if number % 2 else part
            for number, part in enumerate(parts)
        )

    def each(self, values: Any, template: Any) -> list[tuple[Any, Any]]:
        """Each value with what the template makes of it."""
        made = []
        for self.item in values:
            made.append((self.item, self.value(template)))
        return made


class _Expression:
    """Reads one expression from left to right and works it out."""

    def __init__(self, text: str, run: Run) -> None:
        self._text = text
        self._at = 0
        self._run = run

    def whole(self) -> Any:
        found = self._value()
        if self._at != len(self._text):
            raise ValueError(f"{self._text!r} cannot be understood from {self._text[self._at :]!r} on")
        return found

    def _next(self) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise ValueError(f"{self._text!r} cannot be understood from {self._text[self._at :]!r} on")
        self._at = found.end()
        return found

    def _value(self) -> Any:
        token = self._next()
        if token[1] is not None:
            return token[1].replace("''", "'")
        if token[2] is not None:
            return int(token[2])
        found = self._called(token[3])
        while self._text.startswith("?[", self._at):
            self._next()
            key = self._value()
            self._next()
            found = self._member(found, key)
        return found

    @staticmethod
    def _member(found: Any, key: Any) -> Any:
        """`?[…]`: of null, and of what lacks it, null."""
        if isinstance(found, list):
            return found[key] if key < len(found) else None
        return None if found is None else found.get(key)

    def _called(self, name: str) -> Any:
        self._next()
        arguments: list[Any] = []
        while not self._text.startswith(")", self._at):
            arguments.append(self._value())
            if self._text.startswith(",", self._at):
                self._next()
        self._next()
        return self._of_run(name, arguments)

    def _of_run(self, name: str, arguments: list[Any]) -> Any:
        run = self._run
        match name:
            case "triggerBody":
                return run.body
            case "item":
                return run.item
            case "parameters":
                return run.parameters[arguments[0]]
            case "body" | "outputs":
                return run.made[arguments[0]]
            case _:
                return _FUNCTIONS[name](*arguments)


def posted(definition: Mapping[str, Any], call: Any, parameters: Mapping[str, Any]) -> Any:
    """What a workflow posts when it is called with a body; None where its trigger does not want it."""
    run = Run(call, parameters)
    [trigger] = definition["triggers"].values()
    if not all(run.value(each["expression"]) for each in trigger["conditions"]):
        return None
    done: list[str] = []
    for name, action in definition["actions"].items():
        assert list(action["runAfter"]) == done[-1:], f"{name} does not run after the one above it"
        run.made[name] = _ACTIONS[action["type"]](run, action["inputs"])
        done.append(name)
    return run.made[done[-1]]


_ACTIONS: Mapping[str, Callable[[Run, Any], Any]] = {
    "Compose": Run.value,
    "Query": lambda run, said: [
        item for item, fits in run.each(run.value(said["from"]), said["where"]) if fits
    ],
    "Select": lambda run, said: [made for _, made in run.each(run.value(said["from"]), said["select"])],
    "Http": Run.value,
}
