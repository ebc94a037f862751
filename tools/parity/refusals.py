"""Recorded refusals and breakdowns, and the state or fault that brings the simulator to the same."""

import re
from typing import Any

from simulator.estate.faults import BREAKDOWNS
from tools.parity.recordings import Recording, Reply
from tools.parity.stage import Stage

_THROTTLED, _FIRST_OF_SERVER = 429, 500


async def refused(stage: Stage, recording: Recording) -> Reply:
    """The recorded call where the same is wrong."""
    fault = _fault(recording)
    stage.set(recording, there=fault is not None or not _is_missing(recording))
    stage.server.faults.arm([fault] if fault else [])
    if recording.error_code == "SubscriptionNotFound":
        stage.server.simulator.reset({})
    return await stage.ask(recording, recording.path.replace("Microsoft.ClassicStorage", "Microsoft.Storage"))


def _fault(recording: Recording) -> dict[str, Any] | None:
    """What has to be armed: Azure's own failures, its quotas, and missing permissions."""
    status, code = recording.reply.status, recording.error_code
    if status == _THROTTLED:
        text = re.search(r"after '(\d+)' seconds", str(recording.reply.body))
        hourly = code == "ResourceRequestsThrottled"
        return {"name": "throttle", "retry_after": int(text[1]) if text else 5, "hourly": hourly}
    if status >= _FIRST_OF_SERVER:
        named = "html" if isinstance(recording.reply.body, str) else code
        return {"name": "server_error", "status": status, "error": named if named in BREAKDOWNS else None}
    return {"name": "forbid"} if code == "AuthorizationFailed" else None


def _is_missing(recording: Recording) -> bool:
    """Whether it is the vault that is not there, or not even its resource group."""
    whole = re.search(
        r"/(vaults|backupVaults)/[^/]+(/backupProtectedItems)?/?$", recording.path, re.IGNORECASE
    )
    code = recording.error_code
    return code == "ResourceGroupNotFound" or (code == "ResourceNotFound" and whole is not None)
