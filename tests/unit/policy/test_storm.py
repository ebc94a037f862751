"""Storms: one canary, and what the others do meanwhile."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.facts import SimilarFailures
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import Job, JobError
from backup_retry.policy.storm import Move, Storm, StormReading, similar_failures, storm_key, weigh
from tests.builders import ENDED, NOW, PASSES, STARTED, attempt, failed, incident, item, job, minutes, vault

WINDOW = timedelta(minutes=30)
CANARY = item(1)
SIZE = 20
MANY = SimilarFailures(error=JobError(title=PASSES), items=25, ever=25)
#: fewer fail at this time than begin a storm
FEW = SimilarFailures(error=JobError(title=PASSES), items=1, ever=25)


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
) -> tuple[Move, Storm | None]:
    """What an item does, and the storm after it."""
    looked = StormReading(storm=seen, canary=canary, predecessor=predecessor) if seen else None
    return weigh(looked, incident, similar, SIZE, now)


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
        (of_item(1, AttemptResult.FAILED), Move.NOTIFY),
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
    told = storm(told=True)
    assert move_of(canary, told, canary) == (
        Move.LEAD,
        replace(told, led_at=NOW, canary_incident="incident-of-1"),
    )


def test_a_failed_canary_is_told_once() -> None:
    """Whoever stored `told` first has told it."""
    move, seen = move_of(of_item(2), storm(), of_item(1, AttemptResult.FAILED))
    assert seen is not None
    assert (move, seen.told) == (Move.NOTIFY, True)
    assert move_of(of_item(3), seen, of_item(1, AttemptResult.FAILED)) == (Move.HOLD, seen)


def test_after_the_release_they_go_spread_out() -> None:
    """20 items, 2 s each: within 40 s of the release, each at a time of its own, the same on every worker."""
    released = storm(released_at=NOW)
    times = [released.goes_at(item(number)) for number in range(2, 22)]
    assert all(at is not None and NOW <= at < NOW + timedelta(seconds=40) for at in times)
    assert len(set(times)) == len(times)
    late = of_item(2)
    assert move_of(late, released, now=NOW + timedelta(seconds=40))[0] is Move.GO


def test_a_failure_after_the_storm_has_passed_begins_another_one() -> None:
    """An old storm's release is no leave for a new outage's failures."""
    passed = storm(released_at=STARTED - minutes(5))
    move, seen = move_of(of_item(2), passed, closed(1, Outcome.RECOVERED))
    assert seen is not None
    assert (move, seen.canary, seen.released_at, seen.version) == (Move.LEAD, item(2), None, "1")


def test_items_that_fail_alike_are_counted_once_each() -> None:
    """Same vault, same code, same half hour; other codes, successes and other times do not count."""
    jobs = [job(f"job-{n}", of=item(n), started_at=STARTED + minutes(n)) for n in range(2, 7)]
    jobs += [
        job("again", of=item(2), started_at=STARTED + minutes(9)),
        job("other", of=item(8), error="Another"),
        job("early", of=item(9), started_at=STARTED - minutes(31)),
    ]
    similar = similar_failures(jobs, of_item(1), WINDOW)
    assert (similar.items, similar.ever, similar.error.label) == (6, 7, PASSES)


def called_after(node: str, name: str) -> Job:
    """A failed job of a database that its node calls after itself."""
    stand_in = ProtectedItem(vault=vault(), container=f"Unlisted;SQLDataBase;{node}", name=name)
    return replace(job(node, of=stand_in), entity_name=f"{name} [{node}]")


@pytest.mark.parametrize(
    ("others", "items"),
    [
        pytest.param([called_after("node-1", "db"), called_after("node-2", "db")], 2, id="of one database"),
        pytest.param([called_after("node-1", "db"), called_after("node-1", "other")], 3, id="of two"),
        pytest.param(
            [called_after("node-1", "vm-02"), job("own", of=item(2))], 2, id="of an item that is listed"
        ),
        pytest.param([called_after("node-1", "vm-01")], 1, id="of the incident's own, perhaps"),
    ],
)
def test_an_item_whose_nodes_have_failed_counts_once(others: list[Job], items: int) -> None:
    """Else three databases of one availability group were a storm of six, which no other item sees."""
    assert similar_failures([job(), *others], of_item(1), WINDOW).items == items


def test_what_fails_at_once_is_a_storm_whenever_it_began() -> None:
    """25 backups that began over two hours and ended in one second."""
    jobs = [
        job(f"job-{n}", of=item(n), started_at=ENDED - minutes(5 * n), ended_at=ENDED) for n in range(1, 26)
    ]
    assert similar_failures(jobs, of_item(1), WINDOW).items == 25


def test_failures_are_simultaneous_by_their_ends() -> None:
    """Azure starts a schedule's backups over two hours; what breaks them breaks them at one time."""
    spread = [
        job(f"job-{n}", of=item(n), started_at=STARTED - minutes(n * 20), ended_at=ENDED) for n in range(2, 7)
    ]
    later = [job(f"job-{n}", of=item(n), ended_at=ENDED + minutes(31)) for n in range(7, 12)]
    assert similar_failures([*spread, *later], of_item(1), WINDOW).items == 6


def test_an_items_own_failure_counts_once_whatever_its_job_is_called() -> None:
    """The list has it under another item's name, and an own retry of the item as well."""
    renamed = replace(of_item(1), attempts=(attempt(1, job_id="retry", result=AttemptResult.FAILED),))
    jobs = [job("job-1", of=item(50)), job("retry", of=item(51)), job("job-2", of=item(2))]
    assert similar_failures(jobs, renamed, WINDOW).items == 2


def test_a_failed_retry_is_no_way_out_of_a_storm() -> None:
    """The newest failure is the retry's own, an hour later; the first one was among the storm's."""
    jobs = [job(f"job-{n}", of=item(n)) for n in range(2, 30)]
    newest = failed("retry", of=item(1), started_at=STARTED + minutes(60))
    later = replace(of_item(1), failure=newest)
    assert similar_failures(jobs, later, WINDOW).items == 29


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


def test_a_refused_trigger_is_no_way_out_of_a_storm() -> None:
    """Azure refused the retry with a code of its own; the machine's job failed with the others' code."""
    jobs = [job(f"job-{n}", of=item(n)) for n in range(1, 30)]
    refused = failed("job-1", of=item(1), error="CloudTimeoutError")
    similar = similar_failures(jobs, replace(of_item(1), failure=refused), WINDOW)
    assert (similar.items, similar.error.label) == (29, PASSES)
