"""Vaults, policies and items as the estate's JSON describes them."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from simulator.estate.file_parts import EstateError, JobFile, Name, OutcomeFile, Part, Seconds
from simulator.estate.inventory import Item, PastJob, Vault
from simulator.estate.outcomes import Outcome
from simulator.estate.policies import Policy
from simulator.estate.policy_file import PolicyFile, workload_named
from simulator.estate.workloads import DATA_PROTECTION, RECOVERY_SERVICES, VM, Workload

_PROVIDERS = {"recovery_services": RECOVERY_SERVICES, "backup": DATA_PROTECTION}
#: The protection states of items, the usual one first.
_STATES = {
    RECOVERY_SERVICES: (
        "Protected",
        "IRPending",
        "ProtectionStopped",
        "ProtectionError",
        "ProtectionPaused",
        "BackupsSuspended",
        "SoftDeleted",
    ),
    DATA_PROTECTION: (
        "ProtectionConfigured",
        "ConfiguringProtection",
        "UpdatingProtection",
        "ConfiguringProtectionFailed",
        "ProtectionError",
        "BackupsSuspended",
        "BackupSchedulesSuspended",
        "ProtectionStopped",
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
    #: How its jobs call it; None: as those of its workload do.
    entity_name: str | None = None
    #: How long ago the last successful backup began, unless the item is IRPending; None: as long as its policy waits
    #: for the next one.
    last_backup_age_seconds: Seconds | Literal["never"] | None = None
    #: What has happened to it already, or is happening.
    jobs: list[JobFile] = Field(default_factory=list)
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
        state, age = self._state(vault, workload), self.last_backup_age_seconds
        policy, never = self._policy(vault, workload), state == "IRPending" or age == "never"
        before = timedelta(seconds=age) if isinstance(age, int | float) else policy.interval
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
            entity_name=self.entity_name or "",
            backed_up_before=None if never else now - before,
            next_outcomes=deque(each.build() for each in self.next_outcomes),
        )

    def past_jobs(self, item: Item) -> Iterator[PastJob]:
        """The jobs that had begun before, oldest first.

        Raises:
            EstateError: one is of a kind that the item's workload has not.
        """
        for job in sorted(self.jobs, key=lambda job: -job.age_seconds):
            try:
                job.check_kind(item.workload)
            except ValueError as error:
                raise EstateError(f"jobs of {self.shown_name}: {error}") from error
            yield PastJob(
                item=item,
                operation=job.operation,
                kind=job.kind,
                outcome=job.outcome.build(),
                age=timedelta(seconds=job.age_seconds),
                user_triggered=not job.scheduled,
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

    def past_jobs(self, vault: Vault) -> Iterator[PastJob]:
        """What had begun before in the vault that was built: its items' own jobs, and those of changed policies."""
        ages = {each.name: each.changed_age_seconds for each in self.policies}
        for described, item in zip(self.items, vault.items, strict=True):
            yield from described.past_jobs(item)
            age = ages.get(item.policy.name)
            if age is not None:
                yield PastJob(
                    item=item,
                    operation="ConfigureBackup",
                    kind="",
                    outcome=Outcome(),
                    age=timedelta(seconds=age),
                    user_triggered=True,
                )

    def _policies(self, provider: str) -> list[Policy]:
        """The vault's own policies after the usual ones of the workloads that are there, and of VMs."""
        own = [policy.build(provider) for policy in self.policies]
        names = {policy.name for policy in own}
        used = [VM] if provider == RECOVERY_SERVICES else []
        used += [workload_named(item.workload) for item in self.items if item.policy is None]
        usual = [_usual_policy(workload) for workload in dict.fromkeys(used) if workload.default_policy]
        return [policy for policy in usual if policy.name not in names] + own


def _usual_policy(workload: Workload) -> Policy:
    log_minutes = _LOG_MINUTES if "Log" in workload.kinds else None
    return Policy(name=workload.default_policy, workload=workload, log_minutes=log_minutes)
