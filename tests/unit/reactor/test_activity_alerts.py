"""Activity log alerts of a backup that was refused."""

from collections.abc import Mapping

import pytest

from backup_retry.domain.errors import BadSignal
from backup_retry.domain.jobs import Source
from reactor.alerts import parse_alert
from reactor.signals import Ignored, Signal
from tests.builders import vault
from tests.payloads import payload
from tests.signal_reading import (
    THE_VM,
    VAULT,
    VM,
    Says,
    says,
    why_not,
)

# ---- activity log alerts -------------------------------------------------------------------------------------------


def activity(**changes: object) -> Signal | Ignored:
    """What an activity log alert of a refused backup is read as, with changes to its context."""
    alert = payload("activity_log_alert_backup_refused")
    alert["data"]["alertContext"].update(changes)
    return parse_alert(alert, Source.ALERT)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, THE_VM),
        ({"operationName": None}, THE_VM),
        ({"authorization": None}, THE_VM),
        ({"authorization": {"scope": VAULT.id}}, THE_VM),
        ({"status": "failed"}, THE_VM),
    ],
)
def test_a_refused_backup_names_its_item(changes: Mapping[str, object], expected: Says) -> None:
    """In the scope of its authorization, or as the alert's target."""
    assert says(activity(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "Succeeded"}, "is Succeeded, not Failed"),
        ({"status": "Accepted"}, "is Accepted, not Failed"),
        ({"status": None}, "not Failed"),
        ({"operationName": "Microsoft.Compute/virtualMachines/restart/action"}, "restart/action does not"),
        ({"operationName": None, "authorization": None}, "an unnamed operation"),
    ],
)
def test_another_call_or_outcome_is_ignored(changes: Mapping[str, object], why: str) -> None:
    """That a backup was accepted says nothing of how it ends."""
    assert why in why_not(activity(**changes))


def test_a_refused_backup_of_nothing_we_know_is_ignored() -> None:
    """An id that names neither an item nor a vault."""
    alert = payload("activity_log_alert_backup_refused")
    alert["data"]["essentials"]["alertTargetIDs"] = ["/subscriptions/x"]
    alert["data"]["alertContext"]["authorization"]["scope"] = VM.id.replace(vault().id, "")
    assert "no protected item" in why_not(parse_alert(alert, Source.ALERT))


def test_a_context_that_cannot_be_read_is_refused() -> None:
    """The message names the field."""
    with pytest.raises(BadSignal) as caught:
        activity(operationName={"value": 7})
    assert caught.value.where == "data.alertContext.operationName"
