"""Whatever comes, reading it ends in a signal, a polite no, or BadSignal: nothing it holds can do more."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup_retry.domain.arm_ids import JOB_ID, RESOURCE_ID
from backup_retry.domain.errors import BadSignal
from backup_retry.domain.failure_batches import FAILURE_FOUND
from reactor.alerts import parse_body
from reactor.common_schema import COMMON_SCHEMA
from reactor.events import ACTION_FAILED, parse_event, parse_events
from reactor.signals import Ignored, Signal
from tests.builders import item, vault
from tests.signal_reading import DISK, JOB, MACHINE_ID
from tests.vm_estate import backup_failure

VAULT_ID = vault().id


def is_safe(read: object) -> None:
    """A polite no, or a signal that names something, whose ids may stand in a URL or a query."""
    if isinstance(read, Ignored):
        return
    assert isinstance(read, Signal)
    assert read.vault or RESOURCE_ID.fullmatch(read.resource_id)
    assert JOB_ID.fullmatch(read.job_id) or not read.job_id
    assert RESOURCE_ID.fullmatch(read.resource_id) or not read.resource_id
    assert read.item is None or read.item.vault.key == (read.vault.key if read.vault else "")


def survives(data: bytes) -> None:
    """Reading a body ends in a signal, a polite no, or BadSignal."""
    with suppress(BadSignal):
        for read in parse_body(data):
            is_safe(read)


def event_survives(event_type: str, data: object) -> None:
    """Reading an event ends in a signal, a polite no, or BadSignal."""
    with suppress(BadSignal):
        is_safe(parse_event(event_type, data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)
BACKUP = "Microsoft.DataProtection/backupVaults/backupInstances/backup/action"
WORDS = ["Backup Failure", "Fired", "Failed", "Jobs", "BackupHealthEvent", BACKUP]
SERVICES = ["Azure Backup", "Log Alerts V2", "Log Analytics", "Platform", "Activity Log - Administrative"]
IDS = [VAULT_ID, item().id, DISK.id, MACHINE_ID, MACHINE_ID + "'", JOB, f"{VAULT_ID}/backupJobs/{JOB}"]
NAMES = ["JobUniqueId", "ResourceId", "BackupInstanceId", "JobFailureCode", "backupInstanceUrl"]
TEXT = st.sampled_from([*IDS, *WORDS]) | JSON


def some_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of the fields, or something else altogether."""
    return st.fixed_dictionaries({}, optional=fields) | JSON


CRITERION = some_of(
    metricName=TEXT,
    dimensions=st.lists(some_of(name=st.sampled_from(NAMES) | JSON, value=TEXT), max_size=3) | JSON,
)
ALERT = some_of(
    schemaId=st.just(COMMON_SCHEMA) | JSON,
    data=some_of(
        essentials=some_of(
            alertId=TEXT,
            alertRule=TEXT,
            monitorCondition=TEXT,
            monitoringService=st.sampled_from(SERVICES) | TEXT,
            alertTargetIDs=st.lists(TEXT, max_size=2) | JSON,
        ),
        alertContext=some_of(category=TEXT, protectedItemId=TEXT, extendedInfo=some_of(jobId=TEXT))
        | some_of(condition=some_of(allOf=st.lists(CRITERION, max_size=2) | JSON))
        | some_of(
            Dimensions=st.lists(some_of(name=st.sampled_from(NAMES) | JSON, value=TEXT), max_size=3) | JSON,
            SearchResults=some_of(
                tables=st.lists(
                    some_of(
                        columns=st.lists(some_of(name=st.sampled_from(NAMES) | JSON), max_size=3) | JSON,
                        rows=st.lists(st.lists(TEXT, max_size=3) | JSON, max_size=3) | JSON,
                    ),
                    max_size=2,
                )
                | JSON
            ),
        )
        | some_of(operationName=TEXT, status=TEXT, authorization=some_of(action=TEXT, scope=TEXT)),
    ),
)


@settings(max_examples=300, deadline=None)
@given(ALERT)
def test_any_json_is_read_or_refused(value: object) -> None:
    """Alerts that are nearly right, and ones that are not at all."""
    survives(json.dumps(value).encode())
    event_survives("Contoso.Something", value)


@settings(max_examples=200, deadline=None)
@given(some_of(jobId=TEXT, itemId=TEXT, vaultId=TEXT))
def test_any_event_of_ours_is_read_or_refused(data: object) -> None:
    """Our own event type with whatever data."""
    event_survives(FAILURE_FOUND, data)


@settings(max_examples=200, deadline=None)
@given(some_of(operationName=TEXT, resourceUri=TEXT, authorization=some_of(action=TEXT, scope=TEXT)))
def test_any_refused_call_is_read_or_refused(data: object) -> None:
    """The subscription's own event with whatever data."""
    event_survives(ACTION_FAILED, data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """The endpoint is public: anything can arrive."""
    survives(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"[" * 100_000, id="deep-lists"),
        pytest.param(b'{"data":' * 20_000 + b"1" + b"}" * 20_000, id="deep-objects"),
        pytest.param(b"9" * 100_000, id="a-very-long-number"),
        pytest.param(b'"\\ud800"', id="half-a-character"),
        pytest.param(b'{"schemaId": "\\ud800"}', id="half-a-character-in-a-field"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="another-encoding"),
    ],
)
def test_bodies_that_break_parsers_are_refused(data: bytes) -> None:
    """Each has brought a JSON parser down before."""
    survives(data)


@pytest.mark.parametrize(
    "read",
    [
        lambda data: parse_body(data.encode()),
        lambda data: parse_events("Contoso.\ud83d", data, subject="\ud83d"),
        lambda data: parse_events("Contoso.\ud83d", json.loads(data), subject="\ud83d"),
    ],
    ids=["webhook", "event-as-text", "event"],
)
def test_half_a_character_in_a_signal_is_made_whole(
    read: Callable[[str], Sequence[Signal | Ignored]],
) -> None:
    """It names what it names, and nothing that is read of it can fail to be written."""
    alert = backup_failure("vm-01", JOB)
    alert["data"]["essentials"]["alertId"] += "\ud83d"

    (signal,) = read(json.dumps(alert))

    assert isinstance(signal, Signal)
    assert signal.label.endswith("\ufffd")
