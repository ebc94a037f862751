"""The order of the policy's rows: which of two that apply counts, and which need no look at the vault."""

import pytest

from backup_retry.domain.decisions import Reason
from backup_retry.domain.facts import Facts
from backup_retry.domain.jobs import JobStatus
from backup_retry.policy.decide import decide, decide_early
from backup_retry.policy.decision_context import DecisionContext
from tests.builders import (
    ENDED,
    NEEDS_PERSON,
    NOW,
    STARTED,
    failed,
    incident,
    job,
    minutes,
    protected,
)
from tests.decide_world import LATER, PAUSE, RULES, Example, ended, facts


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        pytest.param(Example(pause=PAUSE, failure=failed(workload="MAB")), Reason.PAUSED, id="1-before-3"),
        pytest.param(
            Example(failure=failed(workload="MAB"), seen=Facts(read_at=NOW)),
            Reason.UNSUPPORTED,
            id="3-before-4",
        ),
        pytest.param(
            Example(
                seen=facts(
                    job("good", status=JobStatus.COMPLETED, started_at=LATER),
                    state=protected("ProtectionStopped"),
                )
            ),
            Reason.NOT_PROTECTED,
            id="4-before-5",
        ),
        pytest.param(
            Example(
                seen=facts(
                    job("now", status=JobStatus.IN_PROGRESS, started_at=LATER + minutes(9)),
                    job("good", status=JobStatus.COMPLETED, started_at=LATER),
                )
            ),
            Reason.ALREADY_RECOVERED,
            id="5-before-6",
        ),
        pytest.param(
            Example(
                failure=failed(status=JobStatus.CANCELLED),
                seen=facts(job("now", status=JobStatus.IN_PROGRESS, started_at=LATER)),
            ),
            Reason.IN_PROGRESS,
            id="6-before-7",
        ),
        pytest.param(
            Example(failure=failed(status=JobStatus.CANCELLED, error=NEEDS_PERSON)),
            Reason.CANCELLED,
            id="7-before-8",
        ),
        pytest.param(
            Example(
                failure=failed(error=NEEDS_PERSON),
                attempts=(ended(1, STARTED), ended(2, STARTED), ended(3, ENDED)),
            ),
            Reason.NEEDS_ACTION,
            id="8-before-9",
        ),
        pytest.param(
            Example(
                attempts=(ended(1, STARTED), ended(2, STARTED), ended(3, ENDED)),
                reason=Reason.THROTTLED,
                due=NOW + minutes(5),
            ),
            Reason.EXHAUSTED,
            id="9-before-14",
        ),
    ],
)
def test_the_earlier_row_wins(example: Example, reason: Reason) -> None:
    """Where two rows apply, the one that stands first in the design decides."""
    assert decide(example.context).reason == reason


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(Example(pause=PAUSE), id="paused"),
        pytest.param(Example(failure=failed(workload="MAB")), id="unsupported"),
    ],
)
def test_what_needs_no_look_at_the_vault_is_decided_before_it(example: Example) -> None:
    """Azure is not asked about a paused or unsupported incident: no facts are needed."""
    blind = DecisionContext(
        incident=example.context.incident, facts=Facts(), rules=RULES, now=NOW, pause=example.pause
    )

    assert decide_early(blind) == decide(example.context)


def test_an_ordinary_failure_is_not_decided_before_the_vault_was_asked() -> None:
    """Without facts the rows that need them stay silent; most of all, nothing is triggered blindly."""
    assert decide_early(DecisionContext(incident=incident(), facts=Facts(), rules=RULES, now=NOW)) is None
