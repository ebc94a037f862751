"""What the tests of the commands share."""

import json

from backup_retry.domain.errors import Forbidden
from tests.builders import NOW, item, minutes, vault

NO_ROLE = Forbidden("403 AuthorizationFailed", code="AuthorizationFailed", status=403)
PROFILES = json.dumps(
    [
        {"name": "hourly", "schedule": "0 0 * * * *"},
        {"name": "past", "schedule": "0 0 * * * *", "expires": "2026-11-01T00:00:00Z"},
        {"name": "later", "schedule": "0 0 * * * *", "starts": "2026-12-01T00:00:00Z"},
    ]
)


def row(number: int = 1) -> dict[str, str]:
    """A row of the sweep's query."""
    backed_up = item(number)
    ids = {"id": f"{vault().id}/backupJobs/job-{number}", "backupInstance": backed_up.id}
    return {**ids, "startTime": (NOW - minutes(40)).isoformat()}


def alert() -> dict[str, object]:
    """An alert that names the vault only."""
    essentials = {"alertRule": "Backup Failure", "monitoringService": "Azure Backup"}
    data = {"essentials": {**essentials, "alertTargetIDs": [vault().id]}, "alertContext": {}}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}
