"""The product's ports as one worker of the model sees them: over a network that loses requests and answers."""

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from azure.core.exceptions import AzureError

from backup_retry.arm_ids import ProtectedItem, Vault
from backup_retry.errors import AzureUnavailable, BackupRetryError
from backup_retry.incident import Incident, Step
from backup_retry.ledger import Controls, Ledger, MemoryLedger, Storms
from backup_retry.model import BackupRequest, ItemState, Job, JobList, Operation
from backup_retry.notices import Notice
from backup_retry.storm import Storm
from tests.model import http_answers
from tests.model.agenda import START
from tests.model.faults import Fault, Faults
from tests.model.invariants import Watch
from tests.model.little_azure import LittleAzure
from tests.model.network import Link
from tests.model.restraint import Sent

Result = TypeVar("Result")
Clock = Callable[[], datetime]
_SINCE = re.compile(r"startTime >= datetime\(([^)]+)\)")
#: how far behind the vaults Resource Graph may be, in seconds
GRAPH_LAG = 1800.0


def immediately(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast("Result", done.value)
    raise RuntimeError("it waits for something")


class RemoteStore:
    """The ledger and the controls behind a network: every method of the memory ledger, whatever it has."""

    def __init__(self, store: MemoryLedger, link: Link, watch: Watch) -> None:
        self._store = store
        self._link = link
        self._watch = watch

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

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._store, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            faults = self._link.network.faults
            unavailable = AzureUnavailable("ledger: no answer")
            lost_there = "ledger" in self._link.network.down or faults.strikes(Fault.LEDGER_REQUEST_LOST)
            lost_back = faults.strikes(Fault.LEDGER_ANSWER_LOST)
            return await self._link.call(
                partial(self._serve, name, method, arguments, named),
                instead=unavailable if lost_there else None,
                lost=unavailable if lost_back else None,
            )

        return call

    def _serve(self, name: str, method: Any, arguments: Any, named: Any) -> Any:
        result = immediately(method(*arguments, **named))
        if name == "save" and isinstance(result, Incident):
            self._watch.saved(result, *_steps_and_job(*arguments[1:], **named))
        if name == "save_storm" and isinstance(result, Storm):
            self._watch.storm_saved(result)
        return result


def _steps_and_job(steps: Sequence[Step] = (), job_id: str = "") -> tuple[Sequence[Step], str]:
    """The arguments of `save` beside the incident."""
    return steps, job_id


@dataclass
class RemoteVaults:
    """The vaults behind a network."""

    azure: LittleAzure
    link: Link
    watch: Watch
    clock: Clock
    _kept: dict[str, tuple[datetime, JobList]] = field(default_factory=dict)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """See Vaults."""
        return await self._read(vault, lambda: self.azure.job(vault, job_id))

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """See Vaults; a reading that satisfies the caller is shared."""
        kept = self._kept.get(vault.key)
        if kept and kept[0] <= since and kept[1].read_at >= fresh_since:
            return kept[1]
        read_at = self.clock()
        listed = JobList(read_at=read_at, jobs=await self._read(vault, lambda: self._list(vault, since)))
        self._kept[vault.key] = (since, listed)
        return listed

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """See Vaults."""
        return await self._read(item.vault, lambda: self.azure.item_state(item))

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """See Vaults."""
        return await self._read(item.vault, lambda: self.azure.operation(operation_id))

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """See Vaults; the model has machines only, whose requests differ in nothing that matters."""
        del request
        post = _Post(self, item, attempt_id, self.link.network.faults)
        return await post.send()

    def _list(self, vault: Vault, since: datetime) -> Any:
        self.watch.vault_listed(vault)
        return self.azure.list_jobs(vault, since)

    async def _read(self, vault: Vault, effect: Callable[[], Result]) -> Result:
        self.watch.touched(vault)
        fault = self.link.network.faults.first(*_READ_FAULTS)
        if fault is Fault.READ_REFUSED or vault.key in self.link.network.denied:
            self.watch.refused(vault)
        error = _READ_FAULTS[fault]() if fault else self.standing_error(vault)
        return await self.link.call(effect, instead=http_answers.of_read(error) if error else None)

    def standing_error(self, vault: Vault) -> AzureError | None:
        """What stands in the way for a while: an outage, or a role that was taken away."""
        network = self.link.network
        if vault.key in network.down:
            return http_answers.no_answer()
        if vault.key in network.denied:
            return http_answers.refusal(403, "AuthorizationFailed")
        return None


_READ_FAULTS: dict[Fault, Callable[[], AzureError]] = {
    Fault.READ_THROTTLED: lambda: http_answers.refusal(429, "SubscriptionRequestsThrottled", 20),
    Fault.READ_UNAVAILABLE: lambda: http_answers.refusal(503, "ServiceUnavailable"),
    Fault.READ_LOST: http_answers.no_answer,
    Fault.READ_REFUSED: lambda: http_answers.refusal(400, "BadRequest"),
}


@dataclass(frozen=True)
class _Post:
    """One trigger on its way."""

    vaults: RemoteVaults
    item: ProtectedItem
    attempt_id: str
    faults: Faults

    async def send(self) -> str:
        """Every way a POST can go; only those that certainly had no effect may say so."""
        self.vaults.watch.touched(self.item.vault)
        standing = self.vaults.standing_error(self.item.vault)
        if standing is not None:
            return await self._nothing_starts(standing)
        fault = self.faults.first(*_TRIGGER_FAULTS)
        if fault is None:
            return await self.vaults.link.call(self._start)
        return await _TRIGGER_FAULTS[fault](self)

    async def throttled(self) -> str:
        """429."""
        return await self._nothing_starts(http_answers.refusal(429, "SubscriptionRequestsThrottled", 30))

    async def never_connected(self) -> str:
        """It is not even sent."""
        error = http_answers.of_trigger(http_answers.never_connected())
        return await self.vaults.link.call(str, instead=error)

    async def refused(self) -> str:
        """400."""
        return await self._nothing_starts(http_answers.refusal(400, "BMSUserErrorObjectLocked"))

    async def request_lost(self) -> str:
        """The connection dies before it has an effect."""
        return await self._nothing_starts(http_answers.no_answer(), unclear=True)

    async def not_started(self) -> str:
        """5xx, and nothing happened."""
        return await self._nothing_starts(http_answers.refusal(500, "InternalServerError"), unclear=True)

    async def answer_lost(self) -> str:
        """It has an effect, and the connection dies."""
        return await self._starts_unseen(http_answers.no_answer())

    async def started(self) -> str:
        """5xx, although it has an effect."""
        return await self._starts_unseen(http_answers.refusal(503, "ServiceUnavailable"))

    async def arrives_late(self) -> str:
        """It has its effect after its sender gave up."""
        lost = http_answers.of_trigger(http_answers.timed_out())

        def later() -> str:
            sent = self._sent()
            sent.unclear = True
            self.vaults.link.send_late(lambda: self._begin_unseen(sent))
            return ""

        return await self.vaults.link.call(later, lost=lost)

    async def _nothing_starts(self, error: AzureError, *, unclear: bool = False) -> str:
        def refuse() -> str:
            sent = self._sent()
            sent.refused_at, sent.unclear = self.vaults.link.network.agenda.now, unclear
            raise http_answers.of_trigger(error)

        return await self.vaults.link.call(refuse)

    async def _starts_unseen(self, error: AzureError) -> str:
        return await self.vaults.link.call(
            lambda: self._start(unclear=True), lost=http_answers.of_trigger(error)
        )

    def _start(self, *, unclear: bool = False) -> str:
        sent = self._sent()
        sent.unclear = unclear
        return self._begin(sent)

    def _begin(self, sent: Sent) -> str:
        azure = self.vaults.azure
        sent.refused_at = azure.agenda.now
        state = azure.item_state(self.item)
        if state is None or state.protection_state != "Protected":
            raise http_answers.of_trigger(http_answers.refusal(400, "BMSUserErrorItemNotProtected"))
        operation_id = azure.trigger(self.item, self.attempt_id)
        job_id = getattr(azure.operation(operation_id), "job_id", "")
        if job_id:
            sent.job, sent.refused_at = azure.jobs[job_id], float("inf")
        return operation_id

    def _begin_unseen(self, sent: Sent) -> None:
        with suppress(BackupRetryError):
            self._begin(sent)

    def _sent(self) -> Sent:
        return self.vaults.watch.trigger_sent(self.item, self.attempt_id)


_TRIGGER_FAULTS: dict[Fault, Callable[[_Post], Coroutine[Any, Any, str]]] = {
    Fault.TRIGGER_THROTTLED: _Post.throttled,
    Fault.TRIGGER_NEVER_CONNECTED: _Post.never_connected,
    Fault.TRIGGER_REQUEST_LOST: _Post.request_lost,
    Fault.TRIGGER_ANSWER_LOST: _Post.answer_lost,
    Fault.TRIGGER_ARRIVES_LATE: _Post.arrives_late,
    Fault.TRIGGER_5XX_STARTED: _Post.started,
    Fault.TRIGGER_5XX_NOT_STARTED: _Post.not_started,
    Fault.TRIGGER_REFUSED: _Post.refused,
}


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
        found = (true_item.unmended(as_of) for true_item in self.azure.items.values())
        return [
            {
                "id": f"{job.item.vault.id}/backupJobs/{job.id}",
                "vaultId": job.item.vault.id,
                "backupInstance": job.item.id,
                "startTime": job.seen_at(as_of).started_at.isoformat(),
            }
            for job in found
            if job is not None and job.started_at >= since
        ]


@dataclass(frozen=True)
class RemoteTags:
    """Tags: who has opted out."""

    link: Link
    watch: Watch

    async def opted_out_by(self, item: ProtectedItem, source_id: str = "") -> str:
        """See opt_outs.OptOuts."""
        del source_id
        down = self.link.network.faults.strikes(Fault.TAGS_UNAVAILABLE)
        error = http_answers.of_read(http_answers.no_answer()) if down else None
        tagged = self.watch.restraint.tagged
        return await self.link.call(lambda: item.id if item.key in tagged else "", instead=error)


@dataclass(frozen=True)
class RemoteTopic:
    """The Event Grid topic that notices go to."""

    link: Link
    watch: Watch

    async def publish(self, notices: Sequence[Notice]) -> None:
        """See notices.Publisher; what was sent may have arrived although no answer came."""
        network = self.link.network
        down = "topic" in network.down or network.faults.strikes(Fault.TOPIC_UNAVAILABLE)
        error = AzureUnavailable("topic: no answer") if down else None
        arrived = network.random.random() < 0.5
        await self.link.call(
            lambda: self.watch.published(notices),
            instead=None if arrived else error,
            lost=error if arrived else None,
        )


def _since(query: str) -> datetime:
    match = _SINCE.search(query)
    if match is None:
        raise RuntimeError("the sweep's query has no horizon")
    return datetime.fromisoformat(match[1])
