"""The estate as JSON: what `--estate FILE` and `POST /_sim/reset` take. docs/simulator.md describes it."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulator.inventory import Estate, Item, Policy, Settings, Subscription, TokenBuckets, Vault
from simulator.outcomes import JobError, JobStatus, Outcome, error_titled

#: The estate of a simulator that was given none.
DEFAULT_ESTATE: Mapping[str, Any] = {
    "subscriptions": [{"id": "22222222-2222-2222-2222-222222222222", "name": "Production"}],
    "vaults": [
        {
            "subscription": "22222222-2222-2222-2222-222222222222",
            "resource_group": "rg-backup",
            "name": "vault-1",
            "items": [{"vm": f"vm-{number:02}", "resource_group": "rg-app"} for number in range(1, 4)],
        }
    ],
}

_Name = Annotated[str, Field(min_length=1, pattern=r"^[^/;]+$")]
_Seconds = Annotated[float, Field(ge=0)]


class EstateError(ValueError):
    """A JSON document is not what it should be; the text says where and what."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def read(cls, value: object, where: str = "") -> Self:
        """The part that `value` describes.

        Raises:
            EstateError: it describes none.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise EstateError(_explain(error, where)) from error


class ErrorFile(_Part):
    """An error, spelt out."""

    code: int
    title: str
    message: str = ""
    recommendations: list[str] = []

    def build(self) -> JobError:
        """The error."""
        known = error_titled(self.title)
        return JobError(
            code=self.code,
            title=self.title,
            message=self.message or known.message,
            recommendations=tuple(self.recommendations) or known.recommendations,
        )


class OutcomeFile(_Part):
    """How a job ends."""

    status: Literal["Completed", "CompletedWithWarnings", "Failed", "Cancelled"] = "Completed"
    seconds: _Seconds | None = None
    #: Spelt out, or the title alone.
    error: ErrorFile | str | None = None

    @model_validator(mode="after")
    def _error_of_a_failure(self) -> Self:
        if self.error is not None and self.status != "Failed":
            raise ValueError(f"a job that ends {self.status} has no error")
        return self

    def build(self) -> Outcome:
        """The outcome."""
        match self.error:
            case None:
                error = None
            case str(title):
                error = error_titled(title)
            case spelt_out:
                error = spelt_out.build()
        return Outcome(status=JobStatus(self.status), seconds=self.seconds, error=error)


class ItemFile(_Part):
    """A protected VM."""

    vm: _Name
    resource_group: _Name
    protection_state: Literal["Protected", "IRPending", "ProtectionStopped", "ProtectionError"] = "Protected"
    policy: str = "DefaultPolicy"
    tags: dict[str, str] = {}
    #: How long ago the last good backup began; not of an item that is IRPending.
    last_backup_age_seconds: _Seconds = 86_400
    next_outcomes: list[OutcomeFile] = []

    def build(self, vault: Vault, now: datetime) -> Item:
        """The item.

        Raises:
            EstateError: its policy does not exist.
        """
        policy = next((each for each in vault.policies if each.name.lower() == self.policy.lower()), None)
        if policy is None:
            raise EstateError(f"items of {vault.name}: {self.vm}: there is no policy {self.policy!r}")
        never = self.protection_state == "IRPending"
        return Item(
            vault=vault,
            friendly_name=self.vm,
            resource_group=self.resource_group,
            policy=policy,
            protection_state=self.protection_state,
            tags=dict(self.tags),
            backed_up_before=None if never else now - timedelta(seconds=self.last_backup_age_seconds),
            next_outcomes=deque(each.build() for each in self.next_outcomes),
        )


class PolicyFile(_Part):
    """A daily policy."""

    name: _Name
    run_time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):(00|30)$")] = "22:00"
    time_zone: str = "UTC"
    retention_days: Annotated[int, Field(ge=7, le=9999)] = 30


class VaultFile(_Part):
    """A vault with its items."""

    subscription: str
    resource_group: _Name
    name: _Name
    location: str = "westeurope"
    alerts_for_all_job_failures: bool = True
    tags: dict[str, str] = {}
    items: list[ItemFile] = []
    policies: list[PolicyFile] = []

    def build(self, now: datetime) -> Vault:
        """The vault with its items."""
        vault = Vault(
            subscription_id=self.subscription,
            resource_group=self.resource_group,
            name=self.name,
            location=self.location,
            alerts_for_all_job_failures=self.alerts_for_all_job_failures,
            tags=dict(self.tags),
            policies=self._policies(),
        )
        vault.items.extend(item.build(vault, now) for item in self.items)
        return vault

    def _policies(self) -> list[Policy]:
        own = [Policy(**policy.model_dump()) for policy in self.policies]
        default = [] if any(policy.name == "DefaultPolicy" for policy in own) else [Policy()]
        return default + own


class SubscriptionFile(_Part):
    """A subscription."""

    id: Annotated[UUID, Field(strict=False)]
    name: str = ""
    #: Tags of its resource groups, by the group's name.
    group_tags: dict[str, dict[str, str]] = {}

    def build(self) -> Subscription:
        """The subscription."""
        group_tags = {name.lower(): tags for name, tags in self.group_tags.items()}
        return Subscription(id=str(self.id), name=self.name or str(self.id), group_tags=group_tags)


class BucketsFile(_Part):
    """ARM's token buckets."""

    writes: Annotated[int, Field(gt=0)] = 200
    write_refill: Annotated[float, Field(gt=0)] = 10
    reads: Annotated[int, Field(gt=0)] = 250
    read_refill: Annotated[float, Field(gt=0)] = 25


class SettingsFile(_Part):
    """How the simulator behaves; the meanings stand in `inventory.Settings`."""

    backup_seconds: _Seconds = 1.0
    graph_lag_seconds: _Seconds = 0.0
    alert_delay_seconds: _Seconds = 0.2
    delivery_pace: _Seconds = 1.0
    operation_seconds: _Seconds = 0.2
    page_size: Annotated[int, Field(gt=0)] = 200
    arm_buckets: BucketsFile = BucketsFile()

    def build(self) -> Settings:
        """The settings."""
        values = self.model_dump(exclude={"arm_buckets"})
        return Settings(**values, arm_buckets=TokenBuckets(**self.arm_buckets.model_dump()))


class EstateFile(_Part):
    """The whole document. What alerts and events go to is read by Monitor and Event Grid."""

    subscriptions: list[SubscriptionFile] = []
    vaults: list[VaultFile] = []
    denied_vaults: list[str] = []
    action_groups: list[dict[str, Any]] | None = None
    event_subscriptions: list[dict[str, Any]] | None = None
    settings: SettingsFile = SettingsFile()

    @model_validator(mode="after")
    def _places(self) -> Self:
        known = {str(subscription.id) for subscription in self.subscriptions}
        for vault in self.vaults:
            if vault.subscription.lower() not in known:
                raise ValueError(f"vault {vault.name}: there is no subscription {vault.subscription!r}")
        places = [(v.subscription.lower(), v.resource_group.lower(), v.name.lower()) for v in self.vaults]
        if twice := [place for place in places if places.count(place) > 1]:
            raise ValueError(f"vault {twice[0][2]} stands twice in resource group {twice[0][1]}")
        return self

    def build(self, now: datetime) -> Estate:
        """The estate as it is at `now`.

        Raises:
            EstateError: an item's policy does not exist.
        """
        return Estate(
            subscriptions=tuple(each.build() for each in self.subscriptions),
            vaults=tuple(each.build(now) for each in self.vaults),
            denied_vaults=frozenset(name.lower() for name in self.denied_vaults),
            settings=self.settings.build(),
        )


class BackupFile(_Part):
    """A backup to run: the body of `POST /_sim/backups`."""

    #: The item's ARM id or its VM's name.
    item: str
    outcome: OutcomeFile = OutcomeFile()
    #: Whether the schedule started it, or a person did.
    scheduled: bool = True
    #: How long ago it began.
    age_seconds: _Seconds = 0
    operation: Literal["Backup", "Restore", "ConfigureBackup", "DisableBackup", "DeleteBackupData"] = "Backup"


def _explain(error: ValidationError, where: str) -> str:
    return "; ".join(f"{_path(where, detail['loc'])}: {detail['msg']}" for detail in error.errors())


def _path(where: str, location: tuple[int | str, ...]) -> str:
    """`vaults[0].items[2].vm`, as one would write it."""
    path = where
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".") or "the document"
