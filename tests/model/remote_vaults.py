"""The vaults as one worker of the model sees them: over a network that loses requests and answers."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from azure.core.exceptions import AzureError

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import BackupRequest, Job, JobList, Operation
from tests.model import http_answers
from tests.model.faults import Fault, Faults
from tests.model.invariants import Watch
from tests.model.little_azure import LittleAzure
from tests.model.network import Link
from tests.model.restraint import Sent

Result = TypeVar("Result")
Clock = Callable[[], datetime]


@dataclass
class RemoteVaults:
    """The vaults behind a network."""

    azure: LittleAzure
    link: Link
    watch: Watch
    clock: Clock
    _cached: dict[str, tuple[datetime, JobList]] = field(default_factory=dict)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """See Vaults."""
        return await self._read(vault, lambda: self.azure.job(vault, job_id))

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """See Vaults; a reading that satisfies the caller is shared."""
        cached = self._cached.get(vault.key)
        if cached and cached[0] <= since and cached[1].read_at >= fresh_since:
            return cached[1]
        read_at = self.clock()
        listed = JobList(read_at=read_at, jobs=await self._read(vault, lambda: self._list(vault, since)))
        self._cached[vault.key] = (since, listed)
        return listed

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """See Vaults."""
        return await self._read(item.vault, lambda: self.azure.item_state(item))

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """See Vaults."""
        return await self._read(item.vault, lambda: self.azure.operation(operation_id))

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """See Vaults."""
        post = _Post(self, item, request, attempt_id, self.link.network.faults)
        return await post.send()

    def _list(self, vault: Vault, since: datetime) -> Any:
        self.watch.vault_listed(vault)
        return self.azure.list_jobs(vault, since)

    async def _read(self, vault: Vault, effect: Callable[[], Result]) -> Result:
        self.watch.touched(vault)
        fault = self.link.network.faults.first(*_READ_FAULTS)
        error = _READ_FAULTS[fault]() if fault else self.standing_error(vault)
        return await self.link.call(effect, instead=http_answers.of_read(error) if error else None)

    def standing_error(self, vault: Vault) -> AzureError | None:
        """What stands in the way for a while: an outage, a role taken away, a subscription not found."""
        network = self.link.network
        if vault.key in network.down:
            return http_answers.no_answer()
        if vault.key in network.denied:
            return http_answers.refusal(403, "AuthorizationFailed")
        if vault.key in network.missing:
            return http_answers.refusal(404, network.random.choice(_NOT_FOUND))
        return None


_NOT_FOUND = ("SubscriptionNotFound", "ResourceGroupNotFound", "ResourceNotFound")
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
    request: BackupRequest
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
        operation_id = azure.trigger(self.item, self.request.kind, self.attempt_id)
        job_id = getattr(azure.operation(operation_id), "job_id", "")
        if job_id:
            sent.job, sent.refused_at = azure.jobs[job_id], float("inf")
        return operation_id

    def _begin_unseen(self, sent: Sent) -> None:
        with suppress(BackupRetryError):
            self._begin(sent)

    def _sent(self) -> Sent:
        return self.vaults.watch.trigger_sent(self.item, self.request, self.attempt_id)


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
