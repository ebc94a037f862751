"""Storms: one canary, and what the others do meanwhile."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.facts import OtherFailure, SimilarFailures
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import JobError
from backup_retry.policy.rules import Rules
from backup_retry.policy.storm import (
    Candidate,
    Move,
    Storm,
    StormReading,
    storm_key,
    weigh,
)
from tests.builders import ENDED, NOW, PASSES, STARTED, attempt, failed, incident, item, minutes, vault

CANARY = item(1)
RULES = Rules(storm_size=20, backoff=(timedelta(0), minutes(15), minutes(60)))


def failing(*groups: tuple[int, datetime]) -> SimilarFailures:
    """So many other items failed at the time of the last failure, and so many at that of the first one."""
    near = tuple(
        tuple(OtherFailure(item(number).id, at) for number in range(3, 3 + many)) for many, at in groups
    )
    return SimilarFailures(error=JobError(title=PASSES), ever=25, near=near)


MANY = failing((24, NOW))
#: fewer fail at this time than begin a storm
FEW = failing()


def storm(**changes: object) -> Storm:
    seen = Storm(
        vault=vault(),
        code=PASSES,
        began_at=ENDED,
        size=20,
        canary=CANARY,
        canary_incident="incident-of-1",
        led_at=ENDED,
        version="1",
    )
    return replace(seen, **changes)  # type: ignore[arg-type]


def move_of(
    incident: Incident,
    seen: Storm | None,
    canary: Incident | None = None,
    *,
    predecessor: Incident | None = None,
    similar: SimilarFailures = MANY,
    now: datetime = NOW,
    may_lead: bool = True,
) -> tuple[Move, Storm | None]:
    """What an item does, and the storm after it."""
    looked = StormReading(storm=seen, canary=canary, predecessor=predecessor) if seen else None
    candidate = Candidate(incident=incident, similar=similar, now=now, may_lead=may_lead)
    return weigh(looked, candidate, RULES)


def of_item(number: int, *attempts: AttemptResult) -> Incident:
    tried = [attempt(n, result=result, ended_at=NOW) for n, result in enumerate(attempts, 1)]
    opened = incident(*tried, failure=failed(f"job-{number}", of=item(number)))
    return replace(opened, id=f"incident-of-{number}")


def closed(number: int, outcome: Outcome) -> Incident:
    return of_item(number).closed(Close(outcome=outcome, reason=Reason.EXHAUSTED), NOW)


def test_the_first_one_becomes_the_canary_of_a_new_storm() -> None:
    """Nothing is known of a storm: somebody has to go first."""
    move, seen = move_of(of_item(2), None)
    assert seen is not None
    assert (move, seen.canary, seen.size, seen.code, seen.version) == (Move.LEAD, item(2), 25, PASSES, "")


def test_few_that_fail_alike_go() -> None:
    """Nothing is known of a storm, and nothing is written of one."""
    assert move_of(of_item(2), None, similar=FEW) == (Move.GO, None)


@pytest.mark.parametrize(
    ("canary", "move"),
    [
        (of_item(1), Move.HOLD),
        (of_item(1, AttemptResult.RUNNING), Move.HOLD),
        (of_item(1, AttemptResult.FAILED), Move.COUNT),
        (closed(1, Outcome.RECOVERED), Move.RELEASE),
        (closed(1, Outcome.RECOVERED_ELSEWHERE), Move.RELEASE),
        (closed(1, Outcome.EXHAUSTED), Move.LEAD),
        (closed(1, Outcome.LEFT_ALONE), Move.LEAD),
        (None, Move.LEAD),
        # a canary that waits for hours holds up nobody
        (replace(of_item(1), state=State.WAITING, due=NOW + timedelta(hours=3)), Move.LEAD),
    ],
)
def test_the_others_do_what_the_canary_says(canary: Incident | None, move: Move) -> None:
    """They hold while it is at work, go when it has recovered, and replace it when it ended otherwise."""
    assert move_of(of_item(2), storm(), canary)[0] is move


@pytest.mark.parametrize("similar", [MANY, FEW])
@pytest.mark.parametrize("number", [1, 2])
def test_nobody_goes_beside_the_canary_before(number: int, similar: SimilarFailures) -> None:
    """The canary has taken its place and waits itself, and so do the others, even where another one is to be found."""
    before = of_item(3, AttemptResult.RUNNING)
    given_up = of_item(1) if number == 1 else closed(1, Outcome.EXHAUSTED)
    seen = storm(predecessor=item(3))
    assert move_of(of_item(number), seen, given_up, predecessor=before, similar=similar) == (Move.HOLD, seen)


def test_whoever_takes_the_canarys_place_remembers_it() -> None:
    """Its claim may be stored a moment before the row says otherwise."""
    _, seen = move_of(of_item(2), storm(), closed(1, Outcome.EXHAUSTED))
    assert seen is not None
    assert (seen.canary, seen.canary_incident, seen.predecessor) == (item(2), "incident-of-2", CANARY)


def test_an_item_belongs_to_its_storm_until_that_is_released() -> None:
    """However few are left; what fails after the release, or after the canary has recovered, does not."""
    passed = ENDED - minutes(1)
    recovered = replace(closed(1, Outcome.RECOVERED), closed_at=passed)
    assert move_of(of_item(2), storm(), of_item(1), similar=FEW)[0] is Move.HOLD
    assert move_of(of_item(2), storm(released_at=passed), similar=FEW) == (Move.GO, None)
    assert move_of(of_item(2), storm(), recovered, similar=FEW) == (Move.GO, None)


def test_a_new_storm_does_not_begin_beside_the_last_ones_canary() -> None:
    """It recovered, failed again, and was retried before so many failed again that it is a storm."""
    passed = storm(released_at=STARTED - minutes(5))
    assert move_of(of_item(2), passed, of_item(1, AttemptResult.RUNNING))[0] is Move.HOLD


@pytest.mark.parametrize(
    ("seen", "canary", "predecessor", "may_go"),
    [
        (storm(), None, None, True),
        (storm(canary=item(2)), None, None, False),
        (storm(predecessor=item(3)), None, of_item(3, AttemptResult.RUNNING), False),
        (storm(predecessor=item(3)), None, of_item(3, AttemptResult.FAILED), True),
        (storm(), of_item(1, AttemptResult.RUNNING), None, True),  # its own claim
        (storm(canary=item(2), released_at=NOW), None, None, True),
    ],
)
def test_a_canary_looks_once_more_before_it_goes(
    seen: Storm, canary: Incident | None, predecessor: Incident | None, may_go: bool
) -> None:
    """Its claim is stored: it gives way to whoever took its place, and to the one whose place it took."""
    assert StormReading(storm=seen, canary=canary, predecessor=predecessor).still_leads(CANARY) is may_go


def test_canaries_that_wait_for_each_other_hold_up_nobody() -> None:
    """Each fails with the other's error by now: another item leads, once the canary has had time to store its start."""
    held = of_item(1).waiting(NOW, Reason.STORM)
    fresh = storm(led_at=NOW - minutes(9))
    assert move_of(of_item(2), fresh, held) == (Move.HOLD, fresh)
    move, seen = move_of(of_item(2), storm(led_at=NOW - minutes(10)), held)
    assert seen is not None
    assert (move, seen.canary, seen.led_at) == (Move.LEAD, item(2), NOW)


@pytest.mark.parametrize(
    "canary", [of_item(1), of_item(1, AttemptResult.FAILED), of_item(1).waiting(NOW, Reason.STORM)]
)
def test_the_canary_itself_goes_and_writes_that_each_time(canary: Incident) -> None:
    """Also with its second attempt, so that it cannot go beside one that is about to take its place."""
    told = storm(told=True, counted="attempt-1")
    assert move_of(canary, told, canary) == (
        Move.LEAD,
        replace(told, led_at=NOW, canary_incident="incident-of-1"),
    )


@pytest.mark.parametrize(("steps", "later"), [(0, 15), (1, 60), (2, 60), (9, 60)])
def test_each_attempt_that_failed_is_a_step_of_the_backoff(steps: int, later: float) -> None:
    """0, 15 and 60 minutes are set: after the first failure it is a quarter of an hour, then an hour each."""
    failed = of_item(1, AttemptResult.FAILED)
    move, seen = move_of(of_item(2), storm(steps=steps, told=True), failed)
    assert seen is not None
    assert (move, seen.steps, seen.counted, seen.due) == (
        Move.COUNT,
        steps + 1,
        "attempt-1",
        NOW + minutes(later),
    )
    assert move_of(of_item(3), seen, failed) == (Move.HOLD, seen)


def test_an_attempt_from_before_the_storm_is_no_step_of_it() -> None:
    """Nor is one that a person has cancelled."""
    led = storm(led_at=ENDED + minutes(1))
    assert move_of(of_item(2), led, of_item(1, AttemptResult.FAILED)) == (Move.HOLD, led)
    assert move_of(of_item(2), storm(), of_item(1, AttemptResult.CANCELLED)) == (Move.HOLD, storm())


def test_nobody_goes_before_the_step_is_due() -> None:
    """Neither the canary nor one that would take its place; afterwards one of them does."""
    waits = storm(steps=1, counted="attempt-1", told=True, due=NOW + minutes(1))
    failed = of_item(1, AttemptResult.FAILED)
    assert move_of(failed, waits, failed) == (Move.HOLD, waits)
    assert move_of(of_item(2), waits, closed(1, Outcome.LEFT_ALONE)) == (Move.HOLD, waits)
    assert move_of(failed, waits, failed, now=NOW + minutes(1))[0] is Move.LEAD


def test_an_item_without_an_attempt_to_spare_leads_nobody() -> None:
    """It waits as the others do, and one of them takes its place once the lease is over."""
    spent = of_item(1, AttemptResult.FAILED).waiting(NOW, Reason.STORM)
    seen = storm(steps=1, counted="attempt-1", told=True, due=NOW, led_at=NOW - minutes(10))
    assert move_of(spent, seen, spent, may_lead=False) == (Move.HOLD, seen)
    assert move_of(of_item(2), seen, spent)[0] is Move.LEAD


def test_a_storm_whose_attempts_fail_is_told_once() -> None:
    """Whoever stored that it tells it has ten minutes to do so; then another one does."""
    failed = of_item(1, AttemptResult.FAILED)
    counted = storm(steps=1, counted="attempt-1", due=NOW + minutes(60))
    move, telling = move_of(of_item(2), counted, failed)
    assert telling is not None
    assert (move, telling.telling_since, telling.told) == (Move.NOTIFY, NOW, False)
    assert move_of(of_item(3), telling, failed) == (Move.HOLD, telling)
    assert move_of(of_item(3), telling, failed, now=NOW + minutes(10))[0] is Move.NOTIFY
    told = replace(telling, told=True)
    assert move_of(of_item(3), told, failed, now=NOW + minutes(10)) == (Move.HOLD, told)


@pytest.mark.parametrize("may_lead", [True, False])
def test_after_a_day_a_storm_is_over_and_somebody_knows(may_lead: bool) -> None:
    """Nobody is retried any more; whoever failed before that needs a person."""
    day_old = storm(began_at=NOW - timedelta(hours=24), led_at=NOW - timedelta(hours=1))
    move, telling = move_of(of_item(2), day_old, of_item(1), may_lead=may_lead)
    assert move is Move.NOTIFY
    assert telling is not None
    told = replace(telling, told=True)
    assert move_of(of_item(2), told, of_item(1), may_lead=may_lead) == (Move.OVER, told)


def test_what_it_has_held_is_not_free_of_it_by_failing_again() -> None:
    """The next night's backup failed an hour after the storm was over: its item is still the storm's."""
    over = storm(began_at=ENDED - timedelta(hours=25), told=True)
    again = replace(of_item(2), first_failed_at=ENDED - timedelta(hours=20))
    assert move_of(again.waiting(NOW, Reason.STORM), over, similar=FEW)[0] is Move.OVER
    assert move_of(again, over, similar=FEW)[0] is Move.GO


def test_after_the_release_they_go_spread_out() -> None:
    """20 items, 2 s each: within 40 s of the release, each at a time of its own, the same on every worker."""
    released = storm(released_at=NOW)
    times = [released.goes_at(item(number)) for number in range(2, 22)]
    assert all(at is not None and NOW <= at < NOW + timedelta(seconds=40) for at in times)
    assert len(set(times)) == len(times)
    late = of_item(2)
    assert move_of(late, released, now=NOW + timedelta(seconds=40))[0] is Move.GO


@pytest.mark.parametrize("since", [18, 19])
@pytest.mark.parametrize(
    "seen", [storm(released_at=ENDED - minutes(1)), storm()], ids=["released", "recovered"]
)
def test_what_failed_before_the_storm_had_passed_begins_no_other_one(seen: Storm, since: int) -> None:
    """A retry or two that fail after it would make a second message about one cause; as many as a storm has are one."""
    recovered = replace(closed(1, Outcome.RECOVERED), closed_at=ENDED - minutes(1))
    similar = failing((since, ENDED), (24, ENDED - minutes(2)))
    move, begun = move_of(of_item(2), seen, recovered, similar=similar)
    assert (move, begun and begun.size) == ((Move.LEAD, 20) if since == 19 else (Move.GO, None))


def test_a_failure_after_the_storm_has_passed_begins_another_one() -> None:
    """An old storm's release is no leave for a new outage's failures."""
    passed = storm(released_at=STARTED - minutes(5))
    move, seen = move_of(of_item(2), passed, closed(1, Outcome.RECOVERED))
    assert seen is not None
    assert (move, seen.canary, seen.released_at, seen.version) == (Move.LEAD, item(2), None, "1")


def test_a_storm_has_one_key_whatever_the_casing() -> None:
    """Two workers that spell the vault differently write one row."""
    assert storm_key(vault("Vault-1"), PASSES) == storm_key(vault("vault-1"), PASSES.upper())


@pytest.mark.parametrize("stored", [None, replace(closed(1, Outcome.EXHAUSTED), id="an-earlier-incident")])
def test_a_canary_whose_incident_is_not_stored_yet_is_waited_for(stored: Incident | None) -> None:
    """The storm is stored first; within the lease, what the ledger has of the canary's item is of another time."""
    fresh = storm(led_at=NOW - minutes(9))
    assert move_of(of_item(2), fresh, stored) == (Move.HOLD, fresh)
    assert move_of(of_item(2), storm(led_at=NOW - minutes(10)), stored)[0] is Move.LEAD


def test_a_storm_that_nobody_released_is_over_after_a_day() -> None:
    """The same machines fail again: that is a storm of its own, and is told as one."""
    yesterday = storm(began_at=STARTED - minutes(1440), led_at=STARTED - minutes(1440))
    move, seen = move_of(of_item(2), yesterday)
    assert seen is not None
    assert (move, seen.began_at, seen.canary) == (Move.LEAD, NOW, item(2))
