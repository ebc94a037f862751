"""Which items this app may touch."""

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.tag_lookup import MemoryTagLookup
from tests.builders import SUBSCRIPTION, item, vault


@pytest.mark.parametrize(
    ("patterns", "names", "allowed"),
    [
        ((), ["rsv-prod"], True),
        (("rsv-prod",), ["RSV-Prod"], True),
        (("rsv-prod",), ["rsv-lab"], False),
        (("rsv-*",), ["rsv-lab"], True),
        (("!rsv-lab",), ["rsv-prod"], True),
        (("!rsv-lab",), ["rsv-lab"], False),
        (("rsv-*", "!rsv-lab"), ["rsv-lab"], False),
        (("rg-a",), ["rg-b", "rg-a"], True),
        (("!rg-a",), ["rg-b", "rg-a"], False),
        (("rg-a",), [""], False),
    ],
)
def test_names_allow_and_refuse(patterns: tuple[str, ...], names: list[str], allowed: bool) -> None:
    """A refusal wins; without any allowed name, all that are not refused are allowed."""
    assert Names(patterns=patterns).allow(names) is allowed


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        (Scope(), ""),
        (Scope(subscriptions=Names(patterns=(SUBSCRIPTION,))), ""),
        (Scope(subscriptions=Names(patterns=(f"!{SUBSCRIPTION}",))), "SCOPE_SUBSCRIPTIONS"),
        (Scope(vaults=Names(patterns=("other",))), "SCOPE_VAULTS"),
        (Scope(resource_groups=Names(patterns=("rg-app",))), ""),
        (Scope(resource_groups=Names(patterns=("rg-backup",))), ""),
        (Scope(resource_groups=Names(patterns=("!rg-app",))), "SCOPE_RESOURCE_GROUPS"),
        (Scope(workloads=Names(patterns=("!VM",))), "SCOPE_WORKLOADS"),
    ],
)
def test_an_item_has_to_pass_all_four(scope: Scope, why: str) -> None:
    """The answer names the setting that keeps the item out."""
    answer = scope.why_not(item(), "VM", item().machine_id)
    assert (why in answer) if why else answer == ""


@pytest.mark.parametrize(
    "tagged",
    [
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG-APP/providers/Microsoft.Compute/virtualMachines/VM-01",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-app",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-backup",
        vault().id,
    ],
)
async def test_a_tag_on_the_machine_its_group_or_the_vault_opts_out(tagged: str) -> None:
    """Casing does not matter; another machine's tag does not opt this one out."""
    lookup = MemoryTagLookup()
    lookup.tag(tagged, retry="off")
    assert (await lookup.tags_of(item(1))).opted_out_by == tagged.lower()
    elsewhere = item(2, of=Vault(subscription=SUBSCRIPTION, resource_group="rg-z", name="vault-z"))
    assert (await lookup.tags_of(elsewhere)).opted_out_by in {
        "",
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-app",
    }


async def test_an_item_whose_names_tell_no_machine_can_be_opted_out_by_its_vault() -> None:
    """A container of an unknown kind has no machine id."""
    odd = ProtectedItem(vault=vault(), container="Odd;thing", name="db")
    assert odd.machine_id == ""
    lookup = MemoryTagLookup()
    lookup.tag(vault().id, retry="off")
    assert (await lookup.tags_of(odd)).opted_out_by == vault().key
