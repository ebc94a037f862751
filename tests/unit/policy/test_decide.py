"""The policy: every row of the design, and what its decisions say."""

from datetime import datetime, timedelta

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason, Trigger, Wait
from backup_retry.domain.facts import Facts
from backup_retry.domain.jobs import Job, JobStatus
from backup_retry.domain.pauses import Pause
from backup_retry.policy.decide import decide
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.rules import Rules
from tests.builders import (
    ENDED,
    ITEM_IS_BUSY,
    LEFT_ALONE,
    NEEDS_PERSON,
    NOW,
    STARTED,
    UNKNOWN_CODE,
    failed,
    in_short,
    incident,
    job,
    minutes,
    protected,
)
from tests.decide_world import LATER, PAUSE, Example, context, ended, facts

TRIGGER = (Trigger, Reason.RETRY)
LEAVE = (Close, Reason.CANCELLED, Outcome.LEFT_ALONE)
NOT_PROTECTED = (Close, Reason.NOT_PROTECTED, Outcome.LEFT_ALONE)
PERSON = (Close, Reason.NEEDS_ACTION, Outcome.NEEDS_ACTION)
UNSUPPORTED = (Close, Reason.UNSUPPORTED, Outcome.NEEDS_ACTION)
EXHAUSTED = (Close, Reason.EXHAUSTED, Outcome.EXHAUSTED)
ELSEWHERE = (Close, Reason.ALREADY_RECOVERED, Outcome.RECOVERED_ELSEWHERE)
PASSING = (Wait, Reason.PASSING_STATE, NOW)
RUNNING = (Wait, Reason.IN_PROGRESS, NOW)


def change(operation: str, at: datetime, status: JobStatus = JobStatus.COMPLETED) -> Job:
    """A change of the item's protection, which took a minute."""
    return job(operation, operation=operation, status=status, started_at=at, ended_at=at + minutes(1))


def backoff(until: datetime) -> tuple[object, ...]:
    return (Wait, Reason.BACKOFF, until)


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        # ---- row 15, and the backoff of row 14: the failure ended at 13:50, it is 14:00
        pytest.param(Example(), TRIGGER, id="first-failure-at-once"),  # 13:50 + 0 = 13:50 <= 14:00
        pytest.param(
            Example(attempts=(ended(1, ENDED),)),
            backoff(ENDED + minutes(15)),  # 13:50 + 15 min = 14:05 > 14:00
            id="second-attempt-waits-15-minutes",
        ),
        pytest.param(
            Example(attempts=(ended(1, ENDED),), now=ENDED + minutes(15)),  # 14:05 <= 14:05
            TRIGGER,
            id="second-attempt-on-the-minute",
        ),
        pytest.param(
            Example(attempts=(ended(1, STARTED), ended(2, ENDED))),
            backoff(ENDED + minutes(60)),  # 13:50 + 60 min = 14:50 > 14:00
            id="third-attempt-waits-an-hour",
        ),
        pytest.param(
            Example(attempts=(ended(1, STARTED), ended(2, ENDED)), now=ENDED + minutes(60)),
            TRIGGER,  # two of three attempts spent
            id="third-attempt-after-an-hour",
        ),
        pytest.param(
            # the attempt was given up at 13:55, five minutes after the failure ended: 13:55 + 15 min = 14:10
            Example(attempts=(ended(1, ENDED + minutes(5), AttemptResult.NO_JOB),)),
            backoff(ENDED + minutes(20)),
            id="backoff-counts-from-the-end-of-the-attempt",
        ),
        pytest.param(
            Example(reason=Reason.THROTTLED, due=NOW + minutes(2)),
            (Wait, Reason.THROTTLED, NOW + minutes(2)),
            id="throttled-until-azure-said",
        ),
        pytest.param(Example(reason=Reason.THROTTLED, due=NOW), TRIGGER, id="throttled-until-now"),
        # ---- row 9: the limit is 3, 1 where the catalogue knows too little
        pytest.param(
            Example(attempts=(ended(1, STARTED), ended(2, STARTED), ended(3, ENDED))),
            EXHAUSTED,  # 3 of 3
            id="all-attempts-made",
        ),
        pytest.param(
            # 3 claims, of which one was throttled: 2 of 3 spent; 13:50 + 60 min = 14:50
            Example(
                attempts=(ended(1, STARTED), ended(2, STARTED, AttemptResult.THROTTLED), ended(3, ENDED))
            ),
            backoff(ENDED + minutes(60)),
            id="a-throttled-attempt-is-not-spent",
        ),
        pytest.param(
            Example(failure=failed(error=UNKNOWN_CODE)),
            TRIGGER,
            id="unknown-code-is-tried",  # 0 of 1
        ),
        pytest.param(
            Example(failure=failed(error=UNKNOWN_CODE), attempts=(ended(1, ENDED),)),
            EXHAUSTED,  # 1 of 1
            id="unknown-code-is-tried-once",
        ),
        pytest.param(Example(failure=failed(error=ITEM_IS_BUSY)), TRIGGER, id="busy-then-and-free-now"),
        # ---- Azure forgets a job after 14 days
        pytest.param(Example(now=ENDED + timedelta(days=14)), TRIGGER, id="14-days-old"),
        pytest.param(Example(now=ENDED + timedelta(days=14, seconds=1)), EXHAUSTED, id="older-than-14-days"),
        # ---- row 1
        pytest.param(Example(pause=PAUSE), (Wait, Reason.PAUSED, NOW), id="paused"),
        pytest.param(
            Example(pause=Pause(by="anna", why="a change", until=NOW + minutes(30))),
            (Wait, Reason.PAUSED, NOW + minutes(30)),
            id="paused-for-half-an-hour",
        ),
        pytest.param(
            Example(pause=Pause(by="anna", why="a change", until=NOW)), TRIGGER, id="pause-has-run-out"
        ),
        # ---- row 3
        pytest.param(Example(failure=failed(workload="MAB")), UNSUPPORTED, id="mars-agent"),
        pytest.param(Example(failure=failed(workload="DPM")), UNSUPPORTED, id="dpm"),
        pytest.param(Example(failure=failed(workload="SAPAseDatabase")), UNSUPPORTED, id="unknown-workload"),
        pytest.param(Example(failure=failed(operation="Restore")), UNSUPPORTED, id="restore"),
        pytest.param(
            Example(failure=failed(operation="ConfigureBackup")), UNSUPPORTED, id="configuration-job"
        ),
        pytest.param(Example(failure=failed(workload="vm")), TRIGGER, id="type-in-another-casing"),
        # ---- row 4
        pytest.param(Example(seen=Facts(read_at=NOW)), NOT_PROTECTED, id="vault-has-no-such-item"),
        pytest.param(Example(seen=facts(state=protected(deleted=True))), NOT_PROTECTED, id="soft-deleted"),
        pytest.param(
            Example(seen=facts(state=protected("ProtectionStopped"))), NOT_PROTECTED, id="protection-stopped"
        ),
        pytest.param(
            Example(seen=facts(state=protected("BackupsSuspended"))), NOT_PROTECTED, id="backups-suspended"
        ),
        pytest.param(
            Example(seen=facts(state=protected("ProtectionPaused"))), NOT_PROTECTED, id="protection-paused"
        ),
        pytest.param(Example(seen=facts(state=protected("IRPending"))), TRIGGER, id="first-backup-pending"),
        pytest.param(
            Example(failure=failed(error=""), seen=facts(state=protected("IRPending"))),
            PASSING,
            id="first-backup-pending-and-no-error",
        ),
        pytest.param(
            Example(seen=facts(state=protected("RetentionSchedulesSuspended"))),
            TRIGGER,
            id="only-retention-is-suspended",
        ),
        *(
            pytest.param(Example(seen=facts(state=protected(state))), PASSING, id=f"state-{state}")
            for state in (
                "UpdatingProtection",
                "ConfiguringProtection",
                "Invalid",
                "NotProtected",
                "NobodyKnows",
            )
        ),
        pytest.param(
            Example(seen=facts(state=protected("NobodyKnows")), now=ENDED + timedelta(days=14, seconds=1)),
            EXHAUSTED,
            id="no-state-is-waited-for-longer-than-14-days",
        ),
        pytest.param(
            Example(seen=facts(state=protected("ProtectionError"))), TRIGGER, id="protected-with-an-error"
        ),
        pytest.param(Example(seen=facts(change("DisableBackup", ENDED))), NOT_PROTECTED, id="stopped-since"),
        pytest.param(
            Example(seen=facts(change("DeleteBackupData", ENDED))), NOT_PROTECTED, id="data-deleted-since"
        ),
        pytest.param(
            # stopped while the backup still ran, which failed; set up again since: 13:20 < 13:50 < 14:00
            Example(seen=facts(change("ConfigureBackup", ENDED), change("DisableBackup", STARTED))),
            NOT_PROTECTED,
            id="stopped-and-set-up-anew-since",
        ),
        pytest.param(
            Example(
                seen=facts(
                    change("ConfigureBackup", ENDED),
                    change("ConfigureBackup", STARTED - timedelta(hours=1)),
                    change("DisableBackup", STARTED - timedelta(hours=2)),
                )
            ),
            TRIGGER,  # set up again before the failure, and edited since
            id="a-policy-was-edited-long-after-protection-was-set-up-anew",
        ),
        pytest.param(
            Example(seen=facts(change("ConfigureBackup", ENDED))),
            TRIGGER,  # somebody has edited the policy
            id="a-policy-was-edited-since",
        ),
        pytest.param(
            Example(seen=facts(change("ConfigureBackup", ENDED, JobStatus.FAILED))),
            TRIGGER,
            id="a-policy-could-not-be-applied",
        ),
        pytest.param(
            Example(seen=facts(change("DisableBackup", ENDED, JobStatus.FAILED))),
            TRIGGER,
            id="protection-could-not-be-stopped",
        ),
        pytest.param(
            Example(seen=facts(change("DisableBackup", STARTED))), TRIGGER, id="stopped-before-the-failure"
        ),
        # ---- row 5
        pytest.param(
            Example(seen=facts(job("good", status=JobStatus.COMPLETED, started_at=LATER))),
            ELSEWHERE,
            id="a-later-job-completed",
        ),
        pytest.param(
            Example(seen=facts(job("good", status=JobStatus.COMPLETED_WITH_WARNINGS, started_at=LATER))),
            ELSEWHERE,
            id="a-later-job-completed-with-warnings",
        ),
        pytest.param(
            Example(seen=facts(job("good", status=JobStatus.COMPLETED, started_at=STARTED - minutes(5)))),
            TRIGGER,
            id="an-earlier-job-completed",
        ),
        pytest.param(
            Example(seen=facts(job("r", operation="Restore", status=JobStatus.COMPLETED, started_at=LATER))),
            TRIGGER,
            id="a-later-restore-completed",
        ),
        pytest.param(
            # our own attempt, given up as NO_JOB, whose job came after all
            Example(
                attempts=(ended(1, ENDED, AttemptResult.NO_JOB),),
                seen=facts(
                    job("late", status=JobStatus.COMPLETED, started_at=LATER, activity_id="ATTEMPT-1")
                ),
            ),
            (Close, Reason.RETRY_SUCCEEDED, Outcome.RECOVERED),
            id="our-own-late-job-completed",
        ),
        # ---- row 6
        pytest.param(
            Example(seen=facts(job("now", status=JobStatus.IN_PROGRESS, started_at=LATER))),
            RUNNING,
            id="a-backup-is-running",
        ),
        pytest.param(
            Example(seen=facts(job("now", status=JobStatus.CANCELLING, started_at=LATER))),
            RUNNING,
            id="a-backup-is-being-cancelled",
        ),
        pytest.param(
            Example(seen=facts(job("now", status=JobStatus.UNKNOWN, started_at=LATER))),
            RUNNING,
            id="a-status-that-nobody-knows-is-no-end",
        ),
        pytest.param(
            Example(
                seen=facts(job("now", status=JobStatus.IN_PROGRESS, started_at=LATER)),
                now=ENDED + timedelta(days=14, seconds=1),
            ),
            EXHAUSTED,
            id="no-job-is-waited-for-longer-than-14-days",
        ),
        pytest.param(
            Example(seen=facts(job("now", status=JobStatus.IN_PROGRESS, started_at=STARTED - minutes(1)))),
            RUNNING,
            id="a-backup-that-began-before-the-failure-is-running",
        ),
        pytest.param(
            Example(
                seen=facts(job("r", operation="Restore", status=JobStatus.IN_PROGRESS, started_at=LATER))
            ),
            TRIGGER,
            id="a-restore-is-running",
        ),
        # ---- row 7
        pytest.param(Example(failure=failed(status=JobStatus.CANCELLED)), LEAVE, id="cancelled-by-a-person"),
        pytest.param(Example(failure=failed(error=LEFT_ALONE)), LEAVE, id="cancelled-by-its-code"),
        # ---- row 8
        pytest.param(Example(failure=failed(error=NEEDS_PERSON)), PERSON, id="code-needs-a-person"),
        pytest.param(
            Example(failure=failed(error=""), seen=facts(state=protected(kpi_title=NEEDS_PERSON))),
            PERSON,
            id="only-the-items-kpi-names-the-code",
        ),
    ],
)
def test_a_case_is_decided(example: Example, expected: tuple[object, ...]) -> None:
    """The whole policy as a table: what is known, and the decision with its reason code."""
    assert in_short(decide(example.context)) == expected


def test_a_code_that_wants_time_is_given_it_before_the_first_retry() -> None:
    """A storage location is ready an hour after the failure, not at once: 13:50 + 1 h."""
    failure = failed(
        error="UserErrorBackupStorageLocationNotReady", workload="Microsoft.ContainerService/managedClusters"
    )
    context = DecisionContext(
        incident=incident(failure=failure), facts=Facts(item=protected(), read_at=NOW), rules=Rules(), now=NOW
    )
    assert in_short(decide(context)) == backoff(ENDED + minutes(60))


def test_the_last_backoff_repeats() -> None:
    """More attempts than waits: attempt 3 waits as long as attempt 2."""
    rules = Rules(backoff=(timedelta(0), minutes(20)), max_attempts=5)
    opened = incident(ended(1, STARTED), ended(2, ENDED))

    decision = decide(DecisionContext(incident=opened, facts=facts(), rules=rules, now=NOW))

    # two attempts spent, waits are [0, 20]: the index stops at 1; 13:50 + 20 min = 14:10
    assert in_short(decision) == backoff(ENDED + minutes(20))


def test_a_throttled_second_attempt_comes_back_when_azure_said() -> None:
    """The backoff counts from the failure before it; a 429 in between is none and does not start it anew."""
    opened = incident(
        ended(1, ENDED),
        ended(2, ENDED + minutes(16), AttemptResult.THROTTLED),
        reason=Reason.THROTTLED,
        due=ENDED + minutes(17),
    )

    # 13:50 + 15 min = 14:05, throttled at 14:06 for one minute: 14:07 it is
    assert in_short(decide(context(opened, now=ENDED + minutes(17)))) == TRIGGER
