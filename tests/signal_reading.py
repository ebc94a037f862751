"""What tests of signals compare: what a signal names, in short; and the ids in `tests/payloads`."""

from typing import NamedTuple

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.errors import BadSignal
from reactor.signals import Ignored, Signal
from tests.builders import SUBSCRIPTION, item, vault

JOB = "4f6c2d1e-8a3b-4c5d-9e7f-0a1b2c3d4e5f"
VAULT, VM = vault(), item()
DISKS = Vault(subscription=SUBSCRIPTION, resource_group="rg-backup", name="disks-1", kind=VaultKind.BACKUP)
DISK = ProtectedItem(vault=DISKS, name="disk-1")
_APP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-app/providers/Microsoft.Compute"
MACHINE_ID = f"{_APP}/virtualMachines/vm-01"
DISK_ID = f"{_APP}/disks/disk-1"


class Says(NamedTuple):
    """What a signal names: keys, so that casing is no difference."""

    vault: str = ""
    job: str = ""
    item: str = ""
    resource: str = ""


def says(signal: object) -> Says:
    """What a signal names; fails where it is none."""
    assert isinstance(signal, Signal), signal
    return Says(
        vault=signal.vault.key if signal.vault else "",
        job=signal.job_id,
        item=signal.item.key if signal.item else "",
        resource=signal.resource_id.lower(),
    )


def why_not(signal: object) -> str:
    """Why a signal is ignored; fails where it is not."""
    assert isinstance(signal, Ignored), signal
    return signal.why


def in_short(read: Signal | Ignored | BadSignal) -> Says | type[Ignored] | type[BadSignal]:
    """What became of a payload: what it names, or how it was turned down."""
    if isinstance(read, Signal):
        return says(read)
    return BadSignal if isinstance(read, BadSignal) else Ignored


#: the signals that many payloads are meant to give
THE_JOB = Says(VAULT.key, JOB, VM.key)
THE_VM = Says(VAULT.key, item=VM.key)
THE_VAULT = Says(VAULT.key)
THE_DISK = Says(DISKS.key, item=DISK.key)
