"""Rows 2 and 10 to 12 of the policy, dry run and retention: what keeps a retry from starting now, or at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Decision, Outcome, Reason, Trigger, Wait
from backup_retry.domain.facts import Facts, ItemState
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Job, JobStatus
from backup_retry.domain.pauses import Pause
from backup_retry.domain.schedule import BackupPolicy, Daily
from backup_retry.domain.tags import OFF, Tag, Tags
from backup_retry.domain.workloads import Cap
from backup_retry.policy.decide import backup_request, decide
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.hours import Hours, Window
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import Names, Scope
from tests.builders import NOW, SUBSCRIPTION, attempt, failed, incident, item, job, minutes, protected, vault

HOUR = timedelta(hours=1)
NO_BACKOFF = Rules(backoff=(timedelta(0),), max_attempts=9)


def decision(
    opened: Incident | None = None,
    rules: Rules = NO_BACKOFF,
    state: ItemState | None = None,
    now: datetime = NOW,
    **context: object,
) -> Decision:
    facts = Facts(item=state or protected(), read_at=now)
    weighed = DecisionContext(
        incident=opened or incident(),
        facts=facts,
        rules=rules,
        now=now,
        **context,  # type: ignore[arg-type]
    )
    return decide(weighed)


def off(resource_id: str) -> Tags:
    return Tags(retry=(Tag(value=OFF, resource_id=resource_id),))


def test_nothing_keeps_this_case_from_being_retried() -> None:
    """The other tests change one thing each."""
    assert decision() == Trigger()


# ---- row 2 -------------------------------------------------------------------------------------------------


def test_an_item_outside_the_scope_is_left_alone() -> None:
    """With the setting's name, so that somebody can find out why."""
    rules = replace(NO_BACKOFF, scope=Scope(vaults=Names(patterns=("!vault-1",))))
    assert decision(rules=rules) == Close(
        outcome=Outcome.LEFT_ALONE,
        reason=Reason.OPTED_OUT,
        detail="Opted out: vault vault-1 is outside SCOPE_VAULTS.",
    )


def test_a_tagged_item_is_left_alone() -> None:
    """The detail names the tagged resource."""
    found = decision(tags=off("/subscriptions/s/resourcegroups/rg"))
    assert isinstance(found, Close)
    assert (found.outcome, found.reason) == (Outcome.LEFT_ALONE, Reason.OPTED_OUT)
    assert "/subscriptions/s/resourcegroups/rg is tagged backup-retry = off" in found.detail


def test_opting_out_counts_before_what_would_tell_a_person() -> None:
    """A restore of an opted-out item needs nobody's action here."""
    restore = incident(failure=failed(operation="Restore"))
    found = decision(restore, tags=off("/vault"))
    assert isinstance(found, Close)
    assert found.reason is Reason.OPTED_OUT


# ---- row 1, scoped -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pause", "holds"),
    [
        (Pause(by="ann", why="patching"), True),
        (Pause(by="ann", why="patching", scope=SUBSCRIPTION.upper()), True),
        (Pause(by="ann", why="patching", scope=vault().id.upper()), True),
        (Pause(by="ann", why="patching", scope=vault("vault-2").id), False),
        (Pause(by="ann", why="patching", until=NOW), False),
        (Pause(by="ann", why="patching", until=NOW + HOUR), True),
        (Pause(by="ann", why="a freeze", starts=NOW + minutes(1), until=NOW + HOUR), False),
        (Pause(by="ann", why="patching", starts=NOW, until=NOW + HOUR), True),
        (Pause(by="ann", why="patching", starts=NOW - HOUR, until=NOW), False),
    ],
)
def test_a_pause_holds_in_its_scope_from_its_start_until_its_end(pause: Pause, holds: bool) -> None:
    """Global, of a subscription or of a vault; one that has run out, or is only booked, holds nothing."""
    found = decision(pause=pause)
    assert isinstance(found, Wait) is holds
    if isinstance(found, Wait):
        assert found == Wait(until=pause.until or NOW, reason=Reason.PAUSED, detail="Paused by ann: patching")


# ---- row 10 ------------------------------------------------------------------------------------------------


def tried(*hours_ago: float, result: AttemptResult = AttemptResult.FAILED) -> Incident:
    """An incident whose item was triggered so many hours ago, by earlier incidents and, last, by this one."""
    *earlier, own = [NOW - timedelta(hours=each) for each in hours_ago]
    opened = incident(attempt(1, claimed_at=own, result=result, ended_at=own + HOUR / 2))
    return replace(opened, earlier_triggers=tuple(earlier))


def test_below_the_cap_the_item_is_retried() -> None:
    """Two triggers in 24 hours, three are allowed."""
    assert decision(tried(20, 1)) == Trigger()


def test_at_the_cap_the_item_waits_until_one_drops_out() -> None:
    """Three triggers, the oldest 20 h ago: it drops out in 4 h, and 15 min later whatever the clocks say."""
    assert decision(tried(20, 10, 1)) == Wait(
        until=NOW + timedelta(hours=4, minutes=15),
        reason=Reason.DAILY_CAP,
        detail="3 on-demand backups in 24 hours; the limit is 3.",
    )


def test_a_trigger_of_24_hours_and_a_few_minutes_ago_still_counts() -> None:
    """A worker whose clock is ten minutes ahead must not pass the cap."""
    assert isinstance(decision(tried(24.1, 10, 1)), Wait)
    assert decision(tried(24.3, 10, 1)) == Trigger()


def test_what_azure_put_off_does_not_count() -> None:
    """A throttled attempt started nothing."""
    assert decision(tried(20, 10, 1, result=AttemptResult.THROTTLED)) == Trigger()


def test_a_cap_of_nothing_never_lets_go() -> None:
    """An administrator may switch a workload's retries off that way."""
    found = decision(rules=replace(NO_BACKOFF, daily_caps={Cap.VM: 0}))
    assert isinstance(found, Wait)
    assert found.reason is Reason.DAILY_CAP


# ---- row 10, Azure's own limit -----------------------------------------------------------------------------

NIGHTLY = BackupPolicy(schedules={"": (Daily(times=(time(22),)),)})


def backups(*hours_ago: float, workload: str = "VM", on_demand: bool | None = None) -> list[Job]:
    """Backups that completed before the failure, so many hours before now (14:00)."""
    return [
        replace(
            job(
                f"by-hand-{each}", workload=workload, status=JobStatus.COMPLETED, started_at=NOW - each * HOUR
            ),
            on_demand=on_demand,
        )
        for each in hours_ago
    ]


def among(
    listed: Sequence[Job],
    policy: BackupPolicy | None = None,
    workload: str = "VM",
    opened: Incident | None = None,
) -> Decision:
    """What is decided about an item with such backups."""
    facts = Facts(item=replace(protected(), policy=policy), listed=listed, read_at=NOW)
    about = opened or incident(failure=failed(workload=workload))
    return decide(DecisionContext(incident=about, facts=facts, rules=NO_BACKOFF, now=NOW))


@pytest.mark.parametrize(
    ("workload", "by_hand", "waits"),
    [("VM", 8, False), ("VM", 9, True), ("AzureFileShare", 9, False), ("AzureFileShare", 10, True)],
)
def test_where_people_have_used_up_azures_limit_nothing_is_added(
    workload: str, by_hand: int, waits: bool
) -> None:
    """Nine a day of a VM, ten of a share: Azure would refuse the next one, whoever asks."""
    found = among(backups(*range(1, by_hand + 1), workload=workload), workload=workload)
    assert (found.reason is Reason.DAILY_CAP) is waits


def test_ours_and_a_persons_count_together() -> None:
    """Two of ours and seven by hand; the oldest drops out first. What ran more than a day ago counts no more."""
    listed = backups(26, 23, 22, 21, 20, 19, 18, 17, 5, 1)
    assert among(listed, opened=tried(5, 1)) == Wait(
        until=NOW + timedelta(hours=1, minutes=15),
        reason=Reason.DAILY_CAP,
        detail="9 on-demand backups in 24 hours, by this app and others; Azure allows 9.",
    )


@pytest.mark.parametrize(
    ("scheduled", "policy", "waits"),
    [
        # 22:00 is 16 hours ago: one backup within two hours after it is the schedule's own
        (15.9, NIGHTLY, False),
        (14.1, NIGHTLY, False),
        (13.5, NIGHTLY, True),
        (16.5, NIGHTLY, True),
        (15.9, None, True),
    ],
)
def test_what_the_schedule_started_is_not_on_demand(
    scheduled: float, policy: BackupPolicy | None, waits: bool
) -> None:
    """The list of a Recovery Services vault does not say; what no schedule explains counts as on demand."""
    found = among(backups(scheduled, *range(1, 9)), policy)
    assert (found.reason is Reason.DAILY_CAP) is waits


def test_a_run_of_the_schedule_explains_one_backup_only() -> None:
    """Somebody started another one within the same two hours."""
    assert among(backups(15.9, 15, *range(1, 8)), NIGHTLY) == Trigger()
    assert among(backups(15.9, 15, *range(1, 9)), NIGHTLY).reason is Reason.DAILY_CAP


@pytest.mark.parametrize(("on_demand", "waits"), [(True, True), (False, False)])
def test_a_backup_vault_says_who_started_a_backup(on_demand: bool, waits: bool) -> None:
    """Vaulted blobs: four on demand a day; no schedule is asked."""
    blobs = "Microsoft.Storage/storageAccounts/blobServices"
    found = among(backups(1, 2, 3, 4, workload=blobs, on_demand=on_demand), NIGHTLY, blobs)
    assert (found.reason is Reason.DAILY_CAP) is waits


def test_where_azure_names_no_limit_only_ours_count() -> None:
    """A database may be backed up as often as somebody likes."""
    assert among(backups(*range(1, 20), workload="SQLDataBase"), workload="SQLDataBase") == Trigger()


# ---- row 11 ------------------------------------------------------------------------------------------------


def scheduled(at: time) -> ItemState:
    return replace(protected(), policy=BackupPolicy(schedules={"": (Daily(times=(at,)),)}))


def test_an_items_own_schedule_goes_first() -> None:
    """It is 14:00, the schedule runs at 14:40: it is given an hour from then on."""
    assert decision(state=scheduled(time(14, 40))) == Wait(
        until=NOW + timedelta(hours=1, minutes=40),
        reason=Reason.SCHEDULE_NEAR,
        detail="The next scheduled backup starts at 14:40 UTC.",
    )


@pytest.mark.parametrize("at", [time(15, 1), time(13, 59), time(14, 0)])
def test_a_schedule_that_is_not_near_keeps_nothing_back(at: time) -> None:
    """The margin is an hour, and a run that has begun is no longer near."""
    assert decision(state=scheduled(at)) == Trigger()


def test_an_item_without_a_known_policy_is_retried() -> None:
    """What cannot be read keeps nothing back."""
    assert decision(state=protected()) == Trigger()


# ---- row 12 ------------------------------------------------------------------------------------------------


def test_outside_the_allowed_hours_the_item_waits_for_them() -> None:
    """Berlin's 20:00 is 19:00 UTC in November; it is 14:00 UTC."""
    hours = Hours(windows=(Window.parse("20:00-06:00"),), zone=ZoneInfo("Europe/Berlin"))
    assert decision(rules=replace(NO_BACKOFF, hours=hours)) == Wait(
        until=NOW + timedelta(hours=5),
        reason=Reason.OUTSIDE_HOURS,
        detail="Retries are allowed again from 19:00 UTC.",
    )
    assert decision(rules=replace(NO_BACKOFF, hours=hours), now=NOW + timedelta(hours=5)) == Trigger()


# ---- dry run, retention ------------------------------------------------------------------------------------


def test_a_dry_run_says_what_it_would_have_done() -> None:
    """And closes the incident, so that each failure is one line to read."""
    assert decision(rules=replace(NO_BACKOFF, dry_run=True)) == Close(
        outcome=Outcome.LEFT_ALONE,
        reason=Reason.DRY_RUN,
        detail="Dry run: a retry would have been started now.",
    )


def test_a_dry_run_changes_no_other_decision() -> None:
    """What would not be retried says why, as ever."""
    gone = decide(
        DecisionContext(
            incident=incident(), facts=Facts(item=None), rules=replace(NO_BACKOFF, dry_run=True), now=NOW
        )
    )
    assert isinstance(gone, Close)
    assert gone.reason is Reason.NOT_PROTECTED


@pytest.mark.parametrize(
    ("setting", "policys", "kept"),
    [
        (None, None, 30),
        (None, 45, 45),
        (None, 3, 7),
        (None, 20_000, 9999),
        (14, 45, 14),
        (1, None, 7),
    ],
)
def test_how_long_a_recovery_point_is_kept(setting: int | None, policys: int | None, kept: int) -> None:
    """The policy's retention unless set, within Azure's bounds of 7 and 9999 days; 30 where nothing is known.

    At the lower bound a quarter of an hour is added: Azure counts by its own clock.
    """
    daily = timedelta(days=policys) if policys else None
    state = replace(protected(), policy=BackupPolicy(base_retention=daily))
    rules = Rules(retention=timedelta(days=setting) if setting else None)
    context = DecisionContext(incident=incident(), facts=Facts(item=state), rules=rules, now=NOW)
    added = minutes(15) if kept == 7 else minutes(0)
    assert backup_request(context).keep_until == NOW + timedelta(days=kept) + added


def test_the_item_is_known_by_its_machine() -> None:
    """Group and id of the machine come from the container's name."""
    assert item(7).machine_id == (
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-app/providers/microsoft.compute/virtualmachines/vm-07"
    )
