"""A case's file: read, checked and put into one form, whoever wrote it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Json = dict[str, Any]

#: the keys of Azure Resource Manager's answers, by the kind of vault
PARTS = ("rsv", "dpp")
_OF_A_PART = frozenset({"jobs", "details", "items", "policies", "trigger", "missing_code", "fail"})
_OF_BOTH = frozenset({"about", "settings", "alerts", "events", "rows", "answers"})
_OF_A_STEP = _OF_BOTH | {"minutes", "hours", "days", "set", "jobs", "state", "sweep"}
_OF_A_CASE = _OF_BOTH | {"now", "advance", "parse_only", "notices", "calls", "finder", "tags"}


#: the id of a vault of either kind, at the beginning of whatever belongs to it
VAULT_ID = re.compile(
    r"/subscriptions/[^/\"]+/resourcegroups/[^/\"]+/providers"
    r"/(?:microsoft\.recoveryservices/vaults|microsoft\.dataprotection/backupvaults)/[\w-]+",
    re.IGNORECASE,
)


class NotACaseError(ValueError):
    """A file that cannot be played; the message says where and why."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens later."""

    after: timedelta
    #: jobs that change: {"job": its name, "properties": what is new of it}
    set: Sequence[Json] = ()
    #: jobs that appear, in the vault that their id names
    jobs: Sequence[Json] = ()
    #: the protection state that the vault's items are in from now on; "": as before
    state: str = ""
    alerts: Sequence[Any] = ()
    events: Sequence[Json] = ()
    #: what Resource Graph answers from now on; None: as before
    rows: Sequence[Json] | None = None
    sweeps: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: what Resource Manager answers from now on, by part: what is named is replaced
    parts: Mapping[str, Json] = field(default_factory=dict)
    answers: Sequence[Json] | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One situation."""

    file: str
    what: str
    now: datetime
    settings: Mapping[str, Any]
    alerts: Sequence[Any]
    events: Sequence[Json]
    #: what Resource Graph answers to the sweep; None: there is no sweep
    rows: Sequence[Json] | None
    parts: Mapping[str, Json]
    #: answers that go before those of the parts, see `resource_manager`
    answers: Sequence[Json]
    #: by a resource's ARM id, the ids of the items that protect it, beside what the items themselves say
    finder: Mapping[str, Sequence[str]]
    #: by a resource's ARM id, its tags
    tags: Mapping[str, Json]
    advance: Sequence[Step]
    parse_only: bool
    lists_calls: bool
    #: keys that are not understood, and therefore not played
    unknown: Sequence[str]


def read_case(path: Path) -> Case:
    """The case in a file.

    Raises:
        NotACaseError: it is none, or cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotACaseError(f"cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise NotACaseError(f"is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotACaseError(
            f"is no case: a case is a JSON object, this is {_kind(found)} (an export for `replay`?)"
        )
    if not found.keys() & {"alerts", "events", "rows", "advance"}:
        raise NotACaseError("is no case: nothing arrives (no alerts, events, rows or advance)")
    return _case(found, path.name)


def id_of(resource: Any) -> str:
    """A resource's id in small letters; "" for what is no resource."""
    return str(resource.get("id") or "").lower() if isinstance(resource, dict) else ""


def name_of(resource: Any) -> str:
    """A resource's name in small letters; "" for what is no resource."""
    return str(resource.get("name") or "").lower() if isinstance(resource, dict) else ""


def part_of(resource: Any, key: str = "properties") -> Json:
    """An object within another; an empty one where there is none."""
    found = resource.get(key) if isinstance(resource, dict) else None
    return found if isinstance(found, dict) else {}


def _case(found: Json, file: str) -> Case:
    about = found.get("about") or {}
    steps = [_step(each, f"advance[{number}]") for number, each in enumerate(_list(found, "advance"))]
    return Case(
        file=file,
        what=str(about.get("what", "")) if isinstance(about, Mapping) else str(about),
        now=_time(found.get("now", "2026-11-22T14:00:00+00:00")),
        settings=_object(found, "settings"),
        alerts=_list(found, "alerts"),
        events=_objects(found, "events"),
        rows=_objects(found, "rows") if "rows" in found else None,
        parts={name: _part(found, name, name) for name in PARTS},
        answers=_objects(found, "answers"),
        finder={resource: list(ids) for resource, ids in _object(found, "finder").items()},
        tags=_object(found, "tags"),
        advance=steps,
        parse_only=bool(found.get("parse_only")),
        lists_calls=bool(found.get("calls")),
        unknown=list(_unknown(found)),
    )


def _step(found: Any, where: str) -> Step:
    if not isinstance(found, dict):
        raise NotACaseError(f"{where} is {_kind(found)}; a step is a JSON object such as {{'minutes': 15}}")
    return Step(
        after=_duration(found, where),
        set=_changes(found, where),
        jobs=[_named(each, f"{where}.jobs") for each in _objects(found, "jobs", where)],
        state=str(found.get("state") or ""),
        alerts=_list(found, "alerts"),
        events=_objects(found, "events", where),
        rows=_objects(found, "rows", where) if "rows" in found else None,
        sweeps=bool(found.get("sweep", "rows" in found)),
        settings=_object(found, "settings", where),
        parts={name: _part(found, name, f"{where}.{name}") for name in PARTS if name in found},
        answers=_objects(found, "answers", where) if "answers" in found else None,
    )


def _duration(step: Json, where: str) -> timedelta:
    parts = {unit: step[unit] for unit in ("minutes", "hours", "days") if unit in step}
    if not all(isinstance(number, int | float) and number >= 0 for number in parts.values()):
        raise NotACaseError(f"{where}: {parts} is no time that passes: a number of minutes, 0 at least")
    return timedelta(**parts)


def _changes(step: Json, where: str) -> list[Json]:
    """Each change of a job: its name, and what is new of its properties."""
    changes = _objects(step, "set", where)
    for each in changes:
        if not each.get("job") or not isinstance(each.get("properties"), dict):
            raise NotACaseError(f'{where}.set takes objects {{"job": a job\'s name, "properties": {{…}}}}')
    return changes


def _part(found: Json, key: str, where: str) -> Json:
    """What one kind of vault answers; policies by their names, a trigger as a list of answers."""
    part = dict(_object(found, key))
    for name in part.keys() & {"jobs", "details", "items"}:
        part[name] = [_named(each, f"{where}.{name}") for each in _list(part, name)]
    if isinstance(part.get("policies"), list):
        part["policies"] = {str(each.get("name")): each for each in _objects(part, "policies", where)}
    if "trigger" in part:
        part["trigger"] = [_trigger(each, where) for each in _objects(part, "trigger", where)]
    return part


def _trigger(answer: Json, where: str) -> Json:
    if not isinstance(answer.get("status", 202), int):
        raise NotACaseError(f"{where}.trigger: status is {answer['status']!r}; it takes a number such as 202")
    if answer.get("job"):
        answer = {**answer, "job": _named(answer["job"], f"{where}.trigger.job")}
    return {"status": 202, **answer}


def _named(resource: Any, where: str) -> Any:
    """A resource with its name, which is the last part of its id; what is none is shown as it stands."""
    if not isinstance(resource, dict):
        return resource
    name = resource.get("name") or str(resource.get("id") or "").rsplit("/", 1)[-1]
    if not name:
        raise NotACaseError(f"{where}: one of them has neither an id nor a name")
    return {**resource, "name": name}


def _unknown(found: Json) -> Iterator[str]:
    """What is not understood; a key that begins with an underscore is a comment."""
    yield from _beyond(found, _OF_A_CASE, "")
    for number, step in enumerate(_list(found, "advance")):
        yield from _beyond(step, _OF_A_STEP, f"advance[{number}].")


def _beyond(found: Json, known: frozenset[str], where: str) -> Iterator[str]:
    for key, value in found.items():
        if key in PARTS:
            yield from (f"{where}{key}.{each}" for each in value or () if each not in _OF_A_PART)
        elif key not in known and not key.startswith("_"):
            yield f"{where}{key}"


def _list(found: Json, key: str) -> list[Any]:
    """What stands there; one alone counts as a list of one."""
    value = found.get(key)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _objects(found: Json, key: str, where: str = "") -> list[Json]:
    values = _list(found, key)
    for each in values:
        if not isinstance(each, dict):
            raise NotACaseError(f"{_path(where, key)} holds {_kind(each)}; it takes JSON objects")
    return values


def _object(found: Json, key: str, where: str = "") -> Json:
    value = found.get(key)
    if value is not None and not isinstance(value, dict):
        raise NotACaseError(f"{_path(where, key)} is {_kind(value)}; it takes a JSON object")
    return value or {}


def _time(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise NotACaseError(f"now is {text!r}; it takes a time such as 2026-11-22T14:00:00+00:00") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _kind(value: object) -> str:
    names = {list: "a list", dict: "an object", str: "a text", type(None): "null", bool: "true or false"}
    return names.get(type(value), "a number")
