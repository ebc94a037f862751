"""The status page's model and its HTML."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.acknowledgements import Acknowledgement
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.pauses import Pause
from backup_retry.engine.vault_incidents import whole
from backup_retry.ports.inbox import Waiting
from backup_retry.ports.reports import Closed
from backup_retry.settings.sweep_profile import SweepProfile
from backup_retry.settings.timer_status import timer
from status.filters import Filters
from status.html import message_answer, page_answer
from status.page import Page, page
from status.portal_links import item_url
from status.snapshot import Snapshot
from status.summary import scope_name
from tests.builders import NOW, SUBSCRIPTION, incident, item, vault
from tests.status_world import backups, closed, dashboard, opened, snapshot, unreadable, without_estate

PORTAL = "https://portal.cloud.test"
ON_TIME = [timer("sweep", "0 0 5 * * *", NOW, last=NOW)]
GOOD = backups(good=range(14))
NEEDY = closed(Outcome.NEEDS_ACTION)


def made(seen: Snapshot, filters: Filters | None = None) -> Page:
    """The page of a look, timers on time."""
    return page(seen, ON_TIME, filters or Filters(), {}, PORTAL)


# ---- texts from outside ------------------------------------------------------------------------------------


def test_what_nobody_sees_is_written_out() -> None:
    """A name that turns the text around it, or holds a control character, is shown as it is made."""
    shown = message_answer(404, "vm\u202egnp", "a `b\x1b` c\u2066").body
    assert (r"vm\u202egnp" in shown, r"b\u001b" in shown, r"c\u2066" in shown) == (True, True, True)
    assert all(each.isprintable() or each == "\n" for each in shown)


# ---- the sentence ------------------------------------------------------------------------------------------


def test_all_good_is_said_only_where_it_is_known() -> None:
    """Without Resource Graph nobody can say it."""
    known, unknown = (
        snapshot(dashboard(GOOD)),
        without_estate(snapshot(dashboard(answered=False)), "no answer"),
    )
    assert made(known).headline.text == "Everything is protected."
    assert made(unknown).headline.text == "Nothing needs your attention."
    assert "Resource Graph does not answer" in made(unknown).notes[0]


def test_a_stale_estate_is_said_to_be_so() -> None:
    """With its age."""
    seen = snapshot(dashboard(GOOD))
    assert seen.made is not None
    stale = replace(seen.made, estate_at=NOW - timedelta(minutes=20), estate_problem="no answer")
    [note] = made(replace(seen, made=stale)).notes
    assert "as of 20 min ago" in note


def test_the_worst_is_said_first() -> None:
    """A person is needed before anything is being looked after; a late sweep before a pause."""
    pause = [Pause(by="ada", why="work")]
    assert (
        made(snapshot(dashboard(closed=[NEEDY]), pauses=pause)).headline.text
        == "1 item needs your attention."
    )
    late = [timer("sweep", "0 0 5 * * *", NOW, last=None)]
    found = page(snapshot(dashboard(GOOD), pauses=pause), late, Filters(), {}, PORTAL)
    assert found.headline.text == "The daily sweep is overdue."
    assert made(snapshot(dashboard(GOOD), pauses=pause)).headline.text == "Retries are paused."
    booked = [Pause(by="ada", why="work", starts=NOW + timedelta(hours=1))]
    assert made(snapshot(dashboard(GOOD), pauses=booked)).headline.text == "Everything is protected."
    blocked = [opened(), opened(of=whole(vault()))]
    assert (
        made(snapshot(dashboard(opened=blocked), pauses=pause)).headline.text
        == "Vault vault-1 cannot be read."
    )
    assert made(snapshot(dashboard(opened=[opened()]))).headline.text == "1 item is in progress."


def test_an_incomplete_sweep_is_said_with_what_to_do() -> None:
    """At the top, though everything is protected as far as is known; the profile's line says it as well."""
    seen = snapshot(dashboard(GOOD))
    left_out = timer("sweep weekly", "0 0 3 * * 0", NOW, last=None, incomplete=NOW - timedelta(hours=2))
    found = page(seen, [*ON_TIME, *ON_TIME, left_out], Filters(), {}, PORTAL)
    assert (found.headline.tone, found.headline.text) == ("bad", "The last sweep weekly did not complete.")
    [note] = re.findall(r'<p class="note tone-bad">(.*?)</p>', page_answer(found).body)
    assert "2 h</time> ago; no run has completed yet." in note
    assert "<code>AppTraces | where Message has &#39;sweep_incomplete&#39;</code>" in note


def test_a_sweep_that_stopped_after_an_incomplete_one_is_said_to_have_stopped() -> None:
    """The incomplete one is told beside it."""
    weeks = [NOW - timedelta(days=days) for days in (21, 14)]
    stopped = timer("sweep weekly", "0 0 3 * * 0", NOW, last=weeks[0], incomplete=weeks[1])
    [note] = re.findall(
        r"tone-bad\">(.*?)</p>",
        page_answer(page(snapshot(dashboard(GOOD)), [stopped], Filters(), {}, PORTAL)).body,
    )
    words = re.sub(r"<.*?>", "", note)
    assert words.startswith(
        "The sweep weekly is overdue. An incomplete run started 14 days ago; "
        "the last complete run started 21 days ago."
    )


@pytest.mark.parametrize(
    ("starts", "expires", "said"),
    [
        (NOW + timedelta(days=3), None, "migration not yet, starts in 3 days"),
        (NOW - timedelta(minutes=5), None, "migration not yet"),
        (None, NOW, "migration never, expired"),
    ],
)
def test_a_profile_outside_its_season_is_one_quiet_line(
    starts: datetime | None, expires: datetime | None, said: str
) -> None:
    """Nothing is wrong with it."""
    profile = SweepProfile(name="migration", schedule="0 0 3 * * *", starts=starts, expires=expires)
    out = timer("sweep migration", profile.schedule, NOW, last=None, profile=profile)
    found = page(snapshot(dashboard(GOOD)), [*ON_TIME, *ON_TIME, out], Filters(), {}, PORTAL)
    assert found.headline.text == "Everything is protected."
    assert f'<span class="off">{said}</span>' in page_answer(found).body


def test_signals_that_wait_are_said_where_there_are_any() -> None:
    """With the oldest's age; nothing is called protected while a failure has been heard and not looked into."""
    waiting = Waiting(number=3, since=NOW - timedelta(minutes=12))
    found = made(snapshot(dashboard(GOOD), waiting=waiting))
    assert (found.headline.tone, found.headline.text) == ("busy", "3 deferred alerts.")
    assert "Oldest: 12 min" in page_answer(found).body
    assert "kept_signals" not in page_answer(made(snapshot(dashboard(GOOD)))).body


def test_a_signal_whose_age_nobody_can_read_is_said_as_well() -> None:
    """It is one that this version cannot read."""
    body = page_answer(made(snapshot(dashboard(GOOD), waiting=Waiting(number=1)))).body
    assert "1 deferred alert" in body
    assert "The oldest waits" not in body


@pytest.mark.parametrize(
    ("number", "text", "named"),
    [
        (1, "1 row of the ledger cannot be read.", "pause-1."),
        (7, "7 rows of the ledger cannot be read.", "and 2 more."),
    ],
)
def test_rows_that_cannot_be_read_are_said_by_their_keys(number: int, text: str, named: str) -> None:
    """Above a pause, five of them at most; nothing is called protected beside them."""
    rows = [
        replace(unreadable(key="pause"), problem=f"column x says pause-{each + 1}") for each in range(number)
    ]
    found = made(snapshot(dashboard(GOOD), pauses=[Pause(by="ada", why="work")], unreadable=rows))
    assert (found.headline.tone, found.headline.text) == ("bad", text)
    assert found.notes[0].endswith(named)
    assert "control/control/pause: column x says pause-1" in page_answer(found).body


def test_before_anything_is_read_the_page_says_so_and_comes_back_soon() -> None:
    """It is shown at once, however long the journal is."""
    found = made(snapshot(None))
    assert found.headline.text == "Reading the ledger …"
    assert found.reload_seconds is not None
    assert found.reload_seconds < 10
    assert "Reading the ledger" in page_answer(found).body


def test_what_needs_a_person_comes_with_all_that_a_person_needs() -> None:
    """Error, remedy, link, last good recovery point."""
    seen = snapshot(dashboard(backups(good=[3]), closed=[NEEDY]))
    [group] = made(seen, Filters(code="k&y")).action_required.groups
    [entry] = group.entries
    assert (group.cause, group.remedy, entry.name) == ("CloudInternalError", "Do something.", "vm-01")
    assert entry.last_good_at is not None
    assert entry.incident_url == "incidents/needs_action-0?code=k%26y"


def test_an_open_item_says_what_a_person_was_told() -> None:
    """What it waits for, and what to type; of what nobody was told the state is enough."""
    seen, detail = snapshot(dashboard(opened=[opened()])), 'backup-retry approve "vm-01" lets it go'
    waits = replace(incident(reason=Reason.APPROVAL), detail=detail)
    for told_of, number in [(("approval",), 1), ((), 0)]:
        shown = page(seen, ON_TIME, Filters(), {"open-1": replace(waits, told_of=told_of)}, PORTAL)
        body = page_answer(shown).body
        assert "The retry is waiting for approval." in body
        assert body.count("backup-retry approve &#34;vm-01&#34; lets it go") == number


def test_only_microsofts_documentation_becomes_a_link() -> None:
    """The rest of a remedy may hold what anybody wrote into an error or a name."""
    detail = 'Grow the disk <b>"c"</b>, see https://evil.example/x. More: https://learn.microsoft.com/azure/backup/a-b'
    body = page_answer(made(snapshot(dashboard(closed=[replace(NEEDY, detail=detail)])))).body
    [remedy] = re.findall(r'<p class="remedy">(.*?)</p>', body)
    assert remedy == (
        "Grow the disk &lt;b&gt;&#34;c&#34;&lt;/b&gt;, see https://evil.example/x. More: "
        '<a href="https://learn.microsoft.com/azure/backup/a-b" rel="noreferrer">'
        "https://learn.microsoft.com/azure/backup/a-b</a>"
    )


# ---- hostile ------------------------------------------------------------------------------------------------


def test_what_others_wrote_is_text() -> None:
    """Names, errors, remedies and reasons of a pause."""
    evil = "<script>alert(1)</script>"
    named = replace(item(), name=f"VM;x;{evil.replace('/', '')}")
    bad: Closed = replace(NEEDY, item=named, last_error=evil, detail=evil)
    seen = snapshot(dashboard(closed=[bad]), pauses=[Pause(by=evil, why=evil)])
    body = page_answer(made(seen, Filters(text="<script>", code='"><script>'))).body
    assert "<script" not in body
    assert "&lt;script&gt;" in body


def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    """No script, no frame, no address but its own."""
    policy = page_answer(made(snapshot(dashboard(GOOD)))).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script" not in policy


# ---- small things -------------------------------------------------------------------------------------------


def test_a_pause_that_is_booked_says_when_it_begins() -> None:
    """Retries are on until then."""
    booked = [Pause(by="ada", why="work", starts=NOW + timedelta(hours=1))]
    body = page_answer(made(snapshot(dashboard(GOOD), pauses=booked))).body
    assert "Retries will be paused everywhere</strong> by ada, from <time" in body
    assert "Retries are on" in body


def test_a_pauses_scope_is_named() -> None:
    """Everything, a subscription by its name, or a vault."""
    made_dashboard = replace(dashboard(), subscriptions={SUBSCRIPTION: "Production"})
    scopes = ["", SUBSCRIPTION.upper(), vault().id]
    found = [scope_name(Pause(by="a", why="b", scope=each), made_dashboard) for each in scopes]
    assert found == ["everywhere", "in subscription Production", "in vault-1"]


def test_links_lead_to_the_machine_in_its_own_cloud() -> None:
    """A machine that the names do not tell: to its vault."""
    assert item_url(item(), PORTAL).startswith(f"{PORTAL}/#resource/subscriptions/")
    assert item_url(item(), PORTAL).endswith("/virtualmachines/vm-01/backup")
    other = replace(item(), container="Windows;server")
    assert item_url(other, PORTAL).endswith("/vaults/vault-1/backupItems")
    assert Vault.parse(item_url(other, PORTAL).split("#resource")[1]) == vault()


def test_what_somebody_has_acknowledged_is_not_in_the_headline() -> None:
    """Nor counted or listed among what needs a person; the item is not called protected for that."""
    known = Acknowledgement(by="eve", note="Monday", error=NEEDY.last_error)
    found = made(snapshot(dashboard(closed=[replace(NEEDY, acknowledged=known)])))
    assert found.headline.text == "1 item is acknowledged."
    assert found.action_required.total == 0
    now = {each.label: each.number for each in found.tiles_of_now if each.number}
    assert now == {"acknowledged": 1}
