"""Backup policies as the estate's JSON describes them."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.estate.file_parts import EstateError, Name, Part, Seconds
from simulator.estate.policies import Policy
from simulator.estate.workloads import DATA_PROTECTION, DISK, VM, WORKLOADS, Workload

Day = Literal["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_SUNDAY: list[Day] = ["Sunday"]
#: What a policy says that only policies for databases have.
_OF_DATABASES = {"log_minutes": "Log", "differential_days": "Differential", "incremental_days": "Incremental"}


def workload_named(name: str) -> Workload:
    """The workload.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in WORKLOADS:
        raise ValueError(f"there is no workload {name!r}; there are {', '.join(WORKLOADS)}")
    return WORKLOADS[name]


class PolicyFile(Part):
    """A policy, daily unless it says otherwise."""

    name: Name
    #: None: VM, or disks in a Backup vault.
    workload: str | None = None
    frequency: Literal["Daily", "Weekly", "Hourly"] = "Daily"
    run_days: list[Day] = Field(default_factory=_SUNDAY.copy)
    interval_hours: Literal[4, 6, 8, 12] = 4
    window_hours: Annotated[int, Field(ge=4, le=24)] = 12
    run_time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):(00|30)$")] = "22:00"
    time_zone: str = "UTC"
    retention_days: Annotated[int, Field(ge=7, le=9999)] = 30
    retention_months: Annotated[int, Field(ge=1, le=1188)] | None = None
    log_minutes: Annotated[int, Field(ge=15, le=1440)] | None = None
    differential_days: list[Day] = Field(default_factory=list)
    incremental_days: list[Day] = Field(default_factory=list)
    backup_rule: Name | None = "BackupDaily"
    retention_tag: Name = "Default"
    period: Annotated[str, Field(pattern=r"^P")] = "P1D"
    vault_days: Annotated[int, Field(ge=1)] | None = None
    #: How long ago it was changed: each of its items then has a ConfigureBackup job of that age; None: never.
    changed_age_seconds: Seconds | None = None

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
        self._check_frequency(workload)
        for key, kind in _OF_DATABASES.items():
            if getattr(self, key) and kind not in workload.kinds:
                raise EstateError(f"policy {self.name}: {workload.name} has no {key}")
        values = self.model_dump(exclude={"workload", "changed_age_seconds"})
        days = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        return Policy(**values | days, workload=workload)

    def _check_frequency(self, workload: Workload) -> None:
        of_vault = workload.provider == DATA_PROTECTION
        if self.frequency != "Daily" and (of_vault or (self.frequency == "Hourly" and workload.kinds)):
            instead = ": period says it" if of_vault else ""
            raise EstateError(f"policy {self.name}: {workload.name} has no {self.frequency} backups{instead}")
        if self.vault_days and (not of_vault or self.retention_tag == "Default"):
            raise EstateError(f"policy {self.name}: vault_days is for a retention_tag of a Backup vault")
