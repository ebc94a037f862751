"""Which right an observed call to Azure needs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_VAULTS = "Microsoft.RecoveryServices/vaults"
_ITEMS = f"{_VAULTS}/backupFabrics/protectionContainers/protectedItems"
_BACKUP_VAULTS = "Microsoft.DataProtection/backupVaults"
_LOCATION_STATUS = "Microsoft.DataProtection/locations/operationStatus/read"
_IN_A_VAULT = r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.RecoveryServices/vaults/[^/]+"
_IN_A_BACKUP_VAULT = (
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.DataProtection/backupVaults/[^/]+"
)
_OF_AN_INSTANCE = rf"{_IN_A_BACKUP_VAULT}/backupInstances/[^/]+"
_OF_AN_ITEM = rf"{_IN_A_VAULT}/backupFabrics/[^/]+/protectionContainers/[^/]+/protectedItems/[^/]+"

#: Calls, and what they need. Names in a path stand for what they name, as in
#: https://learn.microsoft.com/azure/role-based-access-control/permissions/management-and-governance
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    rf"GET {_IN_A_VAULT}/backupJobs(/[^/]+)?": (f"{_VAULTS}/backupJobs/read",),
    rf"GET {_IN_A_VAULT}/backupPolicies(/[^/]+)?": (f"{_VAULTS}/backupPolicies/read",),
    rf"GET {_IN_A_VAULT}/backupProtectedItems": (f"{_VAULTS}/backupProtectedItems/read",),
    rf"GET {_IN_A_VAULT}/backupOperations/[^/]+": (f"{_VAULTS}/backupOperations/read",),
    rf"GET {_IN_A_VAULT}": (f"{_VAULTS}/read",),
    rf"GET {_OF_AN_ITEM}": (f"{_ITEMS}/read",),
    rf"POST {_OF_AN_ITEM}/backup": (f"{_ITEMS}/backup/action",),
    rf"GET {_OF_AN_ITEM}/operationsStatus/[^/]+": (f"{_ITEMS}/operationsStatus/read",),
    rf"GET {_OF_AN_ITEM}/operationResults/[^/]+": (f"{_ITEMS}/operationResults/read",),
    rf"GET {_IN_A_BACKUP_VAULT}/backupJobs(/[^/]+)?": (f"{_BACKUP_VAULTS}/backupJobs/read",),
    rf"GET {_IN_A_BACKUP_VAULT}/backupPolicies(/[^/]+)?": (f"{_BACKUP_VAULTS}/backupPolicies/read",),
    rf"GET {_OF_AN_INSTANCE}": (f"{_BACKUP_VAULTS}/backupInstances/read",),
    rf"POST {_OF_AN_INSTANCE}/backup": (f"{_BACKUP_VAULTS}/backupInstances/backup/action",),
    # Both were seen: the answer to a trigger has an address below the vault, others one below its region.
    rf"GET {_IN_A_BACKUP_VAULT}/operationStatus/[^/]+": (
        f"{_BACKUP_VAULTS}/operationStatus/read",
        _LOCATION_STATUS,
    ),
    r"GET /subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute/virtualMachines/[^/]+": (
        "Microsoft.Compute/virtualMachines/read",
    ),
    # Resource Graph has no right of its own: it shows the rows of what the identity may read, here jobs and tags.
    r"POST /providers/Microsoft\.ResourceGraph/resources": (
        f"{_VAULTS}/read",
        f"{_VAULTS}/backupJobs/read",
        f"{_BACKUP_VAULTS}/read",
        f"{_BACKUP_VAULTS}/backupJobs/read",
        "Microsoft.Compute/virtualMachines/read",
        "Microsoft.Compute/disks/read",
        "Microsoft.Storage/storageAccounts/read",
        "Microsoft.ContainerService/managedClusters/read",
        "Microsoft.DBforPostgreSQL/flexibleServers/read",
        "Microsoft.DBforMySQL/flexibleServers/read",
        "Microsoft.Resources/subscriptions/resourceGroups/read",
    ),
}
#: Tokens, and events to topics: a right on the app's own resources, which roles.bicep gives.
_NOT_RESOURCE_MANAGER = re.compile(r"/(msi|metadata/identity|topics|common|[0-9a-f-]{36})/")


def needed_actions(calls: Iterable[Mapping[str, Any]]) -> set[str]:
    """The actions that a role needs for these calls of the simulator's request log.

    Raises:
        KeyError: a call is not known here.
    """
    return {
        action
        for call in calls
        if not _NOT_RESOURCE_MANAGER.match(call["path"])
        for action in _needed(f"{call['method']} {call['path']}")
    }


def _needed(call: str) -> tuple[str, ...]:
    for pattern, actions in _ACTIONS.items():
        if re.fullmatch(pattern, call, re.IGNORECASE):
            return actions
    raise KeyError(f"which right does it need? {call}")
