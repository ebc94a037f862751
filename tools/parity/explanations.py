"""Differences that are no faults of the simulator: one table, each with its reason."""

import json
import re
from dataclasses import dataclass

from tools.parity.differences import Difference
from tools.parity.recordings import Recording


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why answers differ; the pattern is matched with all of the difference's text."""

    reason: str
    #: Only of recordings in whose answers that stands, of examples, and of those with rows left out.
    within: str = ""
    examples: bool = False
    trimmed: bool = False
    #: Only of recordings of an api-version before that one.
    before: str = "9999"
    difference: str

    def covers(self, recording: Recording, difference: Difference) -> bool:
        """Whether it is the reason for that difference."""
        return bool(
            self.within in json.dumps(recording.reply.body)
            and self.examples <= recording.is_example
            and self.trimmed <= recording.is_trimmed
            and "" < recording.api_version < self.before
            and re.fullmatch(self.difference, str(difference), re.DOTALL)
        )


EXPLANATIONS = (
    Explanation(
        reason="Ids begin as the caller wrote them, `/Subscriptions`; the simulator writes all alike.",
        difference=r"body\S* form: /Subscriptions/.* recorded, /subscriptions/.* simulated",
    ),
    Explanation(
        reason="Before 2020 ids were partly in lower case, storage was `MicrosoftStorage`, durations were time spans; "
        "jobs did not say who started them, nor items of shares why a backup failed.",
        before="2019-06",
        difference=r"(body|header)\S+ form: \S*(resourcegroups|Microsoft\.storage|microsoft\.recoveryservices)\S* .*"
        r"|body\.properties\.storageAccountVersion value: .*"
        r"|body\.properties\.duration form: time span recorded, .*"
        r"|body\.properties\.isUserTriggered extra|body\.value\[\]\.properties\.kpisHealths extra",
    ),
    Explanation(
        reason="Until the api-versions of 2022 the actions were numbers, and tasks had neither types nor times.",
        before="2023",
        difference=r"body\.properties\.actionsInfo\[\] type: int recorded, str simulated"
        r"|body\.properties\.extendedInfo\.tasksList\[\]\.(taskType|startTime|endTime) extra",
    ),
    Explanation(
        reason="Until the api-versions of 2022 items said less of their vault, and had an empty list of KPIs before "
        "their first backup.",
        before="2023",
        difference=r"body(\.value\[\])?\.properties\.(vaultId|softDeleteRetentionPeriod|extendedProperties) extra"
        r"|body\.properties\.kpisHealths missing",
    ),
    Explanation(
        reason="Polling addresses are signed since 2024.",
        before="2024",
        difference=r"header\.(location|azure-asyncoperation) form: (?P<plain>\S+\?api-version) recorded, "
        r"(?P=plain)&t&c&s&h simulated",
    ),
    Explanation(
        reason="Until 2021 ids named databases as their owner does, since then in lower case.",
        before="2022",
        difference=r"(?i)body\.value\[\]\.(name|properties\.containerName) value: (?P<name>'.*') recorded, "
        r"(?P=name) simulated",
    ),
    Explanation(
        reason="Which point was restored or moved and to where was somebody's choice, and what went wrong there too.",
        difference=r"body\.properties\.extendedInfo\.(propertyBag\.(Job Type|Restore\w+|Recovery [Pp]oint [Tt]ime ?"
        r"|(Target|Source) [\w ]+|Number Of \w+ Files|Rehydrat[\w ]+) (missing|extra|value: .*)"
        r"|dynamicErrorMessage missing)",
    ),
    Explanation(
        reason="What the owner of the recorded vault, database or cluster has chosen: storage, soft delete, the "
        "recovery model, tags, a friendly name, an address, or no setting for alerts.",
        difference=r"body\.properties\.backupStorageVersion value: .*|.*\.recoveryModel value: .*"
        r"|.*\.softDeleteSettings\.state value: .*|.*\.monitoringSettings extra|body\.tags missing"
        r"|.*\.(backupInstanceF|f)riendlyName value: .*|.*\.resourceUri form: empty recorded, .*"
        r"|.*\.dataSourceInfo\.resourceID form: /subscriptions/\*/resourcegroups/.*",
    ),
    Explanation(
        reason="The owner of the recorded instance has chosen restores across regions, a policy and a secret.",
        within="/backupvaults/backupinstances",
        difference=r".*\.allowedOperations length: .*|.*\.\w+InSecondaryRegion (value|form): .*"
        r"|.*\.protectedSecondaryRegion value: .*|.*\.policyExtendedInfo\.\w+ form: time span recorded, .*"
        r"|.*\.datasourceAuthCredentials type: dict recorded, null simulated",
    ),
    Explanation(
        reason="The instance has another policy by now, whose name the older job does not have.",
        difference=r"body\.value\[\]\.properties\.policyName value: .*",
    ),
    Explanation(
        reason="In 2023 jobs named no set for blobs, and rows had no place for warnings.",
        within="Microsoft.DataProtection/",
        before="2023-11",
        difference=r".*\.dataSourceSetName type: null recorded, .*|.*\.extendedInfo\.warningDetails extra",
    ),
    Explanation(
        reason="Since 2025 a server's backup can be cancelled.",
        difference=r".*\.supportedActions\[\] value: '' recorded, 'Cancellable' simulated",
    ),
    Explanation(
        reason="Classic storage accounts are gone; the others are asked for in their place. Newer texts end with the "
        "address of a help page.",
        within="Microsoft.ClassicStorage",
        difference=r"body\.error\.message value: .* was not found\.\" recorded, .* was not found\. For more .*",
    ),
    Explanation(
        reason="The text says besides what is wrong with the request.",
        difference=r"body\.error\.message value: .*Please check the required inputs' recorded, .*"
        r"Please check the required inputs: .* simulated",
    ),
    Explanation(
        reason="Examples of the specification leave out much that recorded replies have, and hold ids and values that "
        "no service sends.",
        examples=True,
        difference=r".* extra|.*\.policyType missing|.*(sourceResourceId|virtualMachineId|\.id) form: .*"
        r"|.*\.type value: .*|.*\.activityID form: text recorded, .*|.*\.status value: '(Started|Succeeded)' .*"
        r"|.*\.supportedActions length: .*|.*\.progressEnabled value: .*",
    ),
    Explanation(
        reason="The example's resources are of several types and in other places.",
        examples=True,
        difference=r"body\.data(\[\]\.(name|location|type|id)|\.rows\[\]\[\]) (value|form): .*",
    ),
    Explanation(
        reason="The recording ends before the end of the list, where nextLink stands.",
        trimmed=True,
        difference=r"body\.nextLink (extra|type: str recorded, null simulated)",
    ),
    Explanation(
        reason="Replaced in the recording by something that is no GUID.",
        difference=r".*\.ActivityId form: text recorded, GUID simulated",
    ),
    Explanation(
        reason="One fraction in ten ends in a zero in Resource Graph, which always writes seven digits.",
        difference=r".*Time form: time with a padded fraction recorded, time simulated",
    ),
)


def reason(recording: Recording, difference: Difference) -> str | None:
    """The reason for a difference; None: there is none."""
    return next((each.reason for each in EXPLANATIONS if each.covers(recording, difference)), None)
