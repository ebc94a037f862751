"""The names under which a log search alert may carry ids: a built-in list, and what LOG_ALERT_DIMENSIONS adds to it.

A rule's author chooses the dimensions among the columns of the query's result:
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_NAMES = re.compile(r"[\s,]+")


class Meaning(StrEnum):
    """What a dimension's value is an id of."""

    JOB = "job"
    ITEM = "item"
    VAULT = "vault"
    RESOURCE = "resource"
    ERROR = "error"


#: columns of AddonAzureBackupJobs, CoreAzureBackup and AzureDiagnostics (…_g, …_s), of the functions
#: _AzureBackup_Get… (UniqueId is the job of _AzureBackup_GetJobs), and of jobs in Resource Graph
# https://learn.microsoft.com/azure/backup/backup-reports-system-functions
BUILT_IN: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.JOB: ("JobUniqueId", "JobUniqueId_g", "JobId", "BackupJobId", "UniqueId"),
    Meaning.ITEM: (
        "ProtectedItemId",
        "BackupInstanceId",
        "BackupInstanceUrl",
        "BackupItemId",
        "BackupItemUniqueId",
        "BackupItemUniqueId_s",
    ),
    Meaning.VAULT: ("VaultId", "VaultResourceId", "VaultUniqueId", "VaultUniqueId_s"),
    Meaning.RESOURCE: (
        "ResourceId",
        "id",
        "_ResourceId",
        "DatasourceResourceId",
        "DatasourceSetResourceId",
        "DataSourceId",
        "DataSourceURL",
        "SourceResourceId",
    ),
    Meaning.ERROR: ("JobFailureCode", "JobFailureCode_s", "ErrorCode", "ErrorTitle"),
}


@dataclass(frozen=True, kw_only=True)
class Dimensions:
    """Which dimensions are understood, and what as; names have no case."""

    #: what the administrator has added: it counts before the built-in list
    added: Mapping[str, Meaning] = field(default_factory=dict)

    def meaning(self, name: str) -> Meaning | None:
        """What a dimension of that name says, or None where that is unknown."""
        return self._known.get(name.strip().casefold())

    def __str__(self) -> str:
        """Every name by its meaning, as LOG_ALERT_DIMENSIONS is written."""
        names: dict[Meaning, list[str]] = {meaning: list(BUILT_IN[meaning]) for meaning in Meaning}
        for name, meaning in self.added.items():
            names[meaning].append(name)
        return "; ".join(f"{meaning}: {' '.join(each)}" for meaning, each in names.items())

    @classmethod
    def parse(cls, text: str) -> "Dimensions":
        """Names to add, such as `job: RunId; vault: Vault VaultArmId`.

        Raises:
            ValueError: a part has no meaning or no names, or a name has two meanings.
        """
        added: dict[str, Meaning] = {}
        folded: dict[str, Meaning] = {}
        for part in filter(None, (each.strip() for each in text.split(";"))):
            meaning, names = _part(part)
            for name in names:
                if (other := folded.setdefault(name.casefold(), meaning)) is not meaning:
                    raise ValueError(f"{name!r} is used for both {other} and {meaning}")
                added[name] = meaning
        return cls(added=added)

    @property
    def _known(self) -> Mapping[str, Meaning]:
        built_in = {name.casefold(): meaning for meaning, names in BUILT_IN.items() for name in names}
        return built_in | {name.casefold(): meaning for name, meaning in self.added.items()}


def _part(part: str) -> tuple[Meaning, list[str]]:
    said, colon, rest = part.partition(":")
    names = [name for name in _NAMES.split(rest) if name]
    if not colon or not names or ":" in rest:
        raise ValueError(f"{part!r} does not have the form `job: Name Name`")
    try:
        return Meaning(said.strip().lower()), names
    except ValueError:
        known = ", ".join(Meaning)
        raise ValueError(f"{said.strip()!r} is not one of {known}") from None


#: what is understood where an administrator has added nothing
DEFAULT = Dimensions()
