"""What people may do in the app's resource group, and from where."""

import json

import pytest

from tests.bicep_files import asked
from tools.compiled_bicep import OPERATORS, READERS

LEDGER_READER = "76199698-9eea-4c19-bc75-cec21354c6b6"
LEDGER_OPERATOR = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
MONITORING_READER = "43d0d8ad-25c7-4714-9337-8ba303b4e57c"


def roles_of(snapshot: str, person: str) -> set[str]:
    """The last part of each role's id, or "app reader" for our own."""
    [own] = asked(snapshot, "Microsoft.Authorization/roleDefinitions")
    found = [
        each["properties"]["roleDefinitionId"].rsplit("/", 1)[1]
        for each in asked(snapshot, "Microsoft.Authorization/roleAssignments")
        if each["properties"]["principalId"] == person
    ]
    assert len(found) == len(set(found))
    return {"app reader" if role == own["name"] else role for role in found}


@pytest.mark.parametrize(
    ("snapshot", "person", "ledger"),
    [
        ("main", "[deployer().objectId]", LEDGER_OPERATOR),
        ("main-everything", OPERATORS, LEDGER_OPERATOR),
        ("main-everything", READERS, LEDGER_READER),
    ],
)
def test_people_have_the_rights_of_their_part(snapshot: str, person: str, ledger: str) -> None:
    """Whoever installs operates; who is named twice, or as both, operates, and has each role once."""
    assert roles_of(snapshot, person) == {ledger, MONITORING_READER, "app reader"}


def test_whoever_installs_need_not_be_an_operator() -> None:
    """DEPLOYER_IS_OPERATOR switches it off."""
    assert "deployer()" not in json.dumps(asked("main-everything"))


def test_people_read_settings_and_cannot_change_the_app() -> None:
    """Reading them is a right of its own; whoever changes the code acts with the app's rights."""
    [role] = asked("main", "Microsoft.Authorization/roleDefinitions")
    [permission] = role["properties"]["permissions"]
    assert permission["actions"] == ["Microsoft.Web/sites/read", "Microsoft.Web/sites/config/list/action"]


@pytest.mark.parametrize(
    ("snapshot", "access", "addresses"),
    [
        ("main", ("Enabled", "Allow"), []),
        ("main-private", ("Disabled", "Deny"), []),
        ("main-everything", ("Enabled", "Deny"), ["203.0.113.7", "198.51.100.0/24"]),
    ],
)
def test_a_closed_network_lets_the_named_addresses_in(
    snapshot: str, access: tuple[str, str], addresses: list[str]
) -> None:
    """And nobody else: what is not named is denied as before."""
    [account] = asked(snapshot, "Microsoft.Storage/storageAccounts")
    storage = account["properties"]
    rules = storage["networkAcls"]
    assert (storage["publicNetworkAccess"], rules["defaultAction"]) == access
    assert [rule["value"] for rule in rules["ipRules"]] == addresses
