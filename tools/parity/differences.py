"""In what two answers differ: keys, kinds of values, forms of texts, and the words that are the service's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.parity.forms import LITERAL, form
from tools.parity.recordings import Reply

#: Numbers that mean something by themselves.
_CODES = frozenset({"errorCode", "code", "taskId"})
#: Headers that say how the connection was used, or that the recordings were stripped of here and there.
_TRANSPORT = frozenset(
    {
        "content-length",
        "x-ms-client-request-id",
        "x-ms-operation-identifier",
        "x-ms-request-id",
        "x-ms-throttling-version",
    }
)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One difference."""

    #: `body.value[].properties.status`, `header.location` or `status`.
    where: str
    #: `missing` (not simulated), `extra` (not recorded), or what differs: `type`, `form`, `value`, `length`; `problem`:
    #: the call could not be made.
    kind: str
    recorded: str = ""
    simulated: str = ""

    def __str__(self) -> str:
        if self.kind in {"missing", "extra"}:
            return f"{self.where} {self.kind}"
        if self.kind == "problem":
            return f"{self.where} could not be set: {self.recorded}"
        return f"{self.where} {self.kind}: {self.recorded} recorded, {self.simulated} simulated"


def differences(recorded: Reply, simulated: Reply) -> list[Difference]:
    """All differences, each once. Headers that were not recorded are none: the recordings are stripped of many."""
    found = [*_scalars("status", recorded.status, simulated.status)]
    for name, value in recorded.headers.items():
        if name not in _TRANSPORT:
            found += _header(name, value, simulated.headers.get(name))
    found += _values("body", recorded.body, simulated.body)
    return list(dict.fromkeys(found))


def _header(name: str, recorded: str, simulated: str | None) -> Iterator[Difference]:
    where = f"header.{name}"
    if simulated is None:
        yield Difference(where=where, kind="missing")
    elif name == "content-type":
        yield from _values(where, recorded.partition(";")[0], simulated.partition(";")[0])
    else:
        yield from _values(where, recorded, simulated)


def _values(where: str, recorded: object, simulated: object) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(simulated, dict):
        yield from _objects(where, recorded, simulated)
    elif isinstance(recorded, list) and isinstance(simulated, list):
        yield from _lists(where, recorded, simulated)
    elif _type(recorded) != _type(simulated):
        yield Difference(where=where, kind="type", recorded=_type(recorded), simulated=_type(simulated))
    elif isinstance(recorded, str) and isinstance(simulated, str):
        yield from _texts(where, recorded, simulated)
    elif isinstance(recorded, bool) or where.rpartition(".")[2] in _CODES:
        yield from _scalars(where, recorded, simulated)


def _objects(
    where: str, recorded: Mapping[str, object], simulated: Mapping[str, object]
) -> Iterator[Difference]:
    for key, value in recorded.items():
        if key in simulated:
            yield from _values(f"{where}.{key}", value, simulated[key])
        else:
            yield Difference(where=f"{where}.{key}", kind="missing")
    for key in simulated:
        if key not in recorded:
            yield Difference(where=f"{where}.{key}", kind="extra")


def _lists(where: str, recorded: Sequence[object], simulated: Sequence[object]) -> Iterator[Difference]:
    """Entry by entry: another order shows as other values."""
    if len(recorded) != len(simulated):
        yield Difference(
            where=where, kind="length", recorded=str(len(recorded)), simulated=str(len(simulated))
        )
    for one, other in zip(recorded, simulated, strict=False):
        yield from _values(f"{where}[]", one, other)


def _texts(where: str, recorded: str, simulated: str) -> Iterator[Difference]:
    forms = form(recorded), form(simulated)
    if LITERAL.issuperset(forms):
        yield from _scalars(where, recorded, simulated)
    elif forms[0] != forms[1]:
        yield Difference(where=where, kind="form", recorded=forms[0], simulated=forms[1])


def _scalars(where: str, recorded: object, simulated: object) -> Iterator[Difference]:
    if recorded != simulated:
        yield Difference(where=where, kind="value", recorded=repr(recorded), simulated=repr(simulated))


def _type(value: object) -> str:
    return "null" if value is None else type(value).__name__
