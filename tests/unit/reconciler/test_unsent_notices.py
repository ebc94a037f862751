"""A topic that refuses: what waits is counted, told with the topic's answer, and tried less and less often."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.ports.publisher import MemoryPublisher
from backup_retry.ports.reports import MemoryReports
from backup_retry.ports.unsent_notices import MemoryUnsentStore
from backup_retry.settings.loading import load_settings
from reconciler.daily_summary import DailySummary
from reconciler.follow_up import FollowUp
from tests.builders import NEEDS_PERSON, NOW, item, minutes
from tests.world import World

REFUSED = AzureUnavailable("Event Grid topic: 403 the role is missing")


@dataclass
class CountingPublisher(MemoryPublisher):
    """A topic that counts how often it is asked."""

    asked: list[str] = field(default_factory=list)

    async def publish(self, notices: object) -> None:
        """See Publisher."""
        self.asked.append("")
        await super().publish(notices)  # type: ignore[arg-type]


@pytest.fixture
def topic(world: World) -> CountingPublisher:
    """A topic that refuses all that the world's engine tells."""
    world.publisher = CountingPublisher(error=REFUSED)
    world.engine.teller._publisher = world.publisher
    return world.publisher


@pytest.fixture
def store() -> MemoryUnsentStore:
    """What a page would read."""
    return MemoryUnsentStore()


async def follows_up(
    world: World, store: MemoryUnsentStore, summary: DailySummary | None = None, **later: float
) -> None:
    """The timer fires, so much later."""
    world.clock.time += timedelta(**later)
    ledger, engine = world.ledger, world.engine
    await FollowUp(
        ledger=ledger, engine=engine, controls=ledger, clock=world.clock, unsent=store, summary=summary
    ).run()


async def test_what_could_not_be_sent_is_summed_up_with_the_answer(
    world: World, topic: CountingPublisher, store: MemoryUnsentStore
) -> None:
    """How many, since when, and what the topic said; the incident itself is closed as if all had gone well."""
    await world.handle(world.fails(error=NEEDS_PERSON))
    await follows_up(world, store, minutes=5)

    assert store.known == UnsentNotices(
        number=1, since=NOW, answer=str(REFUSED), tries=1, due=NOW + minutes(10)
    )
    assert not (await world.incident()).is_open
    assert topic.sent == []


async def test_messages_are_tried_less_and_less_often(
    world: World, topic: CountingPublisher, store: MemoryUnsentStore
) -> None:
    """In the first hour four times, 5, 10, 20 minutes apart, then hourly; a new one still goes at once."""
    await world.handle(world.fails(error=NEEDS_PERSON))
    tried = []
    for _ in range(12 * 4):
        before = len(topic.asked)
        await follows_up(world, store, minutes=5)
        if len(topic.asked) > before:
            tried.append(int((world.clock() - NOW) / minutes(1)))
    assert tried == [5, 10, 20, 40, 80, 140, 200]

    asked = len(topic.asked)
    await world.handle(world.fails("job-2", of=item(2), error="UserErrorKeyVaultPermissionsNotConfigured"))
    assert len(topic.asked) == asked + 1
    await follows_up(world, store, minutes=5)
    assert store.known is not None
    assert (store.known.number, len(topic.asked)) == (2, asked + 1)


async def test_once_the_topic_answers_nothing_is_left(
    world: World, topic: CountingPublisher, store: MemoryUnsentStore
) -> None:
    """What waited is sent once, and the summary goes."""
    await world.handle(world.fails(error=NEEDS_PERSON))
    await follows_up(world, store, minutes=5)
    topic.error = None

    await follows_up(world, store, minutes=5)

    assert (len(topic.sent), store.known) == (1, None)


async def test_a_digest_that_cannot_be_sent_is_counted(
    world: World, topic: CountingPublisher, store: MemoryUnsentStore
) -> None:
    """The first of its cause has gone; the others go together, and cannot."""
    topic.error = None
    for number in (1, 2, 3):
        await world.handle(world.fails(f"job-{number}", of=item(number), error=NEEDS_PERSON))
    topic.error = REFUSED

    await follows_up(world, store, hours=5)

    assert store.known is not None
    assert store.known.number == 2


async def test_a_daily_summary_that_cannot_be_sent_is_counted(
    world: World, topic: CountingPublisher, store: MemoryUnsentStore
) -> None:
    """With the topic's answer, though nothing else was refused; once it has gone, nothing is left."""
    summary = DailySummary(
        reports=MemoryReports(),
        controls=world.ledger,
        settings=load_settings({"ledger_endpoint": "https://ledger.test"}),
        clock=world.clock,
        publisher=topic,
    )
    await follows_up(world, store, summary)
    assert store.known is not None
    assert (store.known.number, store.known.since, store.known.answer) == (1, NOW, str(REFUSED))

    topic.error = None
    await follows_up(world, store, summary, minutes=5)
    assert (len(topic.sent), await store.unsent()) == (1, None)
