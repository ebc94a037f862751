"""`backup-retry status`: what it shows, and when it fails."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.pauses import Pause
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.ports.ledger import Beat
from tests.builders import NEEDS_PERSON, NOW, SUBSCRIPTION, item, minutes, vault
from tests.cli_sessions import Terminal
from tests.cli_world import NO_ROLE, PROFILES
from tests.status_world import backups


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


# ---- status and incidents --------------------------------------------------------------------------------------


GOOD = backups(good=[0, 1, 2])
OLD = replace(backups(good=[12]), point_at=NOW - timedelta(days=12))
UNKNOWN = AzureUnavailable("Resource Graph: no answer")


@pytest.mark.parametrize(
    ("known", "code", "said"),
    [
        pytest.param(
            [GOOD], 0, "Healthy: none of 1 items is unprotected, and the app is running.", id="well"
        ),
        pytest.param(
            [], 0, "No action required, but no protected item is visible to this identity.", id="nothing seen"
        ),
        pytest.param(
            [OLD],
            1,
            "Action required: 1 item is unprotected without an open incident.",
            id="a recovery point twelve days old",
        ),
        pytest.param(
            UNKNOWN,
            3,
            "No action required, but the protection state of the items is unknown (Resource Graph: no answer).",
            id="Azure does not tell",
        ),
    ],
)
def test_the_first_line_says_whether_all_is_well(
    terminal: Terminal, known: list[Backups] | AzureUnavailable, code: int, said: str
) -> None:
    """In one sentence, by what Azure says is protected as well; a program reads it in the document."""
    if isinstance(known, AzureUnavailable):
        terminal.estate.error = known
    else:
        terminal.estate.estate = Estate(items=known)
    result = terminal.types("status")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (code, said)
    found = terminal.json("status")
    assert (found["summary"], found["well"]) == (said, code == 0)


def test_everything_that_is_wrong_is_in_that_line(terminal: Terminal) -> None:
    """And what keeps the app from retrying, though somebody wants it so."""
    terminal.estate.estate = Estate(items=[GOOD])
    terminal.does(terminal.handle(terminal.fails(error=NEEDS_PERSON)))
    terminal.tag_lookup.tag(vault("asks").id, retry="ask")
    terminal.does(terminal.handle(terminal.fails("job-2", of=item(2, vault("asks")))))
    terminal.does(terminal.ledger.beat(Beat.SWEEP, NOW - timedelta(days=2)))
    terminal.does(terminal.ledger.set_pause(Pause(by="eve", why="x")))
    terminal.settings["dry_run"] = "true"
    assert terminal.json("status")["approvals_waiting"] == 1
    assert terminal.types("status").stdout.splitlines()[0] == (
        "Action required: 1 item needs your attention; 1 retry waits for your approval; the daily sweep is overdue; "
        "retries are paused; dry run is on."
    )


def test_an_item_that_needs_a_person_makes_status_fail(terminal: Terminal) -> None:
    """Its remedy stands there, and the exit code is 1."""
    terminal.does(terminal.handle(terminal.fails(error=NEEDS_PERSON)))
    result = terminal.types("status")
    assert result.exit_code == 1
    assert "vm-01" in result.stdout
    found = terminal.json("status")
    assert [each["outcome"] for each in found["needs_a_person"]] == ["needs_action"]
    assert found["closed"]["needs_action"] == 1


def test_an_open_incident_that_a_person_was_told_of_makes_status_fail(terminal: Terminal) -> None:
    """A vault without the app's role: it is called by its name, and goes on by itself."""
    terminal.vaults.read_error = NO_ROLE
    terminal.does(terminal.handle(terminal.fails()))
    result = terminal.types("status")
    assert result.exit_code == 1
    assert "no_permission" in result.stdout
    found = terminal.json("status")
    assert [(each["item"], each["name"]) for each in found["waits_for_a_person"]] == [(vault().id, "vault-1")]
    assert [each["name"] for each in terminal.json("incidents", "--needs-person")] == ["vault-1"]


def test_a_vault_that_cannot_be_read_is_explained(terminal: Terminal) -> None:
    """By its ARM id: what Azure answers there, and no decision as about an item."""
    terminal.vaults.read_error = NO_ROLE
    terminal.does(terminal.handle(terminal.fails()))
    result = terminal.types("explain", vault().id)
    assert result.exit_code == 0
    assert result.stdout.startswith("Vault vault-1")
    assert "403 AuthorizationFailed" in " ".join(result.stdout.split())
    found = terminal.json("explain", vault().id)
    assert (found["incident"]["reason"], found["now"], found["questions"]) == ("no_permission", None, [])


def test_a_sweep_that_was_missed_makes_status_fail(terminal: Terminal) -> None:
    """Two days ago is too long for a daily one."""
    terminal.does(terminal.ledger.beat(Beat.SWEEP, NOW - timedelta(days=2)))
    assert terminal.types("status").exit_code == 1
    assert terminal.json("status")["runs"]["sweep"]["late"]


def test_an_incomplete_sweep_of_a_profile_makes_status_fail(terminal: Terminal) -> None:
    """It is said with its age, and the profile that is over is not called late."""
    terminal.settings["sweep_profiles"] = PROFILES
    terminal.does(terminal.ledger.beat("sweep-hourly", NOW - minutes(60)))
    assert terminal.types("status").exit_code == 0
    terminal.does(terminal.ledger.beat("incomplete-sweep-hourly", NOW - minutes(5)))
    result = terminal.types("status")
    assert result.exit_code == 1
    lines = [line.split(maxsplit=3) for line in result.stdout.splitlines()]
    said = {words[2]: words[3] for words in lines if words[:2] == ["Last", "sweep"] and len(words) > 3}
    assert said["hourly"] == "1 h ago, INCOMPLETE 5 min ago: `backup-retry check` shows how to fix it"
    assert said["past"] == "never, expired"
    assert said["later"] == "never, starts 2026-12-01 00:00Z"
    runs = terminal.json("status")["runs"]
    assert {name: run["state"] for name, run in runs.items()} == {
        "sweep": "well",
        "follow_up": "well",
        "sweep_look_back": "well",
        "sweep_hourly": "incomplete",
        "sweep_past": "over",
        "sweep_later": "not_yet",
    }
    assert runs["sweep_hourly"]["incomplete"] == (NOW - minutes(5)).isoformat()


def test_signals_that_wait_are_shown_where_there_are_any(terminal: Terminal) -> None:
    """With the oldest's age; Azure is slow, nobody has to act."""
    assert "Deferred" not in terminal.types("status").stdout
    assert terminal.json("status")["signals"] == {"waiting": 0, "or_more": False, "since": None}
    for number in range(2):
        terminal.does(terminal.inbox.add({"label": f"alert {number}"}))
    terminal.clock.move(minutes=4)
    result = terminal.types("status")
    assert (result.exit_code, "2, oldest: 4 min" in result.stdout) == (0, True)
    assert terminal.json("status")["signals"] == {"waiting": 2, "or_more": False, "since": NOW.isoformat()}


def test_notices_that_could_not_be_sent_are_shown(terminal: Terminal) -> None:
    """Exit code 1, with how many, their age and the topic's answer."""
    assert terminal.json("status")["unsent_notices"] is None
    terminal.unsent.known = UnsentNotices(
        number=3, since=NOW - timedelta(hours=2), answer="403 Forbidden", tries=4, due=NOW + minutes(40)
    )
    result = terminal.types("status")
    assert (result.exit_code, "3 notices could not be sent" in result.stdout) == (1, True)
    assert "3, oldest: 2 h. Event Grid answered: 403 Forbidden" in result.stdout
    assert terminal.json("status")["unsent_notices"]["number"] == 3


def test_a_pause_is_shown_until_it_is_over(terminal: Terminal) -> None:
    """By whom and why."""
    terminal.does(terminal.ledger.set_pause(Pause(by="eve", why="network change", until=NOW + minutes(5))))
    assert [each["by"] for each in terminal.json("status")["pauses"]] == ["eve"]
    terminal.clock.move(minutes=5)
    assert terminal.json("status")["pauses"] == []


def test_incidents_are_filtered(terminal: Terminal) -> None:
    """By state, outcome, reason, vault, subscription and text, and all of them together."""
    terminal.does(terminal.handle(terminal.fails("job-1", of=item(1), error=NEEDS_PERSON)))
    terminal.does(terminal.handle(terminal.fails("job-2", of=item(2, of=vault("other")))))

    def names(*filters: str) -> set[str]:
        return {each["name"] for each in terminal.json("incidents", *filters)}

    assert names() == {"vm-01", "vm-02"}
    assert names("--open") == names("--vault", "OTHER") == names("--reason", "attempt_running") == {"vm-02"}
    assert names("--closed") == names("--needs-person") == names("--outcome", "needs_action") == {"vm-01"}
    assert names("--text", "vm-01") == names("--text", NEEDS_PERSON.upper()) == {"vm-01"}
    assert names("--subscription", SUBSCRIPTION) == {"vm-01", "vm-02"}
    assert names("--subscription", "another") == names("--open", "--text", "vm-01") == set()
    assert len(terminal.json("incidents", "--limit", "1")) == 1


def test_filters_that_exclude_each_other_are_refused(terminal: Terminal) -> None:
    """Exit code 2 and a sentence."""
    result = terminal.types("incidents", "--open", "--closed")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_hostile_names_are_shown_and_not_obeyed(terminal: Terminal) -> None:
    """Neither markup nor escape sequences reach the terminal, nor what turns a text around; they are written out."""
    terminal.does(terminal.handle(terminal.fails(error="\x1b[2J[red]boo\nboo\u202e\x9b")))
    shown = terminal.types("incidents").stdout
    assert r"\u001b[2J[red]boo boo\u202e\u009b" in shown
    document = terminal.types("incidents", "--json").stdout
    assert all(each.isprintable() or each == "\n" for each in shown + document)
    assert "boo\nboo\u202e\x9b" in str(json.loads(document)[0]["error"])
