"""What became of a case: for programs as JSON, for a reader as a story."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backup_retry.domain.incident import Incident
from backup_retry.engine.unit_of_work import Report
from tests.cases.case import Json


@dataclass(kw_only=True)
class Account:
    """All that a case led to."""

    file: str
    what: str = ""
    #: texts of rejected bodies
    refused: list[str] = field(default_factory=list)
    #: why a signal led to nothing
    ignored: list[str] = field(default_factory=list)
    #: how many signals had to wait, each counted once
    deferred: int = 0
    decisions: list[Json] = field(default_factory=list)
    posts: list[Json] = field(default_factory=list)
    notices: Counter[str] = field(default_factory=Counter)
    incidents: list[Json] = field(default_factory=list)
    #: of sweep, follow-up and deferred signals, and of a webhook that did not take its alert
    problems: list[str] = field(default_factory=list)
    #: what of the file was not understood, and therefore not played
    unknown: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """Add a line to the story."""
        self.story.append(f"  {line}")

    def document(self) -> Json:
        """For programs: one object for each file."""
        return {
            "file": self.file,
            "refused": self.refused,
            "ignored": self.ignored,
            "deferred": self.deferred,
            "decisions": self.decisions,
            "posts": self.posts,
            "notices": dict(sorted(self.notices.items())),
            "incidents": self.incidents,
            "problems": self.problems,
        }

    def __str__(self) -> str:
        return "\n".join([f"=== {self.file}: {self.what}", *self.story, ""])


def decision_of(report: Report) -> Json:
    """A decision about one failed job, as a caller is told it."""
    return {
        "decision": report.decision,
        "reason": report.reason.value,
        "item": report.item_id,
        "detail": report.detail,
    }


def incident_of(incident: Incident) -> Json:
    """An item's latest incident as it stands."""
    return {
        "item": incident.item.id,
        "state": incident.state.value,
        "reason": incident.reason.value,
        "outcome": incident.outcome.value if incident.outcome else None,
        "attempts": len(incident.attempts),
        "detail": incident.detail,
    }


def decided(decision: Mapping[str, Any]) -> str:
    """A decision in a line."""
    return f"{decision['decision']}, {decision['reason']}: {_item(decision)}{_why(decision)}"


def stands(incident: Mapping[str, Any]) -> str:
    """An incident in a line."""
    state = "/".join(str(incident[key]) for key in ("state", "reason", "outcome") if incident[key])
    attempts = f", attempts: {incident['attempts']}" if incident["attempts"] else ""
    return f"{_item(incident)} {state}{attempts}{_why(incident)}"


def closing(account: Account, calls: Sequence[str]) -> Iterator[str]:
    """The story's last lines: what was started and what was told."""
    for post in account.posts:
        properties = (post["body"] or {}).get("properties", post["body"])
        yield f"backup started at {_short(post['at'])}: {_item({'item': post['path']})} {properties}"
    if not account.posts:
        yield "no backup was started"
    if account.notices:
        yield "notices: " + ", ".join(f"{kind} {number}" for kind, number in sorted(account.notices.items()))
    if calls:
        yield f"calls: {', '.join(calls)}"


def clock_line(at: datetime) -> str:
    """What the clock shows, above what happened then."""
    return f"{at:%d %b %H:%M}"


def _item(said: Mapping[str, Any]) -> str:
    name = str(said["item"]).removesuffix("/backup").rsplit("/", 1)[-1]
    return name or "nothing"


def _why(said: Mapping[str, Any]) -> str:
    return f" ({said['detail']})" if said["detail"] else ""


def _short(at: str) -> str:
    return clock_line(datetime.fromisoformat(at))
