"""The estate as JSON: what `--estate FILE` and `POST /_sim/reset` take. docs/simulator.md describes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from simulator.estate.behaviour import HourlyReads, Settings, TokenBuckets
from simulator.estate.file_parts import EstateError, JobFile, Name, Part, Seconds
from simulator.estate.inventory import Estate, FunctionApp, Subscription
from simulator.estate.notice_names import DEFAULT_NOTICES, NoticeName
from simulator.estate.policy_file import PolicyFile
from simulator.estate.vault_file import ItemFile, VaultFile

__all__ = ["BackupFile", "EstateError", "EstateFile", "ItemFile", "PolicyFile", "SettingsFile", "VaultFile"]

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


class SubscriptionFile(Part):
    """A subscription."""

    id: Annotated[UUID, Field(strict=False)]
    name: str = ""
    state: Literal["Enabled", "Disabled", "Deleted"] = "Enabled"
    #: Tags of its resource groups, by the group's name.
    group_tags: dict[str, dict[str, str]] = Field(default_factory=dict)

    def build(self) -> Subscription:
        """The subscription."""
        group_tags = {name.lower(): tags for name, tags in self.group_tags.items()}
        name = self.name or str(self.id)
        return Subscription(id=str(self.id), name=name, state=self.state, group_tags=group_tags)


class FunctionAppFile(Part):
    """A function app, as Resource Manager shows it: nothing runs."""

    subscription: str
    resource_group: Name
    name: Name
    #: Its host name, with a port where it has one.
    host: str
    settings: dict[str, str] = Field(default_factory=dict)

    def build(self) -> FunctionApp:
        """The app."""
        return FunctionApp(
            subscription_id=self.subscription,
            resource_group=self.resource_group,
            name=self.name,
            host=self.host,
            settings=self.settings,
        )


class BucketsFile(Part):
    """ARM's token buckets."""

    writes: Annotated[int, Field(gt=0)] = 200
    write_refill: Annotated[float, Field(gt=0)] = 10
    reads: Annotated[int, Field(gt=0)] = 250
    read_refill: Annotated[float, Field(gt=0)] = 25


class SettingsFile(Part):
    """How the simulator behaves; the meanings are in `behaviour.Settings`."""

    backup_seconds: Seconds = 1.0
    graph_lag_seconds: Seconds = 0.0
    alert_delay_seconds: Seconds = 0.2
    delivery_pace: Seconds = 1.0
    operation_seconds: Seconds = 0.2
    page_size: Annotated[int, Field(gt=0)] = 200
    backup_vault_keeps_request_ids: bool = True
    nameless_seconds: Seconds = 105.0
    collision_seconds: Seconds | None = None
    trigger_retry_after: Annotated[int, Field(ge=0)] | None = 30
    sql_full_retention_days: Annotated[int, Field(ge=0)] = 45
    arm_buckets: BucketsFile = BucketsFile()
    hourly_reads: Annotated[int, Field(gt=0)] | None = None

    def build(self) -> Settings:
        """The settings."""
        values = self.model_dump(exclude={"arm_buckets", "hourly_reads"})
        return Settings(
            **values,
            arm_buckets=TokenBuckets(**self.arm_buckets.model_dump()),
            hourly_reads=HourlyReads(limit=self.hourly_reads),
        )


class EstateFile(Part):
    """The whole document. What alerts and events go to is read by Monitor and Event Grid."""

    subscriptions: list[SubscriptionFile] = Field(default_factory=list)
    vaults: list[VaultFile] = Field(default_factory=list)
    denied_vaults: list[str] = Field(default_factory=list)
    function_apps: list[FunctionAppFile] = Field(default_factory=list)
    action_groups: list[dict[str, Any]] | None = None
    event_subscriptions: list[dict[str, Any]] | None = None
    #: Which of Azure's notices report failures.
    notices: list[NoticeName] = Field(default_factory=lambda: list(DEFAULT_NOTICES))
    settings: SettingsFile = SettingsFile()

    @model_validator(mode="after")
    def _places(self) -> Self:
        known = {str(subscription.id) for subscription in self.subscriptions}
        for vault in self.vaults:
            if vault.subscription.lower() not in known:
                raise ValueError(f"vault {vault.name}: there is no subscription {vault.subscription!r}")
        places = [
            (v.subscription.lower(), v.resource_group.lower(), v.name.lower(), v.kind) for v in self.vaults
        ]
        if twice := [place for place in places if places.count(place) > 1]:
            raise ValueError(f"vault {twice[0][2]} occurs twice in resource group {twice[0][1]}")
        return self

    def build(self, now: datetime) -> Estate:
        """The estate as it is at `now`.

        Raises:
            EstateError: an item does not fit its vault, or its policy does not fit it.
        """
        vaults = tuple(each.build(now) for each in self.vaults)
        pairs = zip(self.vaults, vaults, strict=True)
        return Estate(
            subscriptions=tuple(each.build() for each in self.subscriptions),
            vaults=vaults,
            jobs=tuple(job for described, vault in pairs for job in described.past_jobs(vault)),
            function_apps=tuple(each.build() for each in self.function_apps),
            denied_vaults=frozenset(name.lower() for name in self.denied_vaults),
            settings=self.settings.build(),
        )


class BackupFile(JobFile):
    """A backup to run: the body of `POST /_sim/backups`."""

    #: The item's ARM id or its name.
    item: str
