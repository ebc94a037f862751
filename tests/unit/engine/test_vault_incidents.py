"""Vaults that answer 403 or 404: their items wait, a person is told once, and nothing is lost meanwhile."""

from datetime import timedelta

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import (
    AzureRefused,
    AzureUnavailable,
    BackupRetryError,
    Forbidden,
    NotFound,
    Service,
)
from backup_retry.domain.jobs import Source
from backup_retry.engine.vault_incidents import whole
from tests.builders import item, minutes, vault
from tests.world import World

NO_ROLE = Forbidden("jobs of vault vault-1: 403 AuthorizationFailed", code="AuthorizationFailed", status=403)
#: what Azure Resource Manager answers for things that may well exist, and a gateway's page of HTML
NOT_THERE = [
    NotFound("404", code=code, status=404)
    for code in ("SubscriptionNotFound", "ResourceGroupNotFound", "ResourceNotFound", "")
]
ON = ("NeedsPerson", "vault-1")
VAULT = whole(vault())


def codes(error: AzureRefused) -> str:
    """An error as a test's id."""
    return error.code or "no-code"


async def test_a_missing_right_is_told_once_for_all_items_of_a_vault(world: World) -> None:
    """Each failure is stored and waits; only the vault's own incident calls a person."""
    world.vaults.read_error = NO_ROLE
    for number in (1, 2, 3):
        report = await world.handle(world.fails(f"job-{number}", of=item(number)))
        assert (report.decision, report.reason) == ("waiting", Reason.NO_PERMISSION)

    await world.follow_up(minutes=5)

    incident = await world.vault_incident()
    assert incident is not None
    assert (incident.reason, incident.failure.operation, incident.item.id) == (
        Reason.NO_PERMISSION,
        "no_permission",
        vault().id,
    )
    assert "Backup Operator" in incident.detail
    assert world.sent_notices == [ON]


@pytest.mark.parametrize("error", NOT_THERE, ids=codes)
async def test_a_vault_that_is_not_found_is_waited_for_and_then_told_of(
    world: World, error: NotFound
) -> None:
    """Azure Resource Manager answers 404 for what exists, too: nothing is closed, nobody is called within the hour."""
    world.vaults.read_error = error
    report = await world.handle(world.fails())
    assert (report.decision, report.reason) == ("waiting", Reason.NOT_REACHABLE)

    await world.follow_up(minutes=55)
    assert world.sent_notices == []
    for _ in range(3):
        await world.follow_up(minutes=5)

    assert world.sent_notices == [ON]
    assert (await world.incident()).is_open


@pytest.mark.parametrize("error", [NO_ROLE, *NOT_THERE], ids=codes)
async def test_it_goes_on_by_itself_once_the_vault_answers(world: World, error: AzureRefused) -> None:
    """The item is retried, the vault's incident ends, and whoever was told is told of that, too."""
    world.vaults.read_error = error
    await world.handle(world.fails())
    await world.follow_up(hours=2)
    await world.follow_up(minutes=5)
    world.vaults.read_error = None

    await world.follow_up(minutes=5)
    await world.follow_up(minutes=5)

    incident = await world.vault_incident()
    assert incident is not None
    assert (incident.outcome, incident.reason) == (Outcome.RECOVERED_ELSEWHERE, Reason.REACHABLE_AGAIN)
    assert len(world.attempts) == 1
    assert world.sent_notices == [ON, ("RetryTriggered", item().name), ("Recovered", "vault-1")]


async def test_a_passing_404_calls_nobody(world: World) -> None:
    """Neither when it comes nor when it goes."""
    world.vaults.read_error = NOT_THERE[0]
    await world.handle(world.fails())
    world.vaults.read_error = None

    await world.follow_up(minutes=5)
    await world.follow_up(minutes=5)

    assert [kind for kind, _ in world.sent_notices] == ["RetryTriggered"]


async def test_what_failed_meanwhile_is_found_when_the_vault_answers_again(world: World) -> None:
    """No alert told of it, and no sweep could: Resource Graph hides a vault without a role."""
    world.vaults.read_error = NO_ROLE
    await world.handle(world.fails("job-1", of=item(1)))
    world.clock.move(days=3)
    world.fails(
        "job-2", of=item(2), started_at=world.clock() - minutes(90), ended_at=world.clock() - minutes(60)
    )
    world.clock.move(days=2)
    world.vaults.read_error = None

    for _ in range(3):
        await world.follow_up(minutes=5)

    assert (await world.incident(item(2))).first_job_id == "job-2"
    assert [key for key, _ in world.vaults.triggered] == [item(1).key, item(2).key]


async def test_another_cause_is_told_as_well_and_none_twice(world: World) -> None:
    """First the role is gone, then the vault: two things for a person to know, however they take turns."""
    for error in (NO_ROLE, NOT_THERE[2], NO_ROLE, NOT_THERE[2]):
        world.vaults.read_error = error
        await world.engine.vault_incidents.refused(VAULT, error, Source.SWEEP)
        for _ in range(3):
            await world.follow_up(hours=1)

    assert world.sent_notices == [ON, ON]


async def test_a_right_that_comes_and_goes_is_told_once_a_day(world: World) -> None:
    """Each time an incident of its own, and no call for each."""
    for _ in range(3):
        world.vaults.read_error = NO_ROLE
        await world.engine.vault_incidents.refused(VAULT, NO_ROLE, Source.SWEEP)
        world.vaults.read_error = None
        await world.follow_up(hours=1)
    assert [each for each in world.sent_notices if each == ON] == [ON]

    world.clock.move(days=2)
    await world.engine.vault_incidents.refused(VAULT, NO_ROLE, Source.SWEEP)

    assert [each for each in world.sent_notices if each == ON] == [ON, ON]


@pytest.mark.parametrize("error", [NO_ROLE, NOT_THERE[1]], ids=codes)
async def test_a_vault_that_stays_closed_has_told_a_person_once(world: World, error: AzureRefused) -> None:
    """It ends when Azure keeps its jobs no longer, and so does an item's that an alert named: one cause, one notice."""
    world.vaults.read_error = error
    await world.engine.vault_incidents.refused(item(), error, Source.ALERT)

    for _ in range(16):
        await world.follow_up(days=1)

    for incident in (await world.vault_incident(), await world.incident()):
        assert incident is not None
        assert (incident.outcome, incident.failure.operation) == (Outcome.NEEDS_ACTION, incident.reason)
    assert world.sent_notices == [ON]


@pytest.mark.parametrize(
    "error", [AzureUnavailable("no answer"), AzureRefused("400 BadRequest", code="BadRequest", status=400)]
)
async def test_another_answer_says_nothing_of_the_right(world: World, error: BackupRetryError) -> None:
    """The vault's incident stays as it is."""
    await world.engine.vault_incidents.refused(VAULT, NO_ROLE, Source.SWEEP)
    world.vaults.read_error = error

    await world.follow_up(minutes=5)

    incident = await world.vault_incident()
    assert incident is not None
    assert (incident.is_open, incident.reason, world.sent_notices) == (True, Reason.NO_PERMISSION, [ON])


@pytest.mark.parametrize("error", [NO_ROLE, *NOT_THERE[:3]], ids=codes)
async def test_a_trigger_that_is_refused_for_want_of_the_vault_spends_no_attempt(
    world: World, error: AzureRefused
) -> None:
    """It is tried again after an hour, and then after a growing while, until the right is back."""
    world.vaults.trigger_errors = [error] * 3
    await world.handle(world.fails())
    incident = await world.incident()
    assert (incident.attempts_spent, incident.due) == (0, world.clock() + timedelta(hours=1))
    assert incident.attempts[-1].result is AttemptResult.THROTTLED
    await world.follow_up(minutes=30)
    assert len(world.attempts) == 1

    for _ in range(3):
        await world.follow_up(hours=1)

    assert len(world.attempts) == 4
    assert [kind for kind, _ in world.sent_notices if kind == "NeedsPerson"] == ["NeedsPerson"]


async def test_the_vaults_incident_stays_while_an_item_waits_for_the_right(world: World) -> None:
    """Its jobs can be read, and no backup may be started."""
    world.vaults.trigger_errors = [NO_ROLE]
    await world.handle(world.fails())

    await world.follow_up(minutes=5)
    waits = await world.vault_incident()
    await world.follow_up(hours=1)
    await world.follow_up(minutes=5)

    ended = await world.vault_incident()
    assert waits is not None
    assert ended is not None
    assert (waits.is_open, ended.is_open) == (True, False)


async def test_a_policy_that_forbids_the_trigger_is_no_missing_role(world: World) -> None:
    """403 RequestDisallowedByPolicy: its code is weighed, and a person reads what it is."""
    denied = Forbidden("the policy says no", code="RequestDisallowedByPolicy", status=403)
    world.vaults.trigger_errors = [denied]
    await world.handle(world.fails())

    await world.follow_up(minutes=30)

    incident = await world.incident()
    assert (incident.outcome, incident.reason) == (Outcome.NEEDS_ACTION, Reason.NEEDS_ACTION)
    assert "Azure Policy" in incident.detail
    assert await world.vault_incident() is None


async def test_an_item_that_answers_404_and_is_listed_waits_by_itself(world: World) -> None:
    """The vault is there, so its other items have nothing to do with it; after a day a person is told."""
    world.vaults.read_error = NotFound("404", code="BMSUserErrorDataSourceObjectNotFound", status=404)
    report = await world.handle(world.fails())

    for _ in range(2):
        await world.follow_up(hours=25)

    assert (report.reason, await world.vault_incident()) == (Reason.AZURE_REFUSED, None)
    assert world.sent_notices == [("NeedsPerson", item().name)]


async def test_a_triggers_404_for_an_item_that_the_vault_shows_calls_a_person(world: World) -> None:
    """Closing it as not protected would lose the failure without a word."""
    gone = NotFound("no item", code="BMSUserErrorDataSourceObjectNotFound", status=404)
    world.vaults.trigger_errors = [gone]
    await world.handle(world.fails())

    await world.follow_up(minutes=30)

    incident = await world.incident()
    assert incident.outcome is Outcome.NEEDS_ACTION
    assert [kind for kind, _ in world.sent_notices] == ["NeedsPerson"]


@pytest.mark.parametrize("kind", [Forbidden, NotFound])
async def test_resource_graphs_no_says_nothing_of_an_item(world: World, kind: type[AzureRefused]) -> None:
    """Nobody can say whether the item has opted out by a tag: it waits, and is retried once somebody can."""
    world.tag_lookup.error = kind("Resource Graph: no", status=404, by=Service.GRAPH)
    report = await world.handle(world.fails())
    assert (report.decision, len(world.attempts)) == ("waiting", 0)
    world.tag_lookup.error = None

    await world.follow_up(minutes=5)

    assert len(world.attempts) == 1


async def test_the_ledgers_no_closes_nothing(world: World) -> None:
    """It says nothing of the item, and the caller has to know that nothing was stored."""
    world.tag_lookup.error = Forbidden("ledger: 403", status=403, by=Service.LEDGER)

    with pytest.raises(Forbidden):
        await world.handle(world.fails())

    assert (await world.ledger.load(item())).incident is None
    assert await world.vault_incident() is None
