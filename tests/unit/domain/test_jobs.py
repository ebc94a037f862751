"""The domain's words: which ids are ids, and which jobs are whose."""

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, Vault, parse_job_id
from backup_retry.domain.jobs import JobStatus
from tests.builders import SUBSCRIPTION, item, job, vault

VAULT_ID = vault().id
ITEM_ID = item().id


@pytest.mark.parametrize("arm_id", [VAULT_ID, VAULT_ID.lower(), VAULT_ID.upper(), VAULT_ID + "/"])
def test_a_vault_id_is_read_in_every_casing(arm_id: str) -> None:
    """ARM compares ids without case, and one payload shows several casings."""
    parsed = Vault.parse(arm_id)

    assert parsed is not None
    assert parsed.key == vault().key


def test_an_id_below_a_vault_names_the_vault() -> None:
    """What follows the vault's name is not looked at."""
    assert Vault.parse(ITEM_ID) == vault()


def test_a_vault_keeps_its_casing_and_compares_without_it() -> None:
    """The id is shown as it came, the key is lower case."""
    parsed = Vault.parse(VAULT_ID.replace("rg-backup", "RG-Backup"))

    assert parsed is not None
    assert "RG-Backup" in parsed.id
    assert parsed.key == VAULT_ID.lower()


@pytest.mark.parametrize(
    "arm_id",
    [
        pytest.param("", id="nothing"),
        pytest.param("vault-1", id="a-bare-name"),
        pytest.param(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-backup", id="a-resource-group"),
        pytest.param(VAULT_ID.replace("RecoveryServices", "DataProtection"), id="another-provider"),
        pytest.param(VAULT_ID.replace(SUBSCRIPTION, "not-a-guid"), id="subscription-is-no-guid"),
        pytest.param(VAULT_ID.replace("rg-backup", ".."), id="dots-climb"),
        pytest.param(VAULT_ID.replace("rg-backup", "."), id="one-dot"),
        pytest.param(VAULT_ID.replace("rg-backup", "..."), id="three-dots"),
        pytest.param(VAULT_ID.replace("rg-backup", "a/../b"), id="dots-in-the-middle"),
        pytest.param(VAULT_ID.replace("rg-backup", "a?b"), id="a-query"),
        pytest.param(VAULT_ID.replace("rg-backup", "a#b"), id="a-fragment"),
        pytest.param(VAULT_ID.replace("rg-backup", "a\nb"), id="a-new-line"),
        pytest.param(VAULT_ID.replace("vault-1", "1vault"), id="name-begins-with-a-digit"),
        pytest.param(VAULT_ID.replace("vault-1", "v" * 51), id="name-is-too-long"),
        pytest.param(VAULT_ID + "?api-version=1", id="trailing-query"),
        pytest.param(VAULT_ID + "\n", id="trailing-new-line"),
        pytest.param(VAULT_ID + " x", id="trailing-word"),
        pytest.param("x" + VAULT_ID, id="leading-junk"),
        pytest.param("https://management.azure.com" + VAULT_ID, id="a-url"),
    ],
)
def test_what_is_no_vault_id_names_no_vault(arm_id: str) -> None:
    """It would become part of a URL: only the exact form passes."""
    assert Vault.parse(arm_id) is None


@pytest.mark.parametrize("arm_id", [ITEM_ID, ITEM_ID.lower(), ITEM_ID.upper()])
def test_an_item_id_is_read_in_every_casing(arm_id: str) -> None:
    """Names with semicolons are kept as they are."""
    parsed = ProtectedItem.parse(arm_id)

    assert parsed is not None
    assert parsed.key == item().key
    assert parsed.container.lower() == "iaasvmcontainer;iaasvmcontainerv2;rg-app;vm-01"


def test_an_item_name_may_hold_spaces() -> None:
    """Databases are called what people call them."""
    parsed = ProtectedItem.parse(ITEM_ID.replace("vm-01", "my vm"))

    assert parsed is not None
    assert parsed.friendly_name == "my vm"


@pytest.mark.parametrize(
    "arm_id",
    [
        pytest.param(VAULT_ID, id="only-the-vault"),
        pytest.param(ITEM_ID + "/", id="trailing-slash"),
        pytest.param(ITEM_ID + "/backup", id="trailing-action"),
        pytest.param(ITEM_ID + "/../x", id="dots-after"),
        pytest.param(ITEM_ID + "?x=1", id="trailing-query"),
        pytest.param(ITEM_ID + "\n", id="trailing-new-line"),
        pytest.param(ITEM_ID.rsplit("/", 1)[0] + "/..", id="name-is-dots"),
        pytest.param(ITEM_ID.replace("/backupFabrics/Azure", "/backupFabrics/Other"), id="another-fabric"),
        pytest.param(ITEM_ID.replace("/protectionContainers/", "/x/"), id="no-container"),
        pytest.param(ITEM_ID.replace("IaasVMContainer;", "a/b;"), id="a-slash-in-the-container"),
    ],
)
def test_what_is_no_item_id_names_no_item(arm_id: str) -> None:
    """Traversal and trailing junk are refused, not cut off."""
    assert ProtectedItem.parse(arm_id) is None


@pytest.mark.parametrize("part", ["/backupJobs/", "/BACKUPJOBS/", "/backupjobs/"])
def test_a_job_id_names_vault_and_job(part: str) -> None:
    """The bare id keeps its casing."""
    assert parse_job_id(f"{VAULT_ID}{part}4F6C-2d1e") == (vault(), "4F6C-2d1e")


@pytest.mark.parametrize(
    "tail",
    ["", "/backupJobs", "/backupJobs/", "/backupJobs/..", "/backupJobs/a/b", "/backupJobs/a;b", "/jobs/a"],
)
def test_what_is_no_job_id_names_no_job(tail: str) -> None:
    """Nothing but letters, digits and dashes."""
    assert parse_job_id(VAULT_ID + tail) is None


# ---- jobs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("Backup", True),
        ("backup", True),
        ("Backup (Full)", True),
        ("Backup (Log)", True),
        ("Restore", False),
        ("ConfigureBackup", False),
        ("DeleteBackupData", False),
        ("BackupSomethingNew", False),
        ("", False),
    ],
)
def test_backups_of_every_kind_are_backups(operation: str, expected: bool) -> None:
    """Databases write "Backup (Log)"; configuration and restores share the list of jobs."""
    assert job(operation=operation).is_backup is expected


@pytest.mark.parametrize(
    ("status", "failed", "running", "succeeded"),
    [
        (JobStatus.IN_PROGRESS, False, True, False),
        (JobStatus.CANCELLING, False, True, False),
        (JobStatus.CANCELLED, True, False, False),
        (JobStatus.FAILED, True, False, False),
        (JobStatus.COMPLETED, False, False, True),
        (JobStatus.COMPLETED_WITH_WARNINGS, False, False, True),
    ],
)
def test_every_status_is_exactly_one_of_failed_running_succeeded(
    status: JobStatus, failed: bool, running: bool, succeeded: bool
) -> None:
    """A job with warnings made a recovery point; one that is being cancelled has not ended."""
    shown = job(status=status)

    assert (shown.failed, shown.status.running, shown.status.succeeded) == (failed, running, succeeded)


def test_a_job_that_names_its_item_is_of_that_item() -> None:
    """By key: casing does not matter, the friendly name is not looked at."""
    shouted = ProtectedItem.parse(ITEM_ID.upper())
    assert shouted is not None

    assert job(of=item(1)).is_of(shouted)
    assert not job(of=item(1)).is_of(item(2))


def test_a_job_that_may_be_of_several_items_is_of_none() -> None:
    """Its success must not be taken for that of the wrong one."""
    assert not job(of=item(1), names_item=False).is_of(item(1))


def test_a_job_of_another_vault_is_of_no_item_here() -> None:
    """The same name in two vaults is two items."""
    assert not job(of=item(of=vault("vault-2")), names_item=False).is_of(item())
