"""The app's settings: one frozen object, read from the environment once and validated at start."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backup_retry.domain.alert_dimensions import Dimensions, Meaning
from backup_retry.domain.missed import MissedBackups
from backup_retry.domain.time_zones import time_zone
from backup_retry.domain.workloads import WORKLOADS, Cap
from backup_retry.policy.hours import Hours, Window
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import REFUSE, Names, Scope
from backup_retry.settings.choices import Dispatch, RetryMode
from backup_retry.settings.clouds import CLOUDS, PUBLIC, Cloud, cloud_of
from backup_retry.settings.retry_profile import RetryProfiles, deadline_of
from backup_retry.settings.setting_types import (
    Backoff,
    CloudName,
    DailyCap,
    Deadline,
    DimensionNames,
    HttpsUrl,
    KeepDays,
    Lookback,
    NameList,
    Ncrontab,
    NotNegative,
    OptionalHttpsUrl,
    OptionalNcrontab,
    OptionalWholeUrl,
    PositiveDuration,
    Retention,
    SubscriptionList,
    TimeZone,
    Windows,
)
from backup_retry.settings.sweep_profile import SweepProfile, SweepProfiles, daily, look_back


class Settings(BaseSettings):
    """What an administrator can set; every field's environment variable is its name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    ledger_endpoint: HttpsUrl = Field(
        description="Table endpoint of the storage account that holds the ledger. Required."
    )
    azure_cloud: CloudName = Field(
        default=PUBLIC,
        description="The Azure cloud: " + ", ".join(f"`{name}`" for name in CLOUDS) + ".",
    )
    arm_endpoint: OptionalHttpsUrl = Field(
        default="",
        description="Azure Resource Manager endpoint, if not that of the cloud. Empty: that of `AZURE_CLOUD`.",
    )
    scope_subscriptions: SubscriptionList = Field(
        default=(),
        description="Subscription IDs in scope; prefix with `!` to exclude. Alerts and events of others are rejected. "
        "Empty: all that the identity can read.",
    )
    scope_resource_groups: NameList = Field(
        default=(),
        description="Resource groups (of the vault or the protected resource) in scope; prefix with `!` to exclude. "
        "Empty: all.",
    )
    scope_vaults: NameList = Field(
        default=(),
        description="Vaults in scope, with the wildcards `*` and `?`; prefix with `!` to exclude. Empty: all.",
    )
    scope_workloads: NameList = Field(
        default=(),
        description="Workloads in scope by Azure's names, with the wildcard `*`; prefix with `!` to exclude: "
        + ", ".join(f"`{workload.name}`" for workload in WORKLOADS)
        + ". Empty: all.",
    )
    sweep_schedule: Ncrontab = Field(
        default="0 0 5 * * *", description="When the sweep runs (NCRONTAB, UTC)."
    )
    sweep_lookback: Lookback = Field(
        default=timedelta(hours=24),
        description="Minimum period that a sweep covers; the next sweep also covers a missed one.",
    )
    look_back_schedule: OptionalNcrontab = Field(
        default="0 20 * * * *",
        description="When a short sweep looks for failures of the last two hours that no alert reported "
        "(NCRONTAB, UTC). Set it to an empty text to turn it off.",
    )
    sweep_profiles: SweepProfiles = Field(
        default=(),
        description="Additional sweeps, each with its own schedule and scope: a JSON array "
        "([sweep profiles](docs/operations.md#sweep-profiles)). Empty: none.",
    )
    sweep_time_limit: PositiveDuration = Field(
        default=timedelta(minutes=25),
        description="Maximum duration of a sweep; the next one continues. Shorter than `functionTimeout` in host.json.",
    )
    sweep_dispatch: Dispatch = Field(
        default=Dispatch.INLINE,
        description="`inline`: the sweep starts the retries. `eventgrid`: it publishes its findings to the topic, "
        "and all instances of the app share the work.",
    )
    follow_up_schedule: Ncrontab = Field(
        default="0 */5 * * * *", description="When open incidents are followed up (NCRONTAB, UTC)."
    )
    retry_backoff: Backoff = Field(
        default=(timedelta(0), timedelta(minutes=15), timedelta(minutes=60)),
        min_length=1,
        description="Wait before retry 1, 2, 3 …, counted from the preceding failure.",
    )
    max_attempts: int = Field(default=3, ge=1, le=9, description="Maximum retries per incident.")
    daily_cap_vm: DailyCap = Field(
        default=3, description="Maximum retries of a VM in 24 hours, over all its incidents."
    )
    daily_cap_files: DailyCap = Field(default=6, description="The same for a file share.")
    daily_cap_databases: DailyCap = Field(default=3, description="The same for a database.")
    daily_cap_others: DailyCap = Field(default=3, description="The same for any other item.")
    schedule_margin: NotNegative = Field(
        default=timedelta(hours=1),
        description="No retry if the next scheduled backup starts within this time.",
    )
    retry_hours: Windows = Field(
        default=(),
        description="Time windows in which retries may start, such as `20:00-06:00`, separated by commas. "
        "Empty: always.",
    )
    retry_deadline: Deadline = Field(
        default="",
        description="Time of day, such as `06:00`, after which no retry starts for a backup that began before it; "
        "operators are notified instead. Empty: none.",
    )
    retry_time_zone: TimeZone = Field(
        default="UTC",
        description="Time zone of `RETRY_HOURS` and `RETRY_DEADLINE`, by its IANA or Windows name.",
    )
    retry_profiles: RetryProfiles = Field(
        default=(),
        description="Retry hours, attempts and deadlines for groups of items, selected by the tag "
        "`backup-retry-profile`: a JSON array ([retry profiles](docs/operations.md#retry-profiles)). "
        "Empty: none.",
    )
    retry_mode: RetryMode = Field(
        default=RetryMode.AUTO,
        description="`auto`, or `ask`: every retry waits until an operator "
        "[approves it](docs/operations.md#asking-first), as for resources tagged `backup-retry` = `ask`.",
    )
    missed_backups: MissedBackups = Field(
        default=MissedBackups.TELL,
        description="If a scheduled backup [was missed](docs/operations.md#missed-backups): `tell`, `retry`, `off`.",
    )
    storm_size: int = Field(
        default=20,
        ge=2,
        description="Number of items in one vault failing with the same error that counts as a failure storm: "
        "one is retried first.",
    )
    storm_window: PositiveDuration = Field(
        default=timedelta(minutes=30), description="Failures within this period count towards the same storm."
    )
    retention: Retention = Field(
        default=None,
        description="Retention of a retry's recovery point: that of a daily recovery point in the item's policy, "
        "else of a weekly one (`policy`), or a number of days (7 to 9999).",
    )
    dry_run: bool = Field(
        default=False,
        description="Evaluate everything, start nothing: incidents record what would have been done.",
    )
    eventgrid_topic_endpoint: OptionalHttpsUrl = Field(
        default="", description="Endpoint of the Event Grid topic for outcomes. Empty: none."
    )
    dead_letter_container: OptionalHttpsUrl = Field(
        default="",
        description="URL of the blob container to which Event Grid dead-letters undelivered events: the app reads "
        "them from there. Empty: none.",
    )
    heartbeat_url: OptionalWholeUrl = Field(
        default="",
        repr=False,
        description="Address of a monitor that is called after each complete sweep and follow-up, and alerts somebody "
        "when the calls stop ([heartbeat](docs/integrations.md#heartbeat)); `{function}` in it becomes the function's "
        "name. Empty: none.",
    )
    log_alert_dimensions: DimensionNames = Field(
        default="",
        description="Names of log search alert dimensions in addition to "
        "[the built-in ones](docs/signals.md#dimensions), such as `job: RunId; vault: Vault VaultArmId`; meanings: "
        + ", ".join(f"`{meaning}`" for meaning in Meaning)
        + ". Empty: none.",
    )
    claim_lease: PositiveDuration = Field(
        default=timedelta(minutes=5),
        description="How long a reserved retry may stay unanswered before its worker counts as failed.",
    )
    settle_after: PositiveDuration = Field(
        default=timedelta(minutes=15),
        description="How long a retry's job may take to appear before the retry counts as not started; at least one "
        "and a half times `CLOCK_DIFFERENCE`.",
    )
    clock_difference: NotNegative = Field(
        default=timedelta(minutes=10),
        description="Maximum clock difference between two instances of this app.",
    )
    keep_days: KeepDays = Field(
        default=90,
        description="Days to keep closed incidents and their timeline, at least 15; 0: indefinitely.",
    )

    @model_validator(mode="after")
    def _topic_is_there(self) -> Self:
        if self.sweep_dispatch is Dispatch.EVENTGRID:
            if not self.eventgrid_topic_endpoint:
                raise ValueError("SWEEP_DISPATCH=eventgrid needs EVENTGRID_TOPIC_ENDPOINT")
            if by_workload := [each.name for each in self.sweep_profiles if each.workloads]:
                raise ValueError(
                    f"SWEEP_PROFILES: profile {by_workload[0]}: workloads: with SWEEP_DISPATCH=eventgrid "
                    "a job's workload is known only after the sweep"
                )
        return self

    @property
    def cloud(self) -> Cloud:
        """Where Azure is."""
        return cloud_of(self.azure_cloud, self.arm_endpoint)

    @property
    def daily_sweep(self) -> SweepProfile:
        """The sweep that is always there."""
        return daily(self.sweep_schedule, self.sweep_lookback)

    @property
    def timed_sweeps(self) -> tuple[SweepProfile, ...]:
        """Every sweep that has a timer: the daily one, the hourly look back unless it is off, then the profiles."""
        back = [look_back(self.look_back_schedule)] if self.look_back_schedule else []
        return (self.daily_sweep, *back, *self.sweep_profiles)

    @property
    def incident_retention(self) -> timedelta | None:
        """How long closed incidents are kept; None: indefinitely."""
        return timedelta(days=self.keep_days) if self.keep_days else None

    @property
    def notes(self) -> Sequence[str]:
        """What an administrator has to know of values that are not taken as they are."""
        if self.settle_after >= (least := self._least_settle_after):
            return ()
        said = f"SETTLE_AFTER={self.settle_after} is too short for CLOCK_DIFFERENCE: {least} is used"
        return (f"{said}. Otherwise a retry that another instance has just started could be started twice.",)

    @property
    def _least_settle_after(self) -> timedelta:
        """By two clocks: their difference, and half as much again for the job to appear."""
        return 3 * self.clock_difference / 2

    @property
    def rules(self) -> Rules:
        """The policy's numbers, with those of groups that have their own."""
        common = self._common_rules
        return replace(common, profiles={each.name: each.over(common) for each in self.retry_profiles})

    @property
    def _common_rules(self) -> Rules:
        return Rules(
            backoff=self.retry_backoff,
            max_attempts=self.max_attempts,
            claim_lease=self.claim_lease,
            settle_after=max(self.settle_after, self._least_settle_after),
            retention=self.retention,
            daily_caps=self._daily_caps,
            schedule_margin=self.schedule_margin,
            hours=Hours(
                windows=tuple(Window.parse(each) for each in self.retry_hours),
                zone=time_zone(self.retry_time_zone),
            ),
            deadline=deadline_of(self.retry_deadline),
            missed_backups=self.missed_backups,
            asks_first=self.retry_mode is RetryMode.ASK,
            storm_size=self.storm_size,
            storm_window=self.storm_window,
            scope=self.scope,
            dry_run=self.dry_run,
        )

    @property
    def dimensions(self) -> Dimensions:
        """What a log search alert's dimensions are understood as."""
        return Dimensions.parse(self.log_alert_dimensions)

    @property
    def scope(self) -> Scope:
        """What this app may touch."""
        return Scope(
            subscriptions=Names(patterns=self.scope_subscriptions),
            resource_groups=Names(patterns=self.scope_resource_groups),
            vaults=Names(patterns=self.scope_vaults),
            workloads=Names(patterns=self.scope_workloads),
        )

    @property
    def swept_subscriptions(self) -> tuple[str, ...]:
        """The subscriptions that the sweep asks about; none: all that the identity can see."""
        return tuple(each for each in self.scope_subscriptions if not each.startswith(REFUSE))

    @property
    def _daily_caps(self) -> dict[Cap, int]:
        return {
            Cap.VM: self.daily_cap_vm,
            Cap.FILES: self.daily_cap_files,
            Cap.DATABASES: self.daily_cap_databases,
            Cap.OTHERS: self.daily_cap_others,
        }
