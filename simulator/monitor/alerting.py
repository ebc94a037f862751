"""Azure Monitor: raises the alerts of failed backups and tells the action groups.

https://learn.microsoft.com/azure/backup/backup-azure-monitoring-alerts
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from simulator.arm.refusals import Refusal
from simulator.arm.wire import instant
from simulator.estate.faults import Faults
from simulator.estate.inventory import Job
from simulator.estate.notice_names import DEFAULT_NOTICES
from simulator.machine.outgoing_calls import Answer, Courier, without_query
from simulator.monitor.action_groups import DEFAULT_GROUPS, ActionGroup
from simulator.monitor.activity_alerts import activity_alert
from simulator.monitor.alert_envelope import alert_id
from simulator.monitor.job_notices import JOB_NOTICES
from simulator.monitor.test_notifications import TestNotifications

Json = dict[str, Any]

#: Seconds between the deliveries of one alert to one action group.
RETRY_WAITS = (5, 20, 5, 40, 5)
RETRIED_STATUSES = frozenset({None, 408, 429, 503, 504})
#: How long no action group calls an endpoint whose retries are exhausted.
SILENCE = timedelta(minutes=15)
TIME_OUT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class _Cause:
    """What an alert is about."""

    notice: str
    subscription_id: str
    #: What the estate's record shows of it.
    shown: Json
    #: The payload from the alert's GUID and the time.
    payload: Callable[[str, datetime], Json]

    @property
    def subject(self) -> str:
        """What faults are matched with."""
        return f"{self.shown['item']} {self.shown['job'] or ''}"


@dataclass(frozen=True, kw_only=True)
class _Alert:
    id: str
    cause: _Cause
    content: Json


class Monitor:
    """The alerts of all vaults and their deliveries.

    `job_failed` and `backup_refused` are to be registered as listeners of the estate and of Resource Manager; they
    and `raise_alert` need a running event loop.
    """

    def __init__(self, faults: Faults, now: Callable[[], datetime], courier: Courier | None = None) -> None:
        self._faults = faults
        self._now = now
        self._courier = courier or Courier(time_out=TIME_OUT_SECONDS)
        self._default_webhook: str | None = None
        self.tests = TestNotifications(self._courier, now)
        self.configure()

    def configure(
        self,
        action_groups: Sequence[Mapping[str, Any]] | None = None,
        pace: float = 1.0,
        alert_delay: float = 0.2,
        notices: Sequence[str] = DEFAULT_NOTICES,
    ) -> None:
        """Start afresh: no alerts, nothing under way, no endpoint silenced.

        Args:
            action_groups: the estate's `action_groups`; None: one group for every subscription.
            pace: multiplies every waiting time between deliveries.
            alert_delay: seconds from a job's end to its alert.
            notices: the estate's `notices`.

        Raises:
            ValueError: an action group is malformed.
        """
        groups = DEFAULT_GROUPS if action_groups is None else tuple(map(ActionGroup.from_json, action_groups))
        self._courier.cancel()
        self.tests.clear()
        self._courier.pace = pace
        self._groups: Sequence[ActionGroup] = groups
        self._alert_delay = alert_delay
        self._notices = tuple(notices)
        self._silent_until: dict[str, datetime] = {}
        self._alerts: list[Json] = []
        self._deliveries: list[Json] = []

    def set_default_webhook(self, url: str | None) -> None:
        """Where action groups without a webhook of their own deliver."""
        self._default_webhook = url

    @property
    def groups(self) -> Sequence[ActionGroup]:
        """All action groups."""
        return self._groups

    @property
    def default_webhook(self) -> str | None:
        """Where action groups without a webhook of their own deliver."""
        return self._default_webhook

    def job_failed(self, job: Job) -> None:
        """Raise in a moment the alerts that report this failure."""
        for name, notice in JOB_NOTICES.items():
            if name in self._notices and notice.tells_of(job):
                self._courier.start(self._alert_after_delay(_failure(job, name)))

    def backup_refused(self, refusal: Refusal) -> None:
        """Raise in a moment the activity log alert of a backup that was refused."""
        if "activity" in self._notices:
            self._courier.start(self._alert_after_delay(_refusal(refusal)))

    def raise_alert(self, job: Job) -> None:
        """Raise the built-in alert of `job` now, as often as asked and whatever the faults say."""
        self._notify_groups(self._fire(_failure(job, "built_in")))

    def record(self) -> Json:
        """`alerts` raised and every attempt at a `deliveries`, oldest first, JSON-ready."""
        return {"alerts": list(self._alerts), "deliveries": list(self._deliveries)}

    async def idle(self) -> None:
        """Return when no alert is waiting and no delivery is pending."""
        await self._courier.idle()

    async def close(self) -> None:
        """Give up pending deliveries."""
        await self._courier.close()

    async def _alert_after_delay(self, cause: _Cause) -> None:
        await self._courier.wait(self._alert_delay)
        if late := self._faults.strike("delay_alert", cause.subject):
            await self._courier.wait(late.seconds)
        lost = self._faults.strike("lose_alert", cause.subject) is not None
        alert = self._fire(cause, lost=lost)
        if lost:
            return
        self._notify_groups(alert)
        if self._faults.strike("duplicate_alert", cause.subject):
            self._notify_groups(alert)

    def _fire(self, cause: _Cause, *, lost: bool = False) -> _Alert:
        guid, fired = str(uuid.uuid4()), self._now()
        identity = alert_id(cause.subscription_id, guid)
        record = {
            "id": identity,
            "notice": cause.notice,
            **cause.shown,
            "fired": instant(fired),
            "lost": lost,
        }
        self._alerts.append(record)
        return _Alert(id=identity, cause=cause, content=cause.payload(guid, fired))

    def _notify_groups(self, alert: _Alert) -> None:
        for group in self._groups:
            if group.is_told(alert.cause.subscription_id):
                self._courier.start(self._notify(alert, group))

    async def _notify(self, alert: _Alert, group: ActionGroup) -> None:
        """Deliver until the endpoint answers; one that never does is not called for 15 minutes."""
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
                "POST", url, {"Content-Type": "application/json; charset=utf-8"}, group.body(alert.content)
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
                "alert": alert.id,
                "job": alert.cause.shown["job"],
                "action_group": group.name,
                "url": endpoint,
                "status": answer.status,
                "answer": answer.kept_text,
                "time": instant(self._now()),
            }
        )


def _failure(job: Job, name: str) -> _Cause:
    return _Cause(
        notice=name,
        subscription_id=job.vault.subscription_id,
        shown={"job": job.name, "item": job.item.id, "vault": job.vault.id},
        payload=partial(JOB_NOTICES[name].payload, job),
    )


def _refusal(refusal: Refusal) -> _Cause:
    return _Cause(
        notice="activity",
        subscription_id=refusal.subscription_id,
        shown={"job": None, "item": refusal.item, "vault": refusal.vault},
        payload=partial(activity_alert, refusal),
    )
