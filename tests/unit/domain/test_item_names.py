"""How items of one name are told apart: by the server, the instance or the account that holds them."""

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.estate import Backups
from tests.builders import vault


@pytest.mark.parametrize(
    ("container", "name", "said", "expected"),
    [
        ("VMAppContainer;Compute;rg-sql;sqlvm01", "SQLDataBase;mssqlserver;master", "", "master on sqlvm01"),
        ("VMAppContainer;Compute;rg-sql;sqlvm01", "SQLDataBase;inst2;master", "", r"master on sqlvm01\inst2"),
        ("VMAppContainer;Compute;rg;hanavm1", "SAPHanaDatabase;hn1;systemdb", "", r"systemdb on hanavm1\hn1"),
        ("SQLAGWorkLoadContainer;6b0f4c1e", "SQLDataBase;aghr;payroll", "", "payroll on aghr"),
        ("StorageContainer;storage;rg;stfiles01", "AzureFileShare;3f9ac0", "docs", "docs in stfiles01"),
        (
            "IaasVMContainer;iaasvmcontainerv2;rg-app;vm-01",
            "VM;iaasvmcontainerv2;rg-app;vm-01",
            "vm-01",
            "vm-01",
        ),
        ("Windows;srv01.corp", "FileFolder;77aa", "D:\\", "D:\\ on srv01.corp"),
        ("odd", "odd", "", "odd"),
    ],
)
def test_an_item_is_named_with_what_holds_it(container: str, name: str, said: str, expected: str) -> None:
    """And by what Resource Graph calls it, where its id has a hash."""
    item = ProtectedItem(vault=vault(), container=container, name=name)
    assert Backups(item=item, name=said).full_name == expected


@pytest.mark.parametrize(
    ("holder", "expected"), [("pg01", "orders on pg01"), ("orders", "orders"), ("", "orders")]
)
def test_an_instance_is_named_with_its_server(holder: str, expected: str) -> None:
    """A backup vault says which server a database is of; what is its own set needs no telling apart."""
    item = ProtectedItem(vault=vault(), name="orders-orders-aaaaaaaa-0000-0000-0000-000000000001")
    assert Backups(item=item, name="orders", holder=holder).full_name == expected
