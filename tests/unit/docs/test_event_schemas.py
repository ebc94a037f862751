"""docs/events: a schema for each type of event, each field explained, and every event held to them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backup_retry.azure.event_grid import TopicPublisher
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.failure_batches import FAILURE_FOUND, batches
from backup_retry.domain.incident_notices import (
    digest,
    notice,
    of_day,
    of_signals,
    of_timer,
    of_turn,
    of_unknown_vaults,
)
from backup_retry.domain.notices import SOURCE, Notice, NoticeKind
from backup_retry.ports.inbox import SIGNAL_DEFERRED
from backup_retry.ports.turns import TURN_DUE
from tests.builders import NOW, incident, item, vault
from tests.documents import REPOSITORY, blocks
from tests.event_schemas import event_of, flaws
from tests.unit.conftest import seen_events
from tests.world import World
from tools import event_schemas

INDEX = REPOSITORY / "docs" / "events" / "README.md"
EXAMPLES = [json.loads(block.body) for block in blocks(INDEX, "json")]
KINDS = [*NoticeKind, FAILURE_FOUND, SIGNAL_DEFERRED, TURN_DUE]
CLOSED = incident().closed(Close(outcome=Outcome.EXHAUSTED, reason=Reason.EXHAUSTED), NOW)
KNOWN = replace(incident(), last_good_at=NOW - timedelta(days=1))


def described(schema: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each field of a schema with what is said of it."""
    for name, each in schema.get("properties", {}).items():
        yield f"{path}{name}", each.get("description", "")
        yield from described(each, f"{path}{name}.")
        yield from described(each.get("items", {}), f"{path}{name}[].")


def test_the_files_are_those_of_the_code() -> None:
    """One for each type that the app publishes, and none that is left over."""
    assert event_schemas.main(["--check"]) == 0
    assert set(event_schemas.schemas()) == set(KINDS)
    files = {path.name for path in INDEX.parent.glob("*.json")}
    assert files == {event_schemas.file_of(kind).name for kind in KINDS}


def test_an_old_file_is_noticed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And written anew."""
    monkeypatch.setattr(event_schemas, "DIRECTORY", tmp_path)
    assert event_schemas.main(["--check"]) == 1
    assert (event_schemas.main(["--write"]), event_schemas.main(["--check"])) == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_is_explained(kind: str) -> None:
    """In a schema that is one; and its type stands in the index."""
    schema = event_schemas.schemas()[kind]
    Draft202012Validator.check_schema(schema)
    assert [
        name for name, said in described(schema) if "data" not in name.split(".")[-1] and len(said) < 5
    ] == []
    assert f"({event_schemas.file_of(kind).name})" in INDEX.read_text(encoding="utf-8")


def test_each_type_has_an_example() -> None:
    """That is as its schema says."""
    assert [each["type"] for each in EXAMPLES] == KINDS
    assert [flaw for each in EXAMPLES for flaw in flaws(each)] == []


NOTICES: list[Notice] = [
    *(notice(kind, each, NOW) for kind in list(NoticeKind)[:4] for each in (incident(), CLOSED, KNOWN)),
    digest(
        [notice(NoticeKind.EXHAUSTED, replace(CLOSED, id=str(number)), NOW) for number in range(300)], NOW
    ),
    of_signals(key="k", fields={}, since=NOW, at=NOW, why="no role", number=1),
    of_signals(key="k", fields={"item": item().id, "job": "j"}, since=NOW, at=NOW, why="no role", number=3),
    of_turn("sweep", NOW, 3, NOW),
    of_timer("follow_up", NOW, NOW),
    of_unknown_vaults([vault(f"vault-{number}").id for number in range(20)], NOW),
]


@pytest.mark.parametrize("told", NOTICES, ids=lambda told: f"{told.kind}-{told.data.get('reason')}")
def test_what_the_app_tells_is_as_its_schema_says(told: Notice) -> None:
    """Of any incident, of several, and of none."""
    assert flaws(event_of(told)) == []


@pytest.mark.parametrize(
    ("field", "value"), [("attempts", "one"), ("incidentId", 1), ("more", True), ("firstFailedAt", "soon")]
)
def test_a_change_of_an_event_is_noticed(field: str, value: object) -> None:
    """Another type, another format, or a field that nobody has documented."""
    told = notice(NoticeKind.RECOVERED, CLOSED, NOW)
    assert flaws(event_of(replace(told, data={**told.data, field: value})))
    missing = {name: each for name, each in told.data.items() if name != "reason"}
    assert flaws(event_of(replace(told, data=missing)))


def test_a_reader_takes_what_a_newer_version_adds() -> None:
    """The schemas as they are published allow further fields."""
    event = event_of(notice(NoticeKind.RECOVERED, CLOSED, NOW, added="later"))
    Draft202012Validator(event_schemas.schemas()[NoticeKind.RECOVERED]).validate(event)


async def test_what_the_app_tells_itself_is_as_its_schema_says() -> None:
    """As the SDK writes it."""
    sent: list[Any] = []

    class Client:
        """A topic that keeps what comes."""

        async def send(self, events: list[Any]) -> None:
            """Keep them."""
            sent.extend(events)

    topic: Any = TopicPublisher(Client())  # type: ignore[arg-type]
    for data in batches([{"jobId": f"{vault().id}/backupJobs/{n}", "itemId": None} for n in range(120)]):
        await topic.announce(data)
    await topic.signal_deferred("key")
    await topic.turn_due("follow_up", 2)
    written = [
        {"specversion": "1.0", "type": each.type, "source": each.source, "id": each.id, "data": each.data}
        | {"time": each.time.isoformat()}
        for each in sent
    ]
    assert [each["type"] for each in written] == [FAILURE_FOUND, FAILURE_FOUND, SIGNAL_DEFERRED, TURN_DUE]
    assert [flaw for each in written for flaw in flaws(each)] == []


async def test_every_event_of_these_tests_is_held_to_its_schema(world: World) -> None:
    """Whatever a unit test lets the app tell: what is published in memory is looked at as it comes."""
    bad = Notice(id="1", kind=NoticeKind.UNKNOWN_VAULTS, at=NOW, subject=SOURCE, data={"vaults": "many"})
    with pytest.raises(AssertionError, match="vaultIds"):
        await world.publisher.publish([bad])
    before = seen_events[NoticeKind.DAILY_SUMMARY]
    day: dict[str, Any] = {
        "day": "2026-03-13",
        "unprotected": None,
        "overdue": None,
        "items": [],
        "sweeps": [],
    }
    counted = dict.fromkeys(("recovered", "byUs", "needsAction", "chronic", "open"), 0)
    await world.publisher.publish([of_day({**day, **counted}, NOW)])
    assert seen_events[NoticeKind.DAILY_SUMMARY] == before + 1
