"""Whether a person has to approve a retry, and what else has a say."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.decisions import Close, Decision, Outcome, Reason, Trigger, Wait
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.tags import Tag, Tags
from backup_retry.policy.decide import decide
from tests.builders import ENDED, NEEDS_PERSON, NOW, failed, incident, item, job, minutes, vault
from tests.decide_world import LATER, PAUSE, RULES, Example, context, facts

DAY = timedelta(hours=24)
ASKS = Tags(retry=(Tag(value="ask", resource_id=vault().key),))
ASKING = replace(RULES, asks_first=True)


def asked(
    example: Example | None = None, *, at: datetime | None = None, by: str = "", dry_run: bool = False
) -> Decision:
    """What is decided where a person was asked then, and has answered or not."""
    weighed = (example or Example()).context
    opened = replace(weighed.incident, asked_at=at, approved_by=by)
    return decide(replace(weighed, incident=opened, tags=ASKS, rules=replace(RULES, dry_run=dry_run)))


def test_a_retry_waits_for_a_person_where_the_tag_or_the_setting_says_so() -> None:
    """The detail names who says so, what to type, and until when; every follow-up looks again."""
    for weighed in (replace(context(), tags=ASKS), replace(context(), rules=ASKING)):
        found = decide(weighed)
        assert isinstance(found, Wait)
        assert (found.until, found.reason, found.notice_name) == (NOW, Reason.APPROVAL, "approval")
        assert f"at {NOW + DAY:%Y-%m-%d %H:%M} UTC" in found.detail
        assert 'backup-retry approve "vm-01"' in found.detail
    assert "RETRY_MODE is ask" in found.detail
    assert f"{vault().key} is tagged backup-retry = ask" in decide(replace(context(), tags=ASKS)).detail


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        pytest.param(Example(pause=PAUSE), Reason.PAUSED, id="paused"),
        pytest.param(Example(failure=failed(workload="MAB")), Reason.UNSUPPORTED, id="unsupported"),
        pytest.param(Example(failure=failed(error=NEEDS_PERSON)), Reason.NEEDS_ACTION, id="needs-person"),
        pytest.param(
            Example(seen=facts(job("ok", status=JobStatus.COMPLETED, started_at=LATER))),
            Reason.ALREADY_RECOVERED,
            id="recovered",
        ),
        pytest.param(
            Example(seen=facts(job("on", status=JobStatus.IN_PROGRESS, started_at=LATER))),
            Reason.IN_PROGRESS,
            id="running",
        ),
    ],
)
def test_nobody_is_asked_where_no_retry_would_be_made(example: Example, reason: Reason) -> None:
    """Whether or not somebody was asked before."""
    assert asked(example).reason is reason
    assert asked(example, at=NOW - DAY).reason is reason


@pytest.mark.parametrize(
    ("hours", "by", "expected"),
    [
        (23.9, "", (Wait, Reason.APPROVAL)),
        (24, "", (Close, Reason.APPROVAL)),
        (23.9, "eve", (Trigger, Reason.RETRY)),
        (24, "eve", (Trigger, Reason.RETRY)),
    ],
)
def test_an_answer_is_waited_for_a_day(hours: float, by: str, expected: tuple[type, Reason]) -> None:
    """Without one it ends with a person who has to act; an approval does not run out."""
    found = asked(at=NOW - minutes(60 * hours), by=by)
    assert (type(found), found.reason) == expected
    if isinstance(found, Close):
        assert found.outcome is Outcome.NEEDS_ACTION


def test_a_rehearsal_asks_nobody() -> None:
    """With DRY_RUN an approval would lead nowhere."""
    assert asked(dry_run=True).reason is Reason.DRY_RUN


def test_an_approved_retry_obeys_the_other_rules() -> None:
    """A backoff, for one: approval is no command."""
    opened = replace(incident(first_failed_at=ENDED), asked_at=NOW, approved_by="eve")
    rules = replace(RULES, backoff=(timedelta(hours=1),))
    assert decide(replace(context(opened), tags=ASKS, rules=rules)).reason is Reason.BACKOFF


@pytest.mark.parametrize("name", ['vm"; reboot', "$(reboot)", "`id`", "%PATH%", "--yes", "“x”", "a!b"])
def test_an_odd_name_is_no_part_of_a_command(name: str) -> None:
    """The commands that people copy name the incident by its id then."""
    odd = replace(item(), name=f"VM;{name}")
    found = decide(replace(Example(failure=failed(of=odd)).context, tags=ASKS))
    assert 'backup-retry approve "incident-1" approves it' in found.detail
    assert f'"{name}"' not in found.detail
