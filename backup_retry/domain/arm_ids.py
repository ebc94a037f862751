"""What ARM ids name: vaults of both kinds, protected items, jobs. An id that names none of them is never used."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

# ASCII: without it, [a-z] would take the Kelvin sign for a k.
_FLAGS = re.IGNORECASE | re.ASCII
# Dots alone would climb out of the path once a URL is normalised.
_LETTER = r"[^/?#\s\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_SEGMENT = rf"(?!\.+(?:/|$)){_LETTER}+(?: {_LETTER}+)*"
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_VAULT_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{_GUID})"
    rf"/resourcegroups/(?P<resource_group>{_SEGMENT})"
    r"/providers/(?P<kind>microsoft\.recoveryservices/vaults|microsoft\.dataprotection/backupvaults)"
    r"/(?P<name>[a-z][a-z0-9-]{1,49})",
    _FLAGS,
)
_RESTORE = r"(?:/restores/(?P<restore_job>[0-9a-z-]{1,64}))?"
_ITEM_TAIL = re.compile(
    rf"/backupfabrics/azure/protectioncontainers/(?P<container>{_SEGMENT})"
    rf"/protecteditems/(?P<name>{_SEGMENT}){_RESTORE}",
    _FLAGS,
)
_INSTANCE_TAIL = re.compile(rf"/backupinstances/(?P<name>{_SEGMENT}){_RESTORE}", _FLAGS)
_JOB_TAIL = re.compile(r"/backupjobs/(?P<job>[0-9a-z-]{1,64})", _FLAGS)
_RESOURCE_WITH_GROUP = re.compile(
    rf"/subscriptions/{_GUID}/resourcegroups/(?P<group>[\w.()-]{{1,90}})/providers/[\w./()-]+", _FLAGS
)
_MACHINES = {
    "iaasvmcontainer": "microsoft.compute/virtualmachines",
    "vmappcontainer": "microsoft.compute/virtualmachines",
    "storagecontainer": "microsoft.storage/storageaccounts",
}
_MACHINE_PARTS = 3
#: containers of what is on one machine or in one account, and of what moves between several
_HOLDERS = frozenset({"vmappcontainer", "storagecontainer", "windows", "dpmcontainer"})
_GROUPS_OF_SERVERS = frozenset({"sqlagworkloadcontainer", "hanahsrcontainer"})
#: the instance that a server has where nobody names one
_USUAL_INSTANCES = frozenset({"", "mssqlserver"})
#: an instance is named by its source, its source again and a GUID
_INSTANCE_NAME = re.compile(rf"(?P<friendly>.+?)-(?P=friendly)-{_GUID}", _FLAGS)
#: no container of Azure's begins so
STAND_IN = "Unlisted;"
JOB_ID = re.compile(r"[0-9a-z-]{1,64}", _FLAGS)
#: a resource's ARM id: no quote, no backslash, nothing else that could end a text in KQL
RESOURCE_ID = re.compile(
    r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourcegroups/[\w.()-]{1,90}"
    r"/providers/[a-z0-9.]{1,80}(?:/[a-z0-9]{1,80}/[\w.()$-]{1,260}){1,5}",
    _FLAGS,
)


class VaultKind(StrEnum):
    """The two kinds of vault, by their resource types."""

    #: VMs, file shares, databases in VMs, agents
    RECOVERY_SERVICES = "Microsoft.RecoveryServices/vaults"
    #: disks, blobs, clusters, managed databases
    BACKUP = "Microsoft.DataProtection/backupVaults"


@dataclass(frozen=True, kw_only=True)
class Vault:
    """A vault; ids keep the casing they came with, keys compare."""

    subscription: str
    resource_group: str
    name: str
    kind: VaultKind = VaultKind.RECOVERY_SERVICES

    @cached_property
    def id(self) -> str:
        """The vault's ARM id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/{self.kind}/{self.name}"
        )

    @cached_property
    def key(self) -> str:
        """The ARM id, lower-cased: ARM compares ids without case."""
        return self.id.lower()

    @classmethod
    def parse(cls, arm_id: str) -> "Vault | None":
        """The vault that an ARM id names, or None; anything below the vault is ignored."""
        match = _VAULT_ID.match(arm_id)
        if match is None or arm_id[match.end() : match.end() + 1] not in {"", "/"}:
            return None
        return cls(
            subscription=match["subscription"].lower(),
            resource_group=match["resource_group"],
            name=match["name"],
            kind=next(kind for kind in VaultKind if kind.lower() == match["kind"].lower()),
        )


@dataclass(frozen=True, kw_only=True)
class ProtectedItem:
    """What is backed up, as the vault names it: a protected item, or a backup vault's backup instance."""

    vault: Vault
    #: "" where this represents the whole vault, as the subject of an incident that no item is known for
    name: str
    #: the protection container; "" in a backup vault, which has none
    container: str = ""
    #: the job's id, where this represents one failed restore of the item and not its backups
    restore_job: str = ""

    @cached_property
    def id(self) -> str:
        """The item's ARM id, or its vault's; a failed restore has an id of its own below its item's."""
        if self.is_vault:
            return self.vault.id
        place = "backupInstances"
        if self.vault.kind is VaultKind.RECOVERY_SERVICES:
            place = f"backupFabrics/Azure/protectionContainers/{self.container}/protectedItems"
        restore = f"/restores/{self.restore_job}" if self.restore_job else ""
        return f"{self.vault.id}/{place}/{self.name}{restore}"

    @property
    def is_vault(self) -> bool:
        """True where this represents a whole vault."""
        return not self.name

    @cached_property
    def key(self) -> str:
        """The ARM id, lower-cased: the identity of an item everywhere in this project."""
        return self.id.lower()

    @property
    def is_stand_in(self) -> bool:
        """True for an id of our own making, of a job whose names fit no item of the vault."""
        return self.container.startswith(STAND_IN)

    @property
    def machine_id(self) -> str:
        """The ARM id of the protected machine or account, lower-cased, or "" where the names do not tell it."""
        kind, *rest = self.container.lower().split(";")
        known = _MACHINES.get(kind, "")
        if not known or len(rest) != _MACHINE_PARTS:
            return ""
        _, group, name = rest
        return f"/subscriptions/{self.vault.subscription}/resourcegroups/{group}/providers/{known}/{name}".lower()

    @property
    def friendly_name(self) -> str:
        """What a person calls it: the last part of the item's name, or the vault's."""
        if self.is_vault:
            return self.vault.name
        instance = _INSTANCE_NAME.fullmatch(self.name)
        name = instance["friendly"] if instance else self.name.rsplit(";", 1)[-1]
        return f"{name} (restore)" if self.restore_job else name

    @property
    def holder(self) -> str:
        """The server, availability group or account that a database, share or folder is on; "" for what is on none."""
        kind, *rest = self.container.split(";")
        instance = "".join(self.name.split(";")[1:-1])
        if kind.lower() in _GROUPS_OF_SERVERS:
            return instance
        if kind.lower() not in _HOLDERS or not rest:
            return ""
        return f"{rest[-1]}\\{instance}" if instance.lower() not in _USUAL_INSTANCES else rest[-1]

    def named(self, name: str = "", holder: str = "") -> str:
        """What tells it apart from others: its name, with the server or account that holds it."""
        own, place = name or self.friendly_name, self.holder or holder
        if place.casefold() in {"", own.casefold()}:
            return own
        return f"{own} {'in' if self.container.lower().startswith('storagecontainer') else 'on'} {place}"

    @classmethod
    def parse(cls, arm_id: str) -> "ProtectedItem | None":
        """The item that an ARM id names, or None where it names none."""
        vault = Vault.parse(arm_id)
        if vault is None:
            return None
        pattern = _ITEM_TAIL if vault.kind is VaultKind.RECOVERY_SERVICES else _INSTANCE_TAIL
        tail = pattern.fullmatch(_below_vault(arm_id))
        return (
            cls(vault=vault, **{name: part or "" for name, part in tail.groupdict().items()})
            if tail
            else None
        )


def subject_of(arm_id: str) -> ProtectedItem | None:
    """What an incident is about: the item that an ARM id names, or the whole vault; None where it names neither.

    Only for what this app has written itself: in a signal, a vault's id names no item.
    """
    if item := ProtectedItem.parse(arm_id):
        return item
    vault = Vault.parse(arm_id)
    return ProtectedItem(vault=vault, name="") if vault and not _below_vault(arm_id) else None


def resource_group_of(resource_id: str) -> str:
    """The resource group in any resource's ARM id, or ""."""
    match = _RESOURCE_WITH_GROUP.fullmatch(resource_id)
    return match["group"] if match else ""


def parse_job_id(arm_id: str) -> tuple[Vault, str] | None:
    """The vault and the bare job id that a job's ARM id names, or None where it names none."""
    vault = Vault.parse(arm_id)
    tail = _JOB_TAIL.fullmatch(_below_vault(arm_id)) if vault else None
    return (vault, tail["job"]) if vault and tail else None


def _below_vault(arm_id: str) -> str:
    match = _VAULT_ID.match(arm_id)
    return arm_id[match.end() :] if match else ""
