"""Differences that are no faults of the simulator: one table, each with its reason."""

import re
from dataclasses import dataclass

from tools.parity.differences import Difference


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why answers differ; the patterns are matched with all of the recording's name and of the difference's text."""

    reason: str
    recordings: str = r".*"
    difference: str

    def covers(self, recording: str, difference: Difference) -> bool:
        """Whether it is the reason for that difference."""
        return bool(
            re.fullmatch(self.recordings, recording) and re.fullmatch(self.difference, str(difference))
        )


EXPLANATIONS = (
    Explanation(
        reason="Ids begin as the caller wrote them, `/Subscriptions`; the simulator writes all alike.",
        recordings=r"(iaasvm|sql)__\w+",
        difference=r"body(\.value\[\])?\.id form: /Subscriptions/.* recorded, /subscriptions/.* simulated",
    ),
    Explanation(
        reason="Recordings of 2019, api-versions 2016-12-01 and 2017-07-01, have ids partly in lower case and say "
        "`MicrosoftStorage`; jobs did not say who started them, nor items why a backup failed.",
        recordings=r"azurestorage__(get_job__completed|list_protected_items__one_failed|trigger_backup__202)",
        difference=r"(body|header)\S+ form: \S*(resourcegroups|Microsoft\.storage)\S* recorded, .*"
        r"|body\.properties\.storageAccountVersion value: .*"
        r"|body\.properties\.isUserTriggered extra|body\.value\[\]\.properties\.kpisHealths extra",
    ),
    Explanation(
        reason="Until the api-versions of 2022 the actions were numbers.",
        recordings=r"(hana|sql)__get_job__completed",
        difference=r"body\.properties\.actionsInfo\[\] type: int recorded, str simulated",
    ),
    Explanation(
        reason="Polling addresses are signed since 2024; the recording is of 2022.",
        recordings=r"sql__trigger_backup__202",
        difference=r"header\.(location|azure-asyncoperation) form: (?P<plain>\S+\?api-version) recorded, "
        r"(?P=plain)&t&c&s&h simulated",
    ),
    Explanation(
        reason="The text says besides what is wrong with the request.",
        recordings=r"rsv__list_containers__400_invalid_input",
        difference=r"body\.error\.message value: .*Please check the required inputs' recorded, .*"
        r"Please check the required inputs: .* simulated",
    ),
    Explanation(
        reason="Classic storage accounts are gone; the others are asked for in their place. Newer texts end with the "
        "address of a help page.",
        recordings=r"arm__get_resource__404_not_found",
        difference=r"body\.error\.message value: .* was not found\.\" recorded, .* was not found\. For more .*",
    ),
    Explanation(
        reason="Examples of the specification leave out much that recorded replies have, and hold ids and values that "
        "no service sends.",
        recordings=r"\w+__spec(_2026)?",
        difference=r".* extra|.*\.policyType missing|.*(sourceResourceId|virtualMachineId|\.id) form: .*"
        r"|.*\.type value: .*|.*\.activityID form: text recorded, .*|.*\.status value: '(Started|Succeeded)' .*"
        r"|.*\.supportedActions length: .*",
    ),
    Explanation(
        reason="Databases of PostgreSQL single servers are no longer backed up; flexible servers stand in.",
        recordings=r"dpp_postgresql__list_jobs__spec",
        difference=r".*\.(dataSourceId|backupInstanceFriendlyName|dataSourceSetName|dataSourceType) \w+: .*",
    ),
    Explanation(
        reason="The example's resources are of several types and in other places.",
        recordings=r"arg__(first|next)_page__\w+",
        difference=r"body\.data(\[\]\.(name|location|type|id)|\.rows\[\]\[\]) (value|form): .*",
    ),
    Explanation(
        reason="The api-version of 2019 had no facets.",
        recordings=r"arg__first_page__table_format",
        difference=r"body\.facets extra",
    ),
    Explanation(
        reason="What the owner of the recorded vault, database or cluster has chosen: storage, soft delete, the "
        "recovery model, tags, a friendly name, or no setting for alerts.",
        recordings=r"rsv__get_vault\w+|sql__get_protected_item\w+|arg__dpp_backup_vaults|dpp_(disk|aks)__get_\w+",
        difference=r"body\.properties\.backupStorageVersion value: .*|.*\.recoveryModel value: .*"
        r"|.*\.softDeleteSettings\.state value: .*|.*\.monitoringSettings extra|body\.tags missing"
        r"|body\.properties\.backupInstanceFriendlyName value: .*",
    ),
    Explanation(
        reason="The recording ends before the end of the list, where nextLink stands.",
        recordings=r"dpp_disk_blob__list_jobs__completed",
        difference=r"body\.nextLink extra",
    ),
    Explanation(
        reason="Replaced in the recording by something that is no GUID.",
        recordings=r"dpp_aks__trigger_backup__error_invalid_rule",
        difference=r".*\.ActivityId form: text recorded, GUID simulated",
    ),
    Explanation(
        reason="The policy was recorded as it was put, and is read back here; answers to PUT have that header.",
        recordings=r"dpp_\w+__put_policy__\w+",
        difference=r"header\.x-ms-throttling-version missing",
    ),
    Explanation(
        reason="One fraction in ten ends in a zero in Resource Graph, which always writes seven digits.",
        recordings=r"arg__dpp_backup_jobs__completed",
        difference=r".*Time form: time with a padded fraction recorded, time simulated",
    ),
)


def reason(recording: str, difference: Difference) -> str | None:
    """The reason for a difference; None: there is none."""
    return next((each.reason for each in EXPLANATIONS if each.covers(recording, difference)), None)
