"""The findings: for each recording and each endpoint full, partial or not served."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from simulator.arm.calls import Route
from tools.parity.differences import Difference

_GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers", re.IGNORECASE)


class Verdict(StrEnum):
    """How near the simulator is; an endpoint has the worst verdict of its recordings."""

    FULL = "full"
    PARTIAL = "partial"
    NOT_SERVED = "not served"
    NO_RECORDING = "no recording"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What came of one recording."""

    recording: str
    #: `GET …/backupJobs/{job}`, with the simulator's own names for what varies where it serves the operation.
    endpoint: str
    served: bool
    differences: tuple[Difference, ...] = ()
    #: Differences with a reason, each with it.
    explained: tuple[tuple[Difference, str], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Full where nothing differs without a reason."""
        if not self.served:
            return Verdict.NOT_SERVED
        return Verdict.PARTIAL if self.differences else Verdict.FULL


@dataclass(frozen=True, kw_only=True)
class Row:
    """An endpoint with its findings."""

    endpoint: str
    verdict: Verdict
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> list[str]:
        """The reasons of what differs, each once."""
        return list(dict.fromkeys(reason for each in self.findings for _, reason in each.explained))


def endpoint(method: str, template: str) -> str:
    """An operation, without the part of its path that all have in common."""
    return f"{method} {_GROUP.sub('…', template)}"


def rows(findings: Sequence[Finding], routes: Iterable[Route]) -> list[Row]:
    """All endpoints of the simulator, then the recorded operations that it does not serve."""
    served = dict.fromkeys(endpoint(route.method, route.template) for route in routes)
    recorded = dict.fromkeys(each.endpoint for each in findings)
    return [_row(name, findings) for name in served | recorded]


def _row(name: str, findings: Iterable[Finding]) -> Row:
    own = tuple(each for each in findings if each.endpoint == name)
    verdicts = {each.verdict for each in own}
    worst = next((each for each in reversed(Verdict) if each in verdicts), Verdict.NO_RECORDING)
    return Row(endpoint=name, verdict=worst, findings=own)


def as_json(table: Iterable[Row]) -> list[dict[str, Any]]:
    """The report as JSON."""
    return [
        {
            "endpoint": row.endpoint,
            "verdict": row.verdict,
            "recordings": [
                {
                    "name": each.recording,
                    "verdict": each.verdict,
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
