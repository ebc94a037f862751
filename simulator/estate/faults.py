"""Faults that can be armed, each by its name: one class per fault.

A fault strikes calls or alerts whose *subject* its `match` is found in: `METHOD /path?query` of an ARM or
Resource Graph call, `<item id> <job name>` of an alert.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, overload

#: The codes of 5xx answers that are known; `html` is a page without one.
BREAKDOWNS = (
    "RestApiInternalError",
    "CloudInternalError",
    "InternalServerError",
    "html",
    "InvalidGatewayHost",
    "ServiceUnavailable",
    "ServerTimeout",
    "GatewayTimeout",
)


class FaultError(ValueError):
    """A fault's specification is wrong; the text says what is and what would be right."""


@dataclass(kw_only=True)
class Fault:
    """What all faults have: whom they strike and how often."""

    name: ClassVar[str]

    #: A regular expression, sought in the subject without regard to case; empty: every subject.
    match: str = ""
    #: The chance that a matching subject is struck.
    probability: float = 1.0
    #: How often it strikes before it is spent; None: without end.
    count: int | None = None
    #: How many matching subjects it lets pass first.
    skip: int = 0
    #: How often it has struck.
    struck: int = field(default=0, init=False)

    def hits(self, subject: str, dice: random.Random) -> bool:
        """Whether the fault strikes this subject now; if so, that is counted."""
        if self.count is not None and self.struck >= self.count:
            return False
        if not re.search(self.match, subject, re.IGNORECASE):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if dice.random() >= self.probability:
            return False
        self.struck += 1
        return True


@dataclass(kw_only=True)
class Latency(Fault):
    """The call is answered `seconds` later."""

    name = "latency"
    seconds: float = 1.0


@dataclass(kw_only=True)
class Throttle(Fault):
    """The call is refused with 429 and Retry-After."""

    name = "throttle"
    retry_after: int = 5
    #: Whether the hourly quota of a vault's reads is exhausted, and not the subscription's bucket.
    hourly: bool = False


@dataclass(kw_only=True)
class ServerError(Fault):
    """The call is refused with a 5xx status; nothing happens."""

    name = "server_error"
    status: int = 503
    #: The code of a recorded failure, which has a status of its own; None: what the status most often comes with.
    error: str | None = None
    #: Seconds in a Retry-After header; None: no such header.
    retry_after: int | None = None


@dataclass(kw_only=True)
class DropAnswer(Fault):
    """The call takes effect, then the connection dies without an answer."""

    name = "drop_answer"


@dataclass(kw_only=True)
class DropRequest(Fault):
    """The connection dies before the call takes effect."""

    name = "drop_request"


@dataclass(kw_only=True)
class ExpireToken(Fault):
    """The call is refused with 401, as if its token had expired."""

    name = "expire_token"


@dataclass(kw_only=True)
class Forbid(Fault):
    """The call is refused with 403, as if a role had been taken away."""

    name = "forbid"


@dataclass(kw_only=True)
class LoseSubscription(Fault):
    """The call is refused with 404, as if its subscription were gone or nobody let the app see it any more."""

    name = "lose_subscription"


@dataclass(kw_only=True)
class LoseAlert(Fault):
    """The alert is raised and reaches nobody."""

    name = "lose_alert"


@dataclass(kw_only=True)
class DuplicateAlert(Fault):
    """Every action group is told twice."""

    name = "duplicate_alert"


@dataclass(kw_only=True)
class DelayAlert(Fault):
    """The alert is raised `seconds` later."""

    name = "delay_alert"
    seconds: float = 5.0


@dataclass(kw_only=True)
class GraphLag(Fault):
    """Resource Graph shows the vaults as they were `seconds` ago."""

    name = "graph_lag"
    seconds: float = 60.0


FAULTS: Mapping[str, type[Fault]] = {
    kind.name: kind
    for kind in (
        Latency,
        Throttle,
        ServerError,
        DropAnswer,
        DropRequest,
        ExpireToken,
        Forbid,
        LoseSubscription,
        LoseAlert,
        DuplicateAlert,
        DelayAlert,
        GraphLag,
    )
}


class Faults:
    """The armed faults. Its dice are seeded, so that the same calls meet the same faults again."""

    def __init__(self, seed: int = 0) -> None:
        self.arm([], seed=seed)

    def arm(self, specs: Sequence[Mapping[str, Any]], seed: int = 0) -> None:
        """Replace the armed faults by those of `specs`.

        Raises:
            FaultError: a name or a parameter is unknown or has a wrong value; nothing was changed.
        """
        self._armed = [_fault(spec, index) for index, spec in enumerate(specs)]
        self._dice = random.Random(seed)

    @overload
    def strike(self, name: Literal["latency"], subject: str) -> Latency | None: ...
    @overload
    def strike(self, name: Literal["throttle"], subject: str) -> Throttle | None: ...
    @overload
    def strike(self, name: Literal["server_error"], subject: str) -> ServerError | None: ...
    @overload
    def strike(self, name: Literal["delay_alert"], subject: str) -> DelayAlert | None: ...
    @overload
    def strike(self, name: Literal["graph_lag"], subject: str) -> GraphLag | None: ...
    @overload
    def strike(self, name: str, subject: str) -> Fault | None: ...
    def strike(self, name: str, subject: str) -> Fault | None:
        """The first armed fault of that name that strikes the subject now."""
        armed = (fault for fault in self._armed if fault.name == name)
        return next((fault for fault in armed if fault.hits(subject, self._dice)), None)

    def specs(self) -> list[dict[str, Any]]:
        """The armed faults with how often each has struck, JSON-ready."""
        return [{"name": fault.name, **asdict(fault)} for fault in self._armed]


def _fault(spec: Mapping[str, Any], index: int) -> Fault:
    if not isinstance(spec, Mapping):
        raise FaultError(f"[{index}]: a fault is an object such as {{'name': 'latency', 'seconds': 2}}")
    kind = FAULTS.get(str(spec.get("name")))
    if kind is None:
        raise FaultError(f"[{index}].name: no fault {spec.get('name')!r}; known: {', '.join(FAULTS)}")
    parameters = {name: value for name, value in spec.items() if name not in {"name", "struck"}}
    known = {each.name: each for each in fields(kind) if each.init}
    for name, value in parameters.items():
        if name not in known:
            raise FaultError(
                f"[{index}].{name}: {kind.name} has no such parameter; known: {', '.join(known)}"
            )
        _check(value, known[name].type, f"[{index}].{name}")
    if parameters.get("error") not in {None, *BREAKDOWNS}:
        raise FaultError(f"[{index}].error: none of {', '.join(BREAKDOWNS)}")
    return kind(**parameters)


def _check(value: object, declared: object, where: str) -> None:
    """Refuse a value that is not of the field's declared type, or a regular expression that is none."""
    allowed = declared if declared is not float else int | float
    if isinstance(value, bool) and declared is bool:
        return
    if isinstance(value, bool) or not isinstance(value, allowed):  # type: ignore[arg-type]  # a type or a union
        raise FaultError(f"{where}: {value!r} is not of type {getattr(declared, '__name__', declared)}")
    if isinstance(value, str):
        try:
            re.compile(value)
        except re.error as error:
            raise FaultError(f"{where}: {value!r} is no regular expression: {error}") from error
