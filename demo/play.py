"""One bad night on a running stack: what Azure does, and when the app's answer to it is complete."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp

from demo.ledger import Morning
from demo.scenario import Night
from demo.show import Story
from demo.verdict import Verdict, judge
from simulator.stack.run_info import RunInfo

#: what takes minutes on Azure takes seconds here
SETTINGS = {
    "FOLLOW_UP_SCHEDULE": "* * * * * *",
    "RETRY_BACKOFF": "0s, 1s, 2s",
    "SETTLE_AFTER": "3s",
    "CLOCK_DIFFERENCE": "0s",
    "CLAIM_LEASE": "3s",
    # The simulated policies run once a day at their own hour, which may be now.
    "SCHEDULE_MARGIN": "0s",
}
#: the alerts have had their time by then, on a busy machine a little later
_SWEEP_AFTER_SECONDS, _SWEEP_AT_THE_LATEST = 7.0, 20.0
_GIVE_UP_AFTER_SECONDS = 40.0
_REST_SECONDS = 2.0
_POLL_SECONDS = 0.25


class Play:
    """One night on a running stack."""

    def __init__(self, night: Night, run: RunInfo, story: Story) -> None:
        self._night = night
        self._run = run
        self._story = story
        self._started = time.monotonic()

    @property
    def _elapsed(self) -> float:
        """Seconds since the night began."""
        return time.monotonic() - self._started

    async def play(self, morning: Morning) -> Verdict:
        """Run the backups, let things happen, start the sweep, and judge when all is quiet or time is up."""
        async with aiohttp.ClientSession(raise_for_status=True) as http:
            await self._followed_up(http)
            await self._begin(http)
            swept = False
            while True:
                await asyncio.sleep(_POLL_SECONDS)
                verdict = await self._judge(http, morning)
                self._story.tell(verdict)
                if not swept and self._is_time_to_sweep(verdict):
                    await self._sweep(http)
                    swept = True
                done = swept and verdict.good
                if done or self._elapsed > _GIVE_UP_AFTER_SECONDS:
                    return await self._judge_at_rest(http, morning)

    def _is_time_to_sweep(self, verdict: Verdict) -> bool:
        if self._elapsed < _SWEEP_AFTER_SECONDS:
            return False
        return verdict.alerts_are_heard or self._elapsed >= _SWEEP_AT_THE_LATEST

    async def _followed_up(self, http: aiohttp.ClientSession) -> None:
        """Wait for the first follow-up, which sweeps as after a silence: it would be before the night's alerts."""
        async with asyncio.timeout(_GIVE_UP_AFTER_SECONDS):
            while True:
                async with http.get(f"{self._run.host}/api/health") as response:
                    if (await response.json())["last_follow_up"]:
                        break
                await asyncio.sleep(_POLL_SECONDS)
        self._started = time.monotonic()

    async def _begin(self, http: aiohttp.ClientSession) -> None:
        night = self._night
        await self._send(http, "POST", "/_sim/backups", night.nights_before())
        await self._send(http, "PUT", "/_sim/faults", night.faults())
        self._story.begins(night, _now())
        await self._send(http, "POST", "/_sim/backups", night.backups())
        await asyncio.sleep(2.0)
        await self._send(http, "POST", "/_sim/backups", night.colleagues_backups())

    async def _sweep(self, http: aiohttp.ClientSession) -> None:
        self._story.sweeps(_now())
        headers = {"x-functions-key": self._run.master_key}
        async with http.post(f"{self._run.host}/admin/functions/sweep", json={}, headers=headers):
            pass

    async def _judge_at_rest(self, http: aiohttp.ClientSession, morning: Morning) -> Verdict:
        """Give a retry that should not be time to show itself."""
        await asyncio.sleep(_REST_SECONDS)
        verdict = await self._judge(http, morning)
        self._story.ends(verdict)
        return verdict

    async def _judge(self, http: aiohttp.ClientSession, morning: Morning) -> Verdict:
        async with http.get(f"{self._run.admin}/_sim/state") as response:
            state = await response.json()
        failed = [job["item"] for job in state["jobs"] if job["status"] in {"Failed", "Cancelled"}]
        return judge(self._night, state, await morning.incidents(sorted(set(failed))))

    async def _send(self, http: aiohttp.ClientSession, method: str, path: str, document: Any) -> None:  # noqa: ANN401 (JSON)
        async with http.request(method, f"{self._run.admin}{path}", json=document):
            pass


def _now() -> datetime:
    return datetime.now(UTC)
