"""The product's ports as one worker of the model sees them: over a network that loses requests and answers."""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import AzureUnavailable, BackupRetryError
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step
from backup_retry.domain.notices import Notice
from backup_retry.domain.tags import ASK, OFF, Tag, Tags
from backup_retry.policy.storm import Storm
from backup_retry.ports.causes import Causes
from backup_retry.ports.inbox import Inbox
from backup_retry.ports.known_vaults import MemoryKnownVaults, SeenVaults
from backup_retry.ports.ledger import Controls, Ledger, Storms
from tests.model import http_answers
from tests.model.agenda import START
from tests.model.faults import Fault
from tests.model.invariants import Watch
from tests.model.little_azure import LittleAzure
from tests.model.network import Link

Result = TypeVar("Result")
Clock = Callable[[], datetime]
_SINCE = re.compile(r"endedAt >= iff\(saysEnd, datetime\(([^)]+)\)")
#: how far behind the vaults Resource Graph may be, in seconds
GRAPH_LAG = 1800.0


def immediately(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast("Result", done.value)
    raise RuntimeError("it waits for something")


class Remote(ABC):
    """A store in memory behind a network: every method of it, whatever it has."""

    def __init__(self, store: object, link: Link, watch: Watch) -> None:
        self._store = store
        self._link = link
        self._watch = watch

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._store, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            faults = self._link.network.faults
            unavailable = AzureUnavailable("ledger: no answer")
            lost_there = "ledger" in self._link.network.down or faults.strikes(Fault.LEDGER_REQUEST_LOST)
            lost_back = faults.strikes(Fault.LEDGER_ANSWER_LOST)
            return await self._link.call(
                lambda: self._serve(name, immediately(method(*arguments, **named)), *arguments, **named),
                instead=unavailable if lost_there else None,
                lost=unavailable if lost_back else None,
            )

        return call

    @abstractmethod
    def _serve(self, name: str, result: Any, *arguments: Any, **named: Any) -> Any:
        """A method has had its effect; returns its answer."""


class RemoteInbox(Remote):
    """The signals that wait, in the same store as the ledger."""

    @property
    def inbox(self) -> Inbox:
        """As the port."""
        return cast("Inbox", self)

    def _serve(self, name: str, result: Any, *arguments: Any, **_: Any) -> Any:
        if name == "add":
            self._watch.promises.deferred(*arguments)
        if name == "forget":
            self._watch.allowed(self._watch.promises.forgotten(*arguments))
        return result


class RemoteCauses(Remote):
    """What people were told of, in the same store as the ledger."""

    @property
    def causes(self) -> Causes:
        """As the port."""
        return cast("Causes", self)

    def _serve(self, name: str, result: Any, *arguments: Any, **_: Any) -> Any:
        del name, arguments
        return result


class RemoteSeenVaults(Remote):
    """The vaults that sweeps have seen, in the same store; and those that Resource Graph shows."""

    @property
    def port(self) -> SeenVaults:
        """As the port."""
        return cast("SeenVaults", self)

    async def shown(self) -> Sequence[Vault]:
        """See SeenVaults."""
        network = self._link.network
        down = network.faults.strikes(Fault.GRAPH_UNAVAILABLE)
        error = http_answers.of_read(http_answers.no_answer()) if down else None
        vaults: Sequence[Vault] = await self._link.call(self._not_hidden, instead=error)
        return vaults

    def _not_hidden(self) -> Sequence[Vault]:
        hidden, store = self._link.network.hidden, cast("MemoryKnownVaults", self._store)
        return [vault for vault in immediately(store.shown()) if vault.key not in hidden]

    def _serve(self, name: str, result: Any, *_: Any, **__: Any) -> Any:
        del name
        return result


class RemoteStore(Remote):
    """The ledger, the controls and the storms."""

    @property
    def ledger(self) -> Ledger:
        """As the port."""
        return cast("Ledger", self)

    @property
    def controls(self) -> Controls:
        """As the port."""
        return cast("Controls", self)

    @property
    def storms(self) -> Storms:
        """As the port."""
        return cast("Storms", self)

    def _serve(self, name: str, result: Any, *arguments: Any, **named: Any) -> Any:
        if name == "save" and isinstance(result, Incident):
            self._watch.saved(result, *_steps_and_job(*arguments[1:], **named))
        if name == "save_storm" and isinstance(result, Storm):
            self._watch.storm_saved(result)
        return result


def _steps_and_job(steps: Sequence[Step] = (), job_id: str = "") -> tuple[Sequence[Step], str]:
    """The arguments of `save` beside the incident."""
    return steps, job_id


@dataclass(frozen=True)
class RemoteGraph:
    """Resource Graph: the sweep's query, answered from what the vaults looked like a while ago."""

    azure: LittleAzure
    link: Link

    async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """See reconciler.sweep.Graph."""
        faults = self.link.network.faults
        error: BackupRetryError | None = None
        if faults.strikes(Fault.GRAPH_UNAVAILABLE):
            error = http_answers.of_read(http_answers.no_answer())
        lag = self.link.network.random.uniform(0, GRAPH_LAG) if faults.strikes(Fault.GRAPH_LAGS) else 0.0
        since = (_since(query) - START).total_seconds()
        for row in await self.link.call(lambda: self._answer(since, lag), instead=error):
            yield row

    def _answer(self, since: float, lag: float) -> list[Mapping[str, Any]]:
        as_of = self.azure.agenda.now - lag
        found = [job for true_item in self.azure.items.values() for job in true_item.unmended(as_of)]
        return [
            {
                "id": f"{job.item.vault.id}/backupJobs/{job.id}",
                "vaultId": job.item.vault.id,
                "backupInstance": job.item.id,
                "startTime": job.seen_at(as_of).started_at.isoformat(),
            }
            for job in found
            if job.ends_at >= since and job.item.vault.key not in self.link.network.hidden
        ]


@dataclass(frozen=True)
class RemoteTags:
    """Tags: who has opted out."""

    link: Link
    watch: Watch

    async def tags_of(self, item: ProtectedItem, source_id: str = "") -> Tags:
        """See tag_lookup.TagLookup."""
        del source_id
        down = self.link.network.faults.strikes(Fault.TAGS_UNAVAILABLE)
        error = http_answers.of_read(http_answers.no_answer()) if down else None
        return await self.link.call(lambda: self._tags(item), instead=error)

    def _tags(self, item: ProtectedItem) -> Tags:
        people = self.watch.restraint
        words = [word for word, keys in ((OFF, people.tagged), (ASK, people.asking)) if item.key in keys]
        return Tags(retry=tuple(Tag(value=word, resource_id=item.id) for word in words))


@dataclass(frozen=True)
class RemoteTopic:
    """The Event Grid topic of notices and of what a sweep announces; what was sent may have arrived unanswered."""

    link: Link
    watch: Watch
    #: delivers what a sweep has announced
    deliver: Callable[[Mapping[str, Any]], object]
    #: delivers the key of a signal that a worker hands on
    hand_on: Callable[[str], object]
    #: delivers that the so many-th slice of a turn is due
    start: Callable[[str, int], object]

    async def publish(self, notices: Sequence[Notice]) -> None:
        """See notices.Publisher."""
        await self._send(lambda: self.watch.published(notices))

    async def announce(self, data: Mapping[str, Any]) -> None:
        """See reconciler.dispatch.Announcer."""
        await self._send(lambda: self.deliver(data))

    async def signal_deferred(self, key: str) -> None:
        """See inbox.Messenger."""
        await self._send(lambda: self.hand_on(key))

    async def turn_due(self, turn: str, number: int) -> None:
        """See turns.Starter."""
        await self._send(lambda: self.start(turn, number))

    async def _send(self, effect: Callable[[], object]) -> None:
        network = self.link.network
        down = "topic" in network.down or network.faults.strikes(Fault.TOPIC_UNAVAILABLE)
        error = AzureUnavailable("topic: no answer") if down else None
        arrived = network.random.random() < 0.5
        await self.link.call(
            effect,
            instead=None if arrived else error,
            lost=error if arrived else None,
        )


def _since(query: str) -> datetime:
    match = _SINCE.search(query)
    if match is None:
        raise RuntimeError("the sweep's query has no horizon")
    return datetime.fromisoformat(match[1])
