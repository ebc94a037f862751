"""Estates of any size, and their failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
_GROUP, _MACHINES = "rg-backup", "rg-app"
#: reads in an hour: an hour's alerts come within seconds here, and the quota is what scarce_reads measures
_PLENTY = 10**6


@dataclass(frozen=True, kw_only=True)
class EstatePlan:
    """So many subscriptions, vaults in each, virtual machines in each of those."""

    subscriptions: int = 1
    vaults: int = 1
    machines: int = 10
    #: tells this estate's subscriptions from those of another one
    series: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many machines there are."""
        return self.subscriptions * self.vaults * self.machines

    def subscription(self, number: int) -> str:
        """The id of a subscription."""
        return f"aaaaaaaa-0000-0000-{self.series:04}-{number:012}"

    def vault_of(self, number: int) -> str:
        """The ARM id of the vault that a machine is backed up to."""
        subscription, vault = divmod(number // self.machines, self.vaults)
        group = f"/subscriptions/{self.subscription(subscription)}/resourceGroups/{_GROUP}"
        return f"{group}/providers/Microsoft.RecoveryServices/vaults/vault-{vault}"

    def item(self, number: int) -> str:
        """The ARM id of a machine's protected item."""
        name = f"iaasvmcontainerv2;{_MACHINES};{machine(number)}"
        container = f"{self.vault_of(number)}/backupFabrics/Azure/protectionContainers/IaasVMContainer;{name}"
        return f"{container}/protectedItems/VM;{name}"

    def document(self) -> Json:
        """The estate as the simulator takes it; alerts are sent to nobody."""
        return {
            "subscriptions": [{"id": self.subscription(each)} for each in range(self.subscriptions)],
            "vaults": [self._vault(number) for number in range(0, self.size, self.machines)],
            "action_groups": [],
            "event_subscriptions": [],
            "settings": {"backup_seconds": 3600, "hourly_reads": _PLENTY, **self.settings},
        }

    def _vault(self, first: int) -> Json:
        subscription, vault = divmod(first // self.machines, self.vaults)
        names = (machine(number) for number in range(first, first + self.machines))
        return {
            "subscription": self.subscription(subscription),
            "resource_group": _GROUP,
            "name": f"vault-{vault}",
            "alerts_for_all_job_failures": False,
            "items": [{"vm": name, "resource_group": _MACHINES} for name in names],
        }


def machine(number: int) -> str:
    """The name of a machine, unique in the estate."""
    return f"vm-{number:06}"


def failures(numbers: Sequence[int]) -> list[Json]:
    """A failed backup of each of these machines, for the simulator's admin API."""
    outcome = {"status": "Failed", "seconds": 0, "error": "CloudInternalError"}
    return [{"item": machine(number), "outcome": outcome, "age_seconds": 600} for number in numbers]


def alert(plan: EstatePlan, number: int, job: str) -> Json:
    """What an action group posts of a machine's failed job."""
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": f"/subscriptions/{plan.subscription(0)}/providers/Microsoft.AlertsManagement/alerts/{job}",
                "alertRule": "Backup Failure",
                "monitorCondition": "Fired",
                "monitoringService": "Azure Backup",
                "alertTargetIDs": [plan.vault_of(number).lower()],
            },
            "alertContext": {
                "category": "Jobs",
                "protectedItemId": plan.item(number),
                "extendedInfo": {"jobId": job},
            },
        },
    }
