"""Vaults, policies and items as the estate's JSON describes them."""

from collections import deque
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.estate.file_parts import EstateError, Name, OutcomeFile, Part, Seconds
from simulator.estate.inventory import Item, Policy, Vault
from simulator.estate.workloads import DATA_PROTECTION, DISK, RECOVERY_SERVICES, VM, WORKLOADS, Workload

_PROVIDERS = {"recovery_services": RECOVERY_SERVICES, "backup": DATA_PROTECTION}
#: The protection states of items, the usual one first.
_STATES = {
    RECOVERY_SERVICES: ("Protected", "IRPending", "ProtectionStopped", "ProtectionError"),
    DATA_PROTECTION: (
        "ProtectionConfigured",
        "ConfiguringProtection",
        "ProtectionStopped",
        "ProtectionError",
        "SoftDeleted",
    ),
}
_LOG_MINUTES = 60


class ItemFile(Part):
    """A protected item: `vm`, or `workload` and `name`."""

    vm: Name | None = None
    workload: str = VM.name
    name: Name | None = None
    #: What holds it: the VM of a database, the server of an agent, the storage account of a share.
    server: Name | None = None
    account: Name | None = None
    #: The SQL instance, the HANA system's SID.
    instance: Name | None = None
    resource_group: Name = "rg-app"
    hashed_name: bool = False
    #: None: the usual state of its kind of vault.
    protection_state: str | None = None
    #: None: the usual policy of its workload.
    policy: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    #: How long ago the last good backup began, not of an item that is IRPending; None: as long as its policy waits
    #: for the next one.
    last_backup_age_seconds: Seconds | None = None
    next_outcomes: list[OutcomeFile] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names(self) -> Self:
        workload = workload_named(self.workload)
        if (self.vm is None) == (self.name is None) or (self.vm and workload is not VM):
            raise ValueError("an item has either vm, or workload and name")
        needs = {
            "server": workload.parent == "server",
            "account": workload.parent == "account",
            "instance": "{instance}" in workload.item,
        }
        for key, needed in needs.items():
            if needed != (getattr(self, key) is not None):
                raise ValueError(f"{workload.name} {'needs' if needed else 'has no'} {key}")
        return self

    def build(self, vault: Vault, now: datetime) -> Item:
        """The item.

        Raises:
            EstateError: it does not fit the vault, or its policy does not fit it.
        """
        workload = workload_named(self.workload)
        state = self._state(vault, workload)
        never = state == "IRPending"
        policy, age = self._policy(vault, workload), self.last_backup_age_seconds
        before = policy.interval if age is None else timedelta(seconds=age)
        return Item(
            vault=vault,
            workload=workload,
            friendly_name=self.shown_name,
            resource_group=self.resource_group,
            parent=self.server or self.account or "",
            instance=self.instance or "",
            hashed_name=self.hashed_name,
            policy=policy,
            protection_state=state,
            tags=dict(self.tags),
            backed_up_before=None if never else now - before,
            next_outcomes=deque(each.build() for each in self.next_outcomes),
        )

    @property
    def shown_name(self) -> str:
        """The name of what is protected."""
        return self.vm or self.name or ""

    def _state(self, vault: Vault, workload: Workload) -> str:
        where = f"items of {vault.name}: {self.shown_name}"
        if workload.provider != vault.provider:
            raise EstateError(f"{where}: no {vault.provider} vault holds {workload.name}")
        states = _STATES[vault.provider]
        if self.protection_state not in {None, *states}:
            raise EstateError(f"{where}: protection_state is none of {', '.join(states)}")
        return self.protection_state or states[0]

    def _policy(self, vault: Vault, workload: Workload) -> Policy:
        wanted = self.policy or workload.default_policy
        if not wanted:
            return Policy(name="", workload=workload)
        for policy in vault.policies:
            if policy.name.lower() == wanted.lower() and policy.workload is workload:
                return policy
        whose = "" if workload is VM else f" for {workload.name}"
        raise EstateError(f"items of {vault.name}: {self.shown_name}: there is no policy {wanted!r}{whose}")


class PolicyFile(Part):
    """A daily policy."""

    name: Name
    #: None: VM, or disks in a Backup vault.
    workload: str | None = None
    run_time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):(00|30)$")] = "22:00"
    time_zone: str = "UTC"
    retention_days: Annotated[int, Field(ge=7, le=9999)] = 30
    log_minutes: Annotated[int, Field(ge=15, le=1440)] | None = None
    backup_rule: Name | None = "BackupDaily"
    retention_tag: Name = "Default"
    period: Annotated[str, Field(pattern=r"^P")] = "P1D"

    def build(self, provider: str) -> Policy:
        """The policy of a vault of that provider.

        Raises:
            EstateError: no such vault holds its workload.
        """
        workload = DISK if provider == DATA_PROTECTION else VM
        if self.workload is not None:
            try:
                workload = workload_named(self.workload)
            except ValueError as error:
                raise EstateError(f"policy {self.name}: {error}") from None
        if workload.provider != provider or not workload.default_policy:
            raise EstateError(f"policy {self.name}: no {provider} vault has policies for {workload.name}")
        return Policy(**self.model_dump(exclude={"workload"}), workload=workload)


class VaultFile(Part):
    """A vault with its items."""

    kind: Literal["recovery_services", "backup"] = "recovery_services"
    subscription: str
    resource_group: Name
    name: Name
    location: str = "westeurope"
    alerts_for_all_job_failures: bool = True
    tags: dict[str, str] = Field(default_factory=dict)
    items: list[ItemFile] = Field(default_factory=list)
    policies: list[PolicyFile] = Field(default_factory=list)

    def build(self, now: datetime) -> Vault:
        """The vault with its items.

        Raises:
            EstateError: an item or a policy does not fit.
        """
        vault = Vault(
            subscription_id=self.subscription,
            resource_group=self.resource_group,
            name=self.name,
            provider=_PROVIDERS[self.kind],
            location=self.location,
            alerts_for_all_job_failures=self.alerts_for_all_job_failures,
            tags=dict(self.tags),
            policies=self._policies(_PROVIDERS[self.kind]),
        )
        vault.items.extend(item.build(vault, now) for item in self.items)
        return vault

    def _policies(self, provider: str) -> list[Policy]:
        """The vault's own policies after the usual ones of the workloads that are there, and of VMs."""
        own = [policy.build(provider) for policy in self.policies]
        names = {policy.name for policy in own}
        used = [VM] if provider == RECOVERY_SERVICES else []
        used += [workload_named(item.workload) for item in self.items if item.policy is None]
        usual = [_usual_policy(workload) for workload in dict.fromkeys(used) if workload.default_policy]
        return [policy for policy in usual if policy.name not in names] + own


def workload_named(name: str) -> Workload:
    """The workload.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in WORKLOADS:
        raise ValueError(f"there is no workload {name!r}; there are {', '.join(WORKLOADS)}")
    return WORKLOADS[name]


def _usual_policy(workload: Workload) -> Policy:
    log_minutes = _LOG_MINUTES if "Log" in workload.kinds else None
    return Policy(name=workload.default_policy, workload=workload, log_minutes=log_minutes)
