"""The tags by which a machine, a group or a vault says how its backups are to be retried."""

from dataclasses import replace

import pytest

from backup_retry.domain.tags import PROFILE, RETRY, Tags, read_tags, resources_above, tags_of
from tests.builders import SUBSCRIPTION, item, vault

MACHINE = item().machine_id
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-app"
VAULT_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-backup"


def tags(*tagged: tuple[str, str, str]) -> Tags:
    """What the item's resources say: (resource, tag, value)."""
    values: dict[str, dict[str, str]] = {}
    for resource_id, name, value in tagged:
        values.setdefault(resource_id.lower(), {}).update(read_tags({name: value}))
    return tags_of(resources_above(item()), values)


@pytest.mark.parametrize("resource_id", [MACHINE, GROUP, vault().id, VAULT_GROUP])
@pytest.mark.parametrize(
    ("value", "off", "asks"),
    [
        ("off", True, False),
        (" OFF ", True, False),
        ("ask", False, True),
        ("Ask", False, True),
        ("on", False, False),
        ("auto", False, False),
        ("", False, False),
        # somebody meant to hold something back: it does not go without a person
        ("aks", False, True),
        ("0ff", False, True),
    ],
)
def test_each_resource_above_an_item_may_hold_it_back(
    resource_id: str, value: str, off: bool, asks: bool
) -> None:
    """Machine, its group, the vault and its group; a value that nobody knows never permits."""
    found = tags((resource_id, "Backup-Retry", value))
    assert (bool(found.opted_out_by), found.asks_first is not None) == (off, asks)


def test_off_counts_wherever_it_stands_and_ask_beside_it() -> None:
    """The strictest word counts, not the nearest."""
    found = tags((MACHINE, RETRY, "on"), (GROUP, RETRY, "ask"), (vault().id, RETRY, "off"))
    assert found.opted_out_by == vault().key
    assert found.asks_first is not None
    assert found.asks_first.resource_id == GROUP.lower()


@pytest.mark.parametrize(
    ("tagged", "profile"),
    [
        ([], None),
        ([(vault().id, "Production")], "production"),
        ([(vault().id, "production"), (MACHINE, "test")], "test"),
        ([(vault().id, "production"), (GROUP, "test")], "test"),
        ([(VAULT_GROUP, "all"), (vault().id, "production")], "production"),
        ([(vault().id, "production"), (MACHINE, "  ")], "production"),
    ],
)
def test_the_nearest_profile_counts(tagged: list[tuple[str, str]], profile: str | None) -> None:
    """A machine's before its group's, that before the vault's; an empty one names none."""
    found = tags(*((resource_id, PROFILE, value) for resource_id, value in tagged)).profile
    assert (found.value if found else None) == profile


def test_a_resource_that_only_the_vault_names_is_asked_as_well() -> None:
    """Where the item's own names do not tell it."""
    odd = replace(item(), container="Windows;server")
    above = resources_above(odd, source_id=f"{GROUP}/providers/Microsoft.Storage/storageAccounts/Data")
    assert above[0].endswith("/storageaccounts/data")
    assert above[1] == GROUP.lower()
