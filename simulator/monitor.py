"""Azure Monitor: raises the built-in alert of a failed backup and tells the action groups.

https://learn.microsoft.com/azure/backup/backup-azure-monitoring-alerts
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from simulator.alert_schema import alert_id, backup_failure
from simulator.courier import Answer, Courier, without_query
from simulator.faults import Faults
from simulator.inventory import Job
from simulator.wire import instant

Json = dict[str, Any]

#: Seconds between the deliveries of one alert to one action group.
RETRY_WAITS = (5, 20, 5, 40, 5)
RETRIED_STATUSES = frozenset({None, 408, 429, 503, 504})
#: How long no action group calls an endpoint that used up its retries.
SILENCE = timedelta(minutes=15)
TIME_OUT_SECONDS = 10.0

_ALREADY_RUNNING = "UserErrorBackupOperationInProgress"


@dataclass(frozen=True, kw_only=True)
class ActionGroup:
    """Whom to tell of the alerts of some subscriptions."""

    name: str
    #: Lower-cased ids; None: every subscription.
    subscriptions: frozenset[str] | None = None
    #: None: the stack's own alerts URL.
    webhook: str | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read one entry of the estate's `action_groups`.

        Raises:
            ValueError: what is wrong with it.
        """
        if unknown := value.keys() - {"name", "subscriptions", "webhook"}:
            raise ValueError(f"an action group has no {sorted(unknown)}")
        if not value.get("name"):
            raise ValueError("an action group needs a name")
        subscriptions = value.get("subscriptions")
        return cls(
            name=value["name"],
            subscriptions=None if subscriptions is None else frozenset(map(str.lower, subscriptions)),
            webhook=value.get("webhook"),
        )

    def covers(self, subscription_id: str) -> bool:
        """Whether alerts of the subscription go to this group."""
        return self.subscriptions is None or subscription_id.lower() in self.subscriptions


DEFAULT_GROUPS = (ActionGroup(name="ag-backup"),)


@dataclass(frozen=True, kw_only=True)
class _Alert:
    guid: str
    job: Job
    payload: bytes


class Monitor:
    """The alerts of all vaults and their deliveries.

    `job_failed` is to be registered as the estate's listener; it and `raise_alert` need a running event loop.
    """

    def __init__(self, faults: Faults, now: Callable[[], datetime], courier: Courier | None = None) -> None:
        self._faults = faults
        self._now = now
        self._courier = courier or Courier(time_out=TIME_OUT_SECONDS)
        self._default_webhook: str | None = None
        self.configure()

    def configure(
        self,
        action_groups: Sequence[Mapping[str, Any]] | None = None,
        pace: float = 1.0,
        alert_delay: float = 0.2,
    ) -> None:
        """Start afresh: no alerts, nothing under way, no endpoint silenced.

        Args:
            action_groups: the estate's `action_groups`; None: one group for every subscription.
            pace: multiplies every waiting time between deliveries.
            alert_delay: seconds from a job's end to its alert.

        Raises:
            ValueError: an action group is malformed.
        """
        groups = DEFAULT_GROUPS if action_groups is None else tuple(map(ActionGroup.from_json, action_groups))
        self._courier.cancel()
        self._courier.pace = pace
        self._groups: Sequence[ActionGroup] = groups
        self._alert_delay = alert_delay
        self._silent_until: dict[str, datetime] = {}
        self._alerts: list[Json] = []
        self._deliveries: list[Json] = []

    def set_default_webhook(self, url: str | None) -> None:
        """Where action groups without a webhook of their own deliver."""
        self._default_webhook = url

    def job_failed(self, job: Job) -> None:
        """Raise the alert in a moment, if Azure raises one for this failure."""
        if _raises_alert(job):
            self._courier.start(self._alert_after_delay(job))

    def raise_alert(self, job: Job) -> None:
        """Raise the alert of `job` now, as often as asked and whatever the faults say."""
        self._notify_groups(self._fire(job))

    def record(self) -> Json:
        """`alerts` raised and every attempt at a `deliveries`, oldest first, JSON-ready."""
        return {"alerts": list(self._alerts), "deliveries": list(self._deliveries)}

    async def idle(self) -> None:
        """Return when no alert is waiting and no delivery is pending."""
        await self._courier.idle()

    async def close(self) -> None:
        """Give up pending deliveries."""
        await self._courier.close()

    async def _alert_after_delay(self, job: Job) -> None:
        subject = f"{job.item.id} {job.name}"
        await self._courier.wait(self._alert_delay)
        if late := self._faults.strike("delay_alert", subject):
            await self._courier.wait(late.seconds)
        lost = self._faults.strike("lose_alert", subject) is not None
        alert = self._fire(job, lost=lost)
        if lost:
            return
        self._notify_groups(alert)
        if self._faults.strike("duplicate_alert", subject):
            self._notify_groups(alert)

    def _fire(self, job: Job, *, lost: bool = False) -> _Alert:
        guid, fired = str(uuid.uuid4()), self._now()
        payload = backup_failure(job, alert_guid=guid, fired=fired)
        self._alerts.append(
            {
                "id": alert_id(job.vault, guid),
                "job": job.name,
                "item": job.item.id,
                "vault": job.vault.id,
                "fired": instant(fired),
                "lost": lost,
            }
        )
        return _Alert(guid=guid, job=job, payload=json.dumps(payload).encode())

    def _notify_groups(self, alert: _Alert) -> None:
        for group in self._groups:
            if group.covers(alert.job.vault.subscription_id):
                self._courier.start(self._notify(alert, group))

    async def _notify(self, alert: _Alert, group: ActionGroup) -> None:
        """Deliver until the endpoint answers; one that never does is left alone for a quarter of an hour."""
        url = group.webhook or self._default_webhook
        if url is None:
            self._note_unsent(alert, group, "", "no webhook is configured")
            return
        endpoint = without_query(url)
        for wait in (0, *RETRY_WAITS):
            await self._courier.pause(wait)
            if self._is_silenced(endpoint):
                self._note_unsent(alert, group, endpoint, "the endpoint is silenced after failed deliveries")
                return
            answer = await self._courier.send(
                "POST", url, {"Content-Type": "application/json; charset=utf-8"}, alert.payload
            )
            self._note(alert, group, endpoint, answer)
            if answer.status not in RETRIED_STATUSES:
                return
        self._silent_until[endpoint] = self._now() + SILENCE * self._courier.pace

    def _is_silenced(self, endpoint: str) -> bool:
        until = self._silent_until.get(endpoint)
        return until is not None and self._now() < until

    def _note_unsent(self, alert: _Alert, group: ActionGroup, endpoint: str, why: str) -> None:
        self._note(alert, group, endpoint, Answer(status=None, text=why, headers={}))

    def _note(self, alert: _Alert, group: ActionGroup, endpoint: str, answer: Answer) -> None:
        self._deliveries.append(
            {
                "alert": alert_id(alert.job.vault, alert.guid),
                "job": alert.job.name,
                "action_group": group.name,
                "url": endpoint,
                "status": answer.status,
                "answer": answer.kept_text,
                "time": instant(self._now()),
            }
        )


def _raises_alert(job: Job) -> bool:
    """No alert comes when the vault has them off or another backup of the item was running."""
    already_running = job.error is not None and job.error.title == _ALREADY_RUNNING
    return job.vault.alerts_for_all_job_failures and not already_running
