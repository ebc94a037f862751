"""Fixtures of the product's unit tests; and every event that one of them lets the app publish is held to its schema."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from backup_retry.domain.notices import Notice
from backup_retry.ports.publisher import MemoryPublisher
from tests.event_schemas import event_of, flaws
from tests.world import World

#: how many of each type were published
seen_events: Counter[str] = Counter()
#: so many of one type with the same fields, each of the same kind, are looked at: some tests publish thousands
_ALIKE = 20
_seen_alike: Counter[object] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _events_are_as_their_schemas_say() -> Iterator[None]:
    publish = MemoryPublisher.publish

    async def checked(publisher: MemoryPublisher, notices: Sequence[Notice]) -> None:
        for notice in notices:
            alike = notice.kind, tuple((name, type(each)) for name, each in notice.data.items())
            if _seen_alike[alike] < _ALIKE:
                assert flaws(event_of(notice)) == [], "docs/events: python -m tools.event_schemas"
            _seen_alike[alike] += 1
            seen_events[notice.kind] += 1
        await publish(publisher, notices)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryPublisher, "publish", checked)
        yield


@pytest.fixture
def world() -> World:
    """A fresh world: one engine, an empty ledger, vaults that show nothing yet."""
    return World()
