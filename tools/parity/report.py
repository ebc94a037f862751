"""The findings: for each recording and each endpoint full, explained, differs or not served."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from simulator.arm.calls import Route
from tools.parity.differences import Difference

#: How many differences a line tells, and how much of each.
_MOST, _LONGEST = 5, 200
_GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers", re.IGNORECASE)


class Verdict(StrEnum):
    """How near the simulator is; an endpoint has the worst verdict of its recordings."""

    FULL = "full"
    EXPLAINED = "explained"
    DIFFERS = "differs"
    NOT_SERVED = "not served"
    NO_RECORDING = "no recording"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What came of one recording."""

    recording: str
    #: `GET …/backupJobs/{job}`, with the simulator's own names for what varies where it serves the operation; "": the
    #: file is no recording.
    endpoint: str = ""
    #: Why it is not served; "": it is.
    unserved: str = ""
    differences: tuple[Difference, ...] = ()
    #: Differences with a reason, each with it.
    explained: tuple[tuple[Difference, str], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Full where nothing differs."""
        if self.unserved:
            return Verdict.NOT_SERVED
        if self.differences:
            return Verdict.DIFFERS
        return Verdict.EXPLAINED if self.explained else Verdict.FULL

    @property
    def reasons(self) -> list[str]:
        """The reasons of what differs, each once."""
        return list(dict.fromkeys(why for _, why in self.explained))

    def __str__(self) -> str:
        told = {
            Verdict.DIFFERS: _told(self.differences),
            Verdict.EXPLAINED: " ".join(self.reasons),
            Verdict.NOT_SERVED: self.unserved,
        }.get(self.verdict)
        line = f"{self.recording}: {self.verdict}" + (f": {told}" if told else "")
        return re.sub(r"[\x00-\x1f\x7f]+", " ", line).encode(errors="backslashreplace").decode()


@dataclass(frozen=True, kw_only=True)
class Row:
    """An endpoint with its findings."""

    endpoint: str
    verdict: Verdict
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> list[str]:
        """The reasons of what differs, each once."""
        return list(dict.fromkeys(reason for each in self.findings for reason in each.reasons))


def _told(found: Sequence[Difference]) -> str:
    """The first differences, and how many there are besides; build/parity.json has all of each."""
    shown = [text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…" for text in map(str, found[:_MOST])]
    return "; ".join([*shown, *([f"and {len(found) - _MOST} more"] if len(found) > _MOST else [])])


def summary(findings: Sequence[Finding]) -> str:
    """How many recordings have which verdict."""
    counts = Counter(each.verdict for each in findings)
    return (
        f"{counts[Verdict.FULL]} full, {counts[Verdict.EXPLAINED]} explained, {counts[Verdict.DIFFERS]} differ, "
        f"{counts[Verdict.NOT_SERVED]} not served of {len(findings)}"
    )


def endpoint(method: str, template: str) -> str:
    """An operation, without the part of its path that all have in common."""
    return f"{method} {_GROUP.sub('…', template)}"


def rows(findings: Sequence[Finding], routes: Iterable[Route]) -> list[Row]:
    """All endpoints of the simulator, then the recorded operations that it does not serve, and what is none."""
    served = dict.fromkeys(endpoint(route.method, route.template) for route in routes)
    recorded = dict.fromkeys(each.endpoint for each in findings)
    return [_row(name, findings) for name in served | recorded]


def _row(name: str, findings: Iterable[Finding]) -> Row:
    own = tuple(each for each in findings if each.endpoint == name)
    verdicts = {each.verdict for each in own}
    worst = next((each for each in reversed(Verdict) if each in verdicts), Verdict.NO_RECORDING)
    return Row(endpoint=name, verdict=worst, findings=own)


def as_json(table: Iterable[Row]) -> list[dict[str, Any]]:
    """The report as JSON; files that are no recordings stand under the endpoint ""."""
    return [
        {
            "endpoint": row.endpoint,
            "verdict": row.verdict,
            "recordings": [
                {
                    "name": each.recording,
                    "verdict": each.verdict,
                    "not_served": each.unserved,
                    "differences": [str(one) for one in each.differences],
                    "explained": [
                        {"difference": str(one), "reason": reason} for one, reason in each.explained
                    ],
                }
                for each in row.findings
            ],
        }
        for row in table
    ]
