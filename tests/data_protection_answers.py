"""Answers of backup vaults, read through Microsoft's models as the adapter reads them."""

import json
from typing import Any

from azure.mgmt.dataprotection import models

from backup_retry.azure.data_protection_wire import read_job
from backup_retry.domain.arm_ids import Vault, VaultKind
from backup_retry.domain.jobs import Job
from tests.recorded import RECORDINGS

REST = RECORDINGS.parent / "rest"
Json = dict[str, Any]
VAULT = Vault(
    subscription="aaaaaaaa-0000-0000-0000-000000000001",
    resource_group="rg-backup",
    name="backup-1",
    kind=VaultKind.BACKUP,
)


def body_of(name: str) -> Any:
    """The body that was answered in a recording."""
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))["response"]["body"]


def job_of(row: Json, vault: Vault = VAULT) -> Job:
    """A job as the adapter reads it: Microsoft's model, then ours."""
    resource = models.AzureBackupJobResource(row)
    return read_job(str(resource.name), resource.properties or {}, vault)
