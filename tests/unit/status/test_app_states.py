"""What of the app itself stands at the top: dry run, ask mode, notices that could not be sent, access lost."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.engine.vault_incidents import whole
from backup_retry.ports.reports import Opened
from backup_retry.settings.timer_status import timer
from status.app_states import App
from status.dashboard import Trouble
from status.filters import Filters
from status.html import page_answer
from status.page import Page, page
from status.snapshot import Snapshot
from status.summary import headline
from status.tiles import counts
from tests.builders import NOW, incident, item, vault
from tests.status_world import backups, closed, dashboard, opened, snapshot

ON_TIME = [timer(name, "0 0 5 * * *", NOW, last=NOW) for name in ("sweep", "follow-up")]
GOOD = backups(good=range(14))
HELD_BACK = replace(closed(Outcome.LEFT_ALONE), reason=Reason.DRY_RUN)


def made(seen: Snapshot, app: App | None = None, incidents: Mapping[str, Incident] | None = None) -> Page:
    """The page of an app."""
    return page(seen, ON_TIME, Filters(), incidents or {}, "https://management.azure.com", app=app)


def told(of: ProtectedItem, what: str) -> Opened:
    """An open incident of which a person has been told."""
    return replace(opened(of=of), told=what, incident_id=f"open-{of.name or 'vault'}", error="X")


def test_during_a_dry_run_nobody_reads_that_retries_are_on() -> None:
    """The banner says how many would have been retried, and leads to them."""
    found = made(snapshot(dashboard(GOOD, closed=[HELD_BACK])), App(dry_run=True))
    body = page_answer(found).body
    assert (found.headline.text, found.retries) == ("Dry run: no backup is retried.", "Dry run: no retries")
    assert "Retries are on" not in body
    assert (
        "<strong>Dry run: no backup is started.</strong> In the last 14 days 1 would have been retried."
        in body
    )
    assert '<a href="status?show=incidents&amp;outcome=dry_run">Show them</a>' in body
    assert made(snapshot(dashboard(GOOD))).app_states == []


def test_where_a_person_is_asked_first_the_page_says_how_many_wait() -> None:
    """By RETRY_MODE=ask, or by a profile."""
    waits = [told(item(number), "approval") for number in (1, 2)]
    found = made(snapshot(dashboard(opened=waits)), App(asks_first=True))
    [state] = found.app_states
    assert (state.title, state.text[:18]) == ("Every retry needs approval.", "2 are waiting now.")
    assert found.retries == "Retries need approval"
    by_profile = made(snapshot(dashboard(opened=waits[:1])))
    assert by_profile.app_states[0].title == "Some retries need approval."


def test_what_the_topic_refuses_is_said_with_its_answer() -> None:
    """How many, since when, what it said, and when it is tried again; it is the headline where nothing is worse."""
    unsent = UnsentNotices(
        number=2,
        since=NOW - timedelta(hours=3),
        answer="Event Grid topic: 403 <denied>",
        tries=4,
        due=NOW + timedelta(minutes=40),
    )
    found = made(replace(snapshot(dashboard(GOOD)), unsent=unsent))
    assert (found.headline.tone, found.headline.text) == ("bad", "2 notices could not be sent.")
    body = page_answer(found).body
    assert "2 notices could not be sent for 3 h." in body
    assert "Event Grid answered: Event Grid topic: 403 &lt;denied&gt;." in body
    assert "sent again in 40 min" in body


def test_a_closed_incident_whose_notice_waits_is_not_in_progress() -> None:
    """The index still names it; nothing is counted twice, and it needs its person."""
    ended = closed(Outcome.NEEDS_ACTION)
    seen = dashboard(opened=[replace(opened(), incident_id=ended.incident_id)], closed=[ended])
    assert [row.trouble for row in seen.rows] == [Trouble.NEEDS_PERSON]
    found = made(snapshot(seen))
    assert (found.headline.text, found.in_progress.total) == ("1 item needs your attention.", 0)
    assert (counts(seen)["need_a_person"], counts(seen)["being_looked_after"]) == (1, 0)
    assert seen.trend[-1].failures == 1


def test_an_open_incident_of_which_a_person_was_told_needs_that_person() -> None:
    """A job that hangs, a retry to approve: it goes on by itself only then."""
    found = made(snapshot(dashboard(opened=[told(item(), "in_progress")])))
    assert found.headline.text == "1 item needs your attention."
    assert (found.action_required.total, found.in_progress.total) == (1, 0)


def test_a_lost_permission_is_said_by_vault() -> None:
    """With what to do, and how many of its items wait for that."""
    lost = told(whole(vault()), "no_permission")
    waits = opened(of=item(2))
    head = replace(
        incident(reason=Reason.NO_PERMISSION),
        id="open-vault",
        detail="Assign the role.",
    )
    found = made(snapshot(dashboard(opened=[lost, waits])), incidents={"open-vault": head})
    assert found.headline.text == "Vault vault-1 cannot be read."
    [access] = found.lost_access
    assert (access.vault, access.remedy, access.waiting) == ("vault-1", "Assign the role.", 1)
    tiles = {tile.label: tile.number for tile in found.tiles_of_now if tile.number}
    assert tiles == {"in progress": 1, "vaults that cannot be read": 1}


@pytest.mark.parametrize(
    ("count", "expected"), [(None, "1 item has no recent"), (7, "7 items have no recent")]
)
def test_the_headline_takes_the_number_of_unprotected_items_where_somebody_counts_them(
    count: int | None, expected: str
) -> None:
    """Else it counts what has no good backup in 14 days."""
    seen = snapshot(dashboard(backups(good=[12])))
    assert headline(seen, ON_TIME, count).text.startswith(expected)


def test_headline_tiles_and_sections_count_the_same() -> None:
    """Each item once; the numbers of now are those of the lists that they lead to."""
    ended = [closed(Outcome.NEEDS_ACTION, of=item(1)), closed(Outcome.EXHAUSTED, of=item(2))]
    seen = dashboard(
        backups(good=[12], of=item(3)),
        opened=[opened(of=item(4)), told(item(5), "x")],
        closed=ended,
    )
    found = made(snapshot(seen))
    tiles = {tile.label: tile for tile in found.tiles_of_now}
    assert found.headline.text == "3 items need your attention."
    assert (tiles["action required"].number, found.action_required.total) == (3, 3)
    assert (tiles["in progress"].number, found.in_progress.total) == (1, 1)
    assert tiles["no recent recovery point"].number == 1
    for tile in found.tiles_of_now:
        state = tile.url.partition("state=")[2].partition("&")[0]
        assert len(Filters(state=state).apply(seen)) == tile.number


def test_a_hundred_and_fifty_eight_items_of_three_causes_are_three_groups() -> None:
    """The largest first, each with its items and the list of all of them."""
    causes = [("A", 100), ("B", 50), ("C", 8)]
    ended, number = [], 0
    for error, many in causes:
        for _ in range(many):
            number += 1
            ended.append(
                replace(closed(Outcome.NEEDS_ACTION, of=item(number), name=f"i-{number}"), last_error=error)
            )
    found = made(snapshot(dashboard(closed=ended)))
    assert [(each.cause, each.total) for each in found.action_required.groups] == causes
    assert found.action_required.total == 158
    body = page_answer(found).body
    assert body.count('<li class="card tone-bad">') == 3
    assert body.count("<details>") == 3
    assert "List all 100" in body
