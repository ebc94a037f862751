"""The documents for programs have the fields that docs/status-json.md says."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.errors import AzureUnavailable, BackupRetryError, SettingsError
from backup_retry.domain.journal import Step, StepKind
from backup_retry.domain.pauses import Pause
from backup_retry.policy.storm import Storm
from backup_retry.ports.arrivals import VaultAlerts
from backup_retry.ports.inbox import Waiting
from backup_retry.ports.reports import Closed, Opened
from backup_retry.settings.timer_status import timer
from status.as_json import ITEMS, incident_document, page_document
from status.filters import Filters
from status.html import incident_answer
from status.page import page
from status.timeline import Timeline, timeline
from status.views import unavailable, unavailable_json
from tests.builders import NOW, attempt, incident, item, minutes, vault
from tests.status_world import backups, closed, dashboard, snapshot

DOCUMENT = (Path(__file__).parents[3] / "docs" / "status-json.md").read_text(encoding="utf-8")
PORTAL = "https://portal.cloud.test"


def documented(begin: str, end: str) -> set[str]:
    """The fields of the table between two texts."""
    table = DOCUMENT.partition(begin)[2].partition(end)[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)}


def status_document(filters: Filters | None = None, items: int = 1) -> dict[str, Any]:
    """A document with one of everything."""
    known = [backups(good=[0], of=item(number)) for number in range(1, items + 1)]
    seen = snapshot(
        dashboard(*known, closed=[closed(Outcome.NEEDS_ACTION)]),
        pauses=[Pause(by="a", why="b")],
        storms=[
            Storm(
                vault=vault(),
                code="X",
                began_at=NOW,
                size=3,
                canary=item(),
                canary_incident="i-1",
                led_at=NOW,
            )
        ],
    )
    model = page(seen, [timer("sweep", "0 0 5 * * *", NOW, last=NOW)], filters or Filters(), {}, PORTAL)
    document: dict[str, Any] = json.loads(json.dumps(page_document(model, seen)))
    return document


def told(found: Opened | Closed, **changes: Any) -> Timeline | None:
    """The story of what the item's latest incident is."""
    head = replace(incident(attempt()), id="i-1", **changes)
    steps = [
        Step(at=NOW, kind=StepKind.NOTED, incident_id="i-1", detail="heard"),
        Step(at=NOW, kind=StepKind.ENDED, incident_id="i-1", detail="failed"),
        Step(at=NOW, kind=StepKind.WAITING, incident_id="i-1", reason="backoff"),
        Step(at=NOW, kind=StepKind.NOTED, incident_id="another"),
    ]
    return timeline(found, head, steps, Filters(code="k"), PORTAL)


def test_every_field_of_the_status_is_documented() -> None:
    """And no other."""
    document = status_document()
    assert set(document) == documented("## /api/status.json", "A timer:")
    assert set(document["timers"]["sweep"]) == documented("A timer:", "An item:")
    assert set(document["items"][0]) == documented("An item:", "## /api/incidents")
    alerts = VaultAlerts(vault=vault(), last={}, unalerted=0).document
    counted = (*document["counts"], *document["signals"], *alerts)
    for name in (*counted, *document["pauses"][0], *document["storms"][0], *document["trend"][0]):
        assert f"`{name}`" in DOCUMENT


def test_every_field_of_an_incident_is_documented() -> None:
    """And no other; its timeline is its own."""
    found = told(Opened(incident_id="i-1", item=item(), at=NOW))
    assert found is not None
    document = incident_document(found)
    assert set(document) == documented("## /api/incidents/{id}.json\n", "\n\n\n")
    assert [each["kind"] for each in document["timeline"]] == [
        "failure_noted",
        "retry_ended",
        "incident_waiting",
    ]


def test_timers_and_signals_are_told() -> None:
    """Each profile's sweep beside the daily one; of the signals nothing, while the ledger is being read."""
    weekly = timer("sweep weekly", "0 0 3 * * 0", NOW, last=None, incomplete=NOW)
    read = snapshot(dashboard(), waiting=Waiting(number=3, since=NOW))
    unread = replace(read, made=None)
    told_read, told_unread = (
        page_document(page(seen, [weekly], Filters(), {}, PORTAL), seen) for seen in (read, unread)
    )
    assert told_read["timers"] == {
        "sweep_weekly": {
            "state": "incomplete",
            "schedule": "0 0 3 * * 0",
            "last": None,
            "late": True,
            "incomplete": NOW.isoformat(),
            "stopped": None,
        }
    }
    assert told_read["signals"] == {"waiting": 3, "or_more": False, "since": NOW.isoformat()}
    assert told_unread["signals"] is None


def test_items_come_by_the_thousand() -> None:
    """A large estate makes no endless document."""
    document = status_document(Filters(page=2), items=ITEMS + 5)
    assert (len(document["items"]), document["items_total"], document["pages"]) == (5, ITEMS + 5, 2)


@pytest.mark.parametrize(("outcome", "tone"), [(Outcome.RECOVERED, "good"), (Outcome.EXHAUSTED, "bad")])
def test_an_incident_that_is_not_the_latest_is_told_from_the_journal(outcome: Outcome, tone: str) -> None:
    """Its attempts' rows belong to the item; how many there were is known."""
    found = told(closed(outcome, name="i-0"))
    assert found is not None
    assert (found.tone, found.attempts_total, list(found.events)) == (tone, 1, [])
    assert "The timeline is no longer available (KEEP_DAYS)." in incident_answer(found, NOW).body


def test_an_incident_that_has_just_been_closed_is_told_as_closed() -> None:
    """Though the index still has it."""
    ended = incident().closed(Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED), NOW)
    opened = Opened(incident_id=ended.id, item=item(), at=NOW)
    found = timeline(opened, ended, [], Filters(), PORTAL)
    assert found is not None
    assert found.state == "Recovered by a retry"


def test_the_steps_are_told_in_words() -> None:
    """What a decision was, and how a retry ended."""
    found = told(Opened(incident_id="i-1", item=item(), at=NOW))
    assert found is not None
    assert [each.title for each in found.events] == [
        "Failure detected",
        "Retry finished",
        "Waiting",
    ]
    assert found.events[1].detail == "Result: failed."
    assert found.events[2].reason == "Waiting before the next retry (RETRY_BACKOFF)."
    assert found.back_url == "../status?code=k"


def test_each_step_of_a_retry_names_that_retrys_own_job() -> None:
    """Also the steps before anybody knew it; a failure keeps the job that failed."""
    retried = attempt(result=AttemptResult.COMPLETED, ended_at=NOW, job_id="its-own")
    head = replace(incident(retried), id="i-1")
    steps = [
        Step(at=NOW, kind=kind, incident_id="i-1", job_id="failed", attempt_id=retried.id)
        for kind in (StepKind.NOTED, StepKind.CLAIMED, StepKind.TRIGGERED, StepKind.ENDED)
    ]
    found = timeline(Opened(incident_id="i-1", item=item(), at=NOW), head, steps, Filters(), PORTAL)
    assert found is not None
    assert [each.job_id for each in found.events] == ["failed", "its-own", "its-own", "its-own"]
    body = incident_answer(found, NOW).body
    assert body.count("/vaults/vault-1/backupJobs") == 4


def test_an_incidents_page_leads_on() -> None:
    """To the error's own page, to the item's other incidents, and to what happens next."""
    steps = [
        Step(at=NOW - minutes(9000), kind=StepKind.NOTED, incident_id="old"),
        Step(at=NOW - minutes(8990), kind=StepKind.CLOSED, incident_id="old", reason="exhausted"),
        Step(at=NOW, kind=StepKind.NOTED, incident_id="i-1"),
    ]
    head = replace(incident(), id="i-1", reason=Reason.BACKOFF, due=NOW + minutes(15))
    opened = Opened(incident_id="i-1", item=item(), at=NOW)
    found = timeline(opened, head, steps, Filters(code="k"), PORTAL)
    assert found is not None
    assert [(each.url, each.reason) for each in found.others] == [
        ("old?code=k", "The maximum number of retries is reached.")
    ]
    assert found.error_url.startswith("https://learn.microsoft.com/azure/backup/")
    body = incident_answer(found, NOW).body
    assert "The next retry starts then, unless a backup completes first." in body
    assert "22 Nov 2026, 14:15 UTC</time>" in body


@pytest.mark.parametrize("known", [None, NOW])
def test_the_recovery_point_is_the_newest_that_is_known(known: datetime | None) -> None:
    """The vault shows it some time after the job; the estate's newer reading counts."""
    ended = replace(closed(Outcome.RECOVERED, name="i-0"), last_good_at=NOW - minutes(600))
    found = timeline(ended, None, [], Filters(), PORTAL, last_good_at=known)
    assert found is not None
    assert (found.last_good_at, found.recovered_at_point) == (
        known or NOW - minutes(600),
        known is not None,
    )


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (AzureUnavailable("ledger: no answer"), "The ledger does not answer: ledger: no answer."),
        (
            SettingsError("Settings: MAX_ATTEMPTS"),
            "A setting of the app is invalid; the app does not run until it is corrected. Settings: MAX_ATTEMPTS.",
        ),
    ],
)
def test_what_keeps_a_page_from_being_shown_is_said_and_it_comes_back(
    error: BackupRetryError, sentence: str
) -> None:
    """503, in a sentence, for a person and for a program."""
    page_said, said = unavailable(error), unavailable_json(error)
    assert (page_said.status, said.status) == (503, 503)
    assert sentence in page_said.body
    assert page_said.headers["Refresh"] == "30"
    assert json.loads(said.body) == {"error": sentence}
