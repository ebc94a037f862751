"""The page's lists: calendar, incidents, filters, and their order."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, VaultKind
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.protected_days import VaultDay, mark_of
from status.app_states import App
from status.calendar import LINES, Calendar, calendar
from status.compliance_list import compliance_lines
from status.dashboard import Dashboard
from status.filters import Filters
from status.groups import ITEMS
from status.html import page_answer
from status.incident_list import incident_list, incidents
from status.page import page
from status.place import Places
from status.portal_links import item_url
from status.tagged import TaggedReader
from tests.builders import NOW, OTHER_SUBSCRIPTION, SUBSCRIPTION, item, vault
from tests.status_world import TODAY, backups, closed, dashboard, opened, snapshot

PORTAL = "https://portal.azure.com"
GOOD = backups(good=range(14))
#: of vm-01 all days were kept, of vm-02 one of two, vm-03 lacks one ten days ago, vm-04 was promised none
KEPT = dashboard(
    *(backups(good=[0], of=item(number)) for number in (1, 2, 3, 4)),
    days=[
        VaultDay(
            vault=vault(),
            day=TODAY - timedelta(days=back),
            kept=frozenset(mark_of(item(each)) for each in kept),
            missed=frozenset(mark_of(item(each)) for each in missed),
        )
        for back, kept, missed in ((1, (1, 2), ()), (2, (1, 3), (2,)), (3, (3,), ()), (10, (1,), (3,)))
    ],
)


def board(of: Dashboard, filters: Filters) -> Calendar:
    """The calendar's page of a dashboard."""
    return calendar(of.days, filters.apply(of), filters, Places(of), estate_known=True)


def test_the_lists_are_cut_and_say_so() -> None:
    """Ten thousand items that need a person make no endless page."""
    many = [closed(Outcome.EXHAUSTED, of=item(number), name=f"i-{number}") for number in range(ITEMS + 7)]
    found = page(snapshot(dashboard(closed=many)), [], Filters(), {}, PORTAL)
    [group] = found.action_required.groups
    assert (len(group.entries), group.total, found.action_required.total) == (ITEMS, ITEMS + 7, ITEMS + 7)
    body = page_answer(found).body
    assert f"Show the first {ITEMS} items" in body
    assert "status?state=needs_person&amp;cause=CloudInternalError&amp;view=items" in body


def test_many_items_are_shown_as_vaults_until_somebody_asks() -> None:
    """The numbers say how many items are as bad as the vault's worst."""
    known = [
        backups(good=[0], bad=[1] if number < 3 else [], of=item(number, vault(name)))
        for name in ("vault-1", "vault-2")
        for number in range(LINES)
    ]
    made_dashboard = dashboard(*known)
    vaults = board(made_dashboard, Filters())
    assert (vaults.of_vaults, vaults.total, vaults.items) == (True, 2, 2 * LINES)
    assert [cell.text for cell in vaults.lines[0].cells[-2:]] == ["3", "✓"]
    items = board(made_dashboard, Filters(view="items", page=2))
    assert (items.of_vaults, items.page, items.pages, len(items.lines)) == (False, 2, 2, LINES)


def test_a_page_that_is_not_there_is_the_last_one() -> None:
    """A kept address may outlive its items."""
    made_dashboard = dashboard(GOOD)
    assert board(made_dashboard, Filters(page=99)).page == 1


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"page": "7"}, Filters(page=7)),
        ({"page": "-1"}, Filters()),
        ({"page": "٣"}, Filters()),
        ({"page": "9" * 5000}, Filters(page=100_000)),
        ({"view": "<b>"}, Filters()),
        ({"q": " web ", "vault": "V"}, Filters(text="web", vault="V")),
        ({"q": "x" * 5000}, Filters(text="x" * 200)),
        ({"refresh": "on", "unknown": "1"}, Filters()),
        (
            {"state": "needs_person", "show": "incidents", "sort": "-item"},
            Filters(state="needs_person", show="incidents", sort="-item"),
        ),
        ({"state": "fine", "show": "secrets", "sort": "by me", "outcome": "x", "edit": "all"}, Filters()),
        ({"tz": "W. Europe Standard Time"}, Filters(tz="Europe/Berlin")),
        ({"tz": "../etc/passwd"}, Filters()),
    ],
    ids=str,
)
def test_filters_are_read_from_whatever_stands_in_the_url(params: dict[str, str], expected: Filters) -> None:
    """What means nothing is left out."""
    assert Filters.of(params) == expected


def test_filters_come_back_from_their_own_address() -> None:
    """And turning to another filter goes back to the first page."""
    filters = Filters(text="a b&c", vault="v", page=3, code="key")
    assert filters.url(page=4) == "status?vault=v&q=a+b%26c&page=4&code=key"
    assert filters.url(vault="") == "status?q=a+b%26c&code=key"


@pytest.mark.parametrize(
    "filters",
    [
        Filters(vault="VAULT-2"),
        Filters(vault=vault("vault-2").id),
        Filters(subscription=SUBSCRIPTION.upper(), text="vault-2"),
        Filters(text="VM-02"),
    ],
    ids=str,
)
def test_a_filter_has_no_case(filters: Filters) -> None:
    """By name, id or part of a name."""
    made = dashboard(backups(good=[0]), backups(good=[0], of=item(2, vault("vault-2"))))
    assert [row.item.friendly_name for row in filters.apply(made)] == ["vm-02"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (Filters(state="needs_person"), ["vm-01"]),
        (Filters(state="open"), ["vm-02"]),
        (Filters(state="none"), ["vm-03"]),
        (Filters(cause="cloudinternalerror"), ["vm-01"]),
        (Filters(cause="UserErrorSlow"), ["vm-02"]),
        (Filters(cause="nothing"), []),
    ],
    ids=str,
)
def test_items_are_filtered_by_state_and_cause(filters: Filters, names: list[str]) -> None:
    """The cause of an item that is well is nobody's."""
    made = dashboard(
        backups(good=range(14), of=item(3)),
        opened=[replace(opened(of=item(2)), error="UserErrorSlow")],
        closed=[closed(Outcome.NEEDS_ACTION), closed(Outcome.RECOVERED, 1, item(3))],
    )
    assert [row.name for row in filters.apply(made)] == names


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("env=prod", ["vm-01"]),
        ("ENV = Prod", ["vm-01"]),
        ("env", ["vm-01", "vm-02"]),
        ("env=pro", []),
        ("'] | x", []),
    ],
)
async def test_items_are_filtered_by_a_tag_of_what_they_protect(tag: str, names: list[str]) -> None:
    """By name and value, or by the name alone; nothing of a tag gets into the query that could end a text there."""
    asked: list[str] = []

    class Graph:
        async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
            asked.append(query)
            for number, value in ((1, "Prod"), (2, "test")):
                yield {"id": item(number).machine_id.upper(), "tags": {"Env": value}}

    reader = TaggedReader(Graph(), lambda: NOW)
    tagged = await reader.tagged(tag)
    await reader.tagged(tag)
    made = dashboard(*(backups(good=[0], of=item(number)) for number in (1, 2, 3)))
    assert [row.name for row in Filters(tag=tag).apply(made, tagged.ids)] == names
    assert len(asked) == 1
    assert "']" not in asked[0].partition("Resources\n")[2]


def test_a_backup_vaults_item_is_found_by_the_tags_of_its_own_data_source() -> None:
    """Its names do not tell what it backs up; Resource Graph does."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-disks"
    disk = f"{group}/providers/Microsoft.Compute/disks/Disk-1"
    instance = ProtectedItem(vault=replace(vault("disks"), kind=VaultKind.BACKUP), name="instance-1")
    made = dashboard(replace(backups(good=[0], of=instance), source_id=disk), backups(good=[0]))
    for tagged in (disk, group):
        found = Filters(tag="env").apply(made, frozenset({tagged.lower()}))
        assert [row.item.key for row in found] == [instance.key]
    [row] = Filters(text="RG-Disks").apply(made)
    assert Places(made).row(row) == "disks · Backup instance · rg-disks"


@pytest.mark.parametrize(
    ("compliance", "names"),
    [
        ("7", ["vm-02"]),
        ("14", ["vm-02", "vm-03"]),
        ("30", ["vm-02", "vm-03"]),
        ("8", ["vm-01", "vm-02", "vm-03", "vm-04"]),
    ],
)
def test_items_are_filtered_by_compliance(compliance: str, names: list[str]) -> None:
    """Those that had no good point on a promised day; an item that nothing was promised falls short of nothing."""
    found = Filters.of({"compliance": compliance}).apply(KEPT)
    assert sorted(row.name for row in found) == names


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", ["vm-02", "vm-03", "vm-01", "vm-04"]),
        ("compliance_7", ["vm-02", "vm-01", "vm-03", "vm-04"]),
        ("-compliance_7", ["vm-01", "vm-03", "vm-02", "vm-04"]),
        ("-item", ["vm-04", "vm-03", "vm-02", "vm-01"]),
    ],
)
def test_compliance_is_listed_of_subscription_vault_and_item(sort: str, names: list[str]) -> None:
    """Worst first, or by a column; the whole comes before its parts."""
    lines = compliance_lines(KEPT, KEPT.rows, Filters(show="compliance", sort=sort), Places(KEPT))
    assert [each.level for each in lines] == ["subscription", "vault", *["item"] * 4]
    assert [each.name for each in lines[2:]] == names


def test_the_page_shows_compliance_with_its_numbers() -> None:
    """And since when it counts; a vault leads to what it has."""
    body = page_answer(page(snapshot(KEPT), [], Filters(show="compliance"), {}, PORTAL)).body
    assert "50.0 %" in body
    assert "none scheduled" in body
    assert "counted since Thu 12 Nov" in body
    assert "show=compliance&amp;format=csv" in body
    assert 'href="status?vault=' in body


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", ["vm-03", "vm-02", "vm-01"]),
        ("item", ["vm-01", "vm-02", "vm-03"]),
        ("-item", ["vm-03", "vm-02", "vm-01"]),
        ("last_good", ["vm-03", "vm-02", "vm-01"]),
        ("-last_good", ["vm-01", "vm-02", "vm-03"]),
        ("outcome", ["vm-03", "vm-02", "vm-01"]),
    ],
)
def test_items_are_sorted_by_a_column(sort: str, names: list[str]) -> None:
    """Up and down; a column that items do not have changes nothing."""
    made = dashboard(
        backups(good=range(14)),
        backups(good=range(2, 14), bad=[0], of=item(2)),
        closed=[closed(Outcome.NEEDS_ACTION, of=item(3)), closed(Outcome.RECOVERED, 0, item(2))],
    )
    assert [line.name for line in board(made, Filters(sort=sort)).lines] == names


def test_incidents_are_listed_filtered_and_sorted() -> None:
    """Newest first; what a dry run held back is an outcome of its own, and each tile leads to its list."""
    ended = [
        closed(Outcome.RECOVERED, 1, item(1)),
        closed(Outcome.NEEDS_ACTION, 2, item(2)),
        replace(closed(Outcome.LEFT_ALONE, 3, item(3)), reason=Reason.DRY_RUN),
    ]
    made = dashboard(closed=ended)

    def names(**filters: str) -> list[str]:
        return [each.item.named() for each in incidents(made, Filters(**filters))]  # type: ignore[arg-type]

    assert names() == ["vm-01", "vm-02", "vm-03"]
    assert names(sort="-item") == ["vm-03", "vm-02", "vm-01"]
    assert names(outcome="dry_run") == ["vm-03"]
    assert names(outcome="left_alone") == []
    assert names(text="vm-02") == ["vm-02"]
    [line] = incident_list(made, Filters(outcome="dry_run"), Places(made)).lines
    assert line.outcome == "Would have been retried (dry run)"
    shown = page(snapshot(made), [], Filters(show="incidents"), {}, PORTAL)
    tiles = {tile.label: (tile.number, tile.url) for tile in shown.tiles_of_14_days}
    assert tiles["would have been retried (dry run)"] == (1, "status?show=incidents&outcome=dry_run")
    body = page_answer(shown).body
    assert body.count('<th scope="row"><a href="incidents/') == 3
    assert "3 closed" in body


def test_incidents_come_in_pages_with_previous_and_next() -> None:
    """A hundred on each."""
    made = dashboard(
        closed=[closed(Outcome.RECOVERED, of=item(each), name=f"i-{each}") for each in range(250)]
    )
    body = page_answer(page(snapshot(made), [], Filters(show="incidents", page=2), {}, PORTAL)).body
    assert ">Previous</a>" in body
    assert ">Next</a>" in body
    assert "Page 2 of 3" in body


def test_two_vaults_of_one_name_are_two_vaults() -> None:
    """Named with their subscription, and chosen by their ids."""
    other = vault("vault-1", subscription=OTHER_SUBSCRIPTION)
    made = dashboard(backups(good=[0]), backups(good=[0], of=item(2, other)))
    made = replace(made, subscriptions={SUBSCRIPTION: "Production", OTHER_SUBSCRIPTION: "Shop"})
    choices = page(snapshot(made), [], Filters(), {}, PORTAL).choices.vaults
    assert [each.label for each in choices] == [
        "vault-1 (rg-backup, Production)",
        "vault-1 (rg-backup, Shop)",
    ]
    assert [row.name for row in Filters(vault=choices[1].value).apply(made)] == ["vm-02"]


def test_databases_and_shares_are_named_with_what_they_are_on() -> None:
    """A database named master is on every server."""
    sql = replace(
        item(), container="VMAppContainer;Compute;rg-app;sqlvm01", name="SQLDataBase;MSSQLSERVER;master"
    )
    share = replace(item(), container="StorageContainer;Storage;rg-app;acc01", name="AzureFileShare;docs")
    rows = dashboard(backups(good=[0], of=sql), backups(good=[0], of=share)).rows
    assert sorted(row.name for row in rows) == ["docs in acc01", "master on sqlvm01"]
    assert [item_url(each, PORTAL).rsplit("/", 1)[-1] for each in (item(), sql, share)] == [
        "backup",
        "backupItems",
        "backupItems",
    ]


def test_an_hour_of_somebodys_zone_is_shown_with_utc_beside_it() -> None:
    """In the zone of the address; hovering shows UTC."""
    shown = page(
        snapshot(dashboard(GOOD)), [], Filters(), {}, PORTAL, app=App(zone=ZoneInfo("Europe/Berlin"))
    )
    body = page_answer(shown).body
    assert 'title="22 Nov 2026, 14:00:00 UTC">22 Nov 2026, 15:00 CET</time>' in body
