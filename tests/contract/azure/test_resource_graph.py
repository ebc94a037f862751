"""Resource Graph over a large estate: groups, quotas, refusals; what was left out never looks complete."""

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from backup_retry.azure import resource_graph
from backup_retry.azure.pacing import GraphQuota
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.errors import AnsweredInPart, AzureRefused
from reconciler.sweep import failed_jobs_query
from simulator.machine.tls import Certificates
from simulator.resource_graph.kql import GraphTables
from tests.builders import NOW
from tests.clock import Clock
from tests.player import Json, Player, playing
from tests.vault_world import VaultWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

TENANTS = ("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb")
LIMIT_HIT = {"x-ms-tenant-subscription-limit-hit": "true"}
Answer = tuple[int, Json, dict[str, str]]


def ids(number: int) -> list[str]:
    """So many subscription ids, in order."""
    return [str(uuid.UUID(int=each)) for each in range(number)]


@dataclass
class Estate(Player):
    """Resource Graph of many subscriptions, with a failure in each; the later half is another tenant's."""

    visible: Sequence[str] = ()
    #: what to answer instead, by the subscriptions asked for (None: which there are)
    instead: Callable[[Sequence[str] | None], Answer | None] = lambda _: None
    extra: dict[str, str] = field(default_factory=dict)
    #: seconds that were waited
    waited: list[float] = field(default_factory=list)

    async def play(self, request: web.Request) -> web.Response:
        """See Player."""
        body = await request.json()
        chosen = body.get("subscriptions")
        self.asked.append(chosen)
        status, answer, headers = self.instead(chosen) or (200, _page(self._rows(chosen)), {})
        return web.json_response(answer, status=status, headers=self.extra | headers)

    def _rows(self, chosen: Sequence[str] | None) -> list[Json]:
        if chosen is None:
            return [{"id": each, "name": f"Sub {number}"} for number, each in enumerate(self.visible)]
        later = set(self.visible[len(self.visible) // 2 :])
        return [{"id": each, "tenantId": TENANTS[each in later]} for each in chosen]

    async def swept(self, *chosen: str, allowed: Callable[[str], bool] = lambda _: True) -> list[Json]:
        """The rows that a sweep of these subscriptions sees; `problems` afterwards."""
        self.problems: tuple[str, ...] = ()
        self.asked.clear()
        rows: list[Json] = []
        try:
            async for row in ResourceGraph(self.clients, chosen).estate((), allowed).rows("query"):
                rows.append(dict(row))  # noqa: PERF401 (an error ends it)
        except AnsweredInPart as error:
            self.problems = error.problems
        return rows


def _page(rows: list[Json]) -> Json:
    return {"totalRecords": len(rows), "count": len(rows), "data": rows, "resultTruncated": "false"}


def refused(status: int, **headers: str) -> Answer:
    """Azure's envelope for an error."""
    return status, {"error": {"code": "Nope", "message": "no"}}, headers


@pytest_asyncio.fixture(loop_scope="module")
async def estate(trust: Certificates) -> AsyncIterator[Estate]:
    """An estate of 501 subscriptions, whose quota is waited for on a clock of its own."""
    async with playing(trust, Estate(visible=ids(501))) as player:
        time = 0.0

        async def sleep(seconds: float) -> None:
            nonlocal time
            time += seconds
            player.waited.append(seconds)

        player.clients.graph_quota = GraphQuota(lambda: time, sleep)
        yield player


# ---- discovered and configured ----------------------------------------------------------------------------------


async def test_discovered_subscriptions_are_asked_in_groups_of_250(estate: Estate) -> None:
    """One question which there are, then each once."""
    rows = await estate.swept()
    first, *groups = estate.asked
    assert first is None
    assert [len(group) for group in groups] == [250, 250, 1]
    assert [row["id"] for row in rows] == ids(501)
    assert estate.problems == ()


async def test_other_tenants_subscriptions_are_swept_as_well(estate: Estate) -> None:
    """Through Lighthouse they are simply visible."""
    rows = await estate.swept()
    assert {row["tenantId"] for row in rows} == set(TENANTS)


async def test_only_the_configured_ones_are_asked_about(estate: Estate) -> None:
    """In whatever casing they are visible."""
    chosen = ids(3)
    assert [row["id"] for row in await estate.swept(*chosen)] == chosen
    assert estate.asked == [None, chosen]


async def test_what_the_scope_refuses_is_not_asked_about(estate: Estate) -> None:
    """Nor is it a problem."""
    rows = await estate.swept(allowed=lambda each: each != ids(1)[0])
    assert len(rows) == 500
    assert estate.problems == ()


async def test_a_configured_subscription_that_cannot_be_seen_is_named(estate: Estate) -> None:
    """Resource Graph would say nothing about it: not even that."""
    unseen = str(uuid.UUID(int=999))
    rows = await estate.swept(*ids(2), unseen)
    assert len(rows) == 2
    assert estate.problems == (f"Subscriptions not swept: {unseen}: this identity cannot read them.",)


async def test_an_identity_that_sees_nothing_has_swept_nothing(estate: Estate) -> None:
    """A missing role looks like an estate in which all is well."""
    estate.visible = ()
    assert await estate.swept() == []
    assert "no role" in estate.problems[0]


# ---- throttled, truncated, failing ------------------------------------------------------------------------------


async def test_when_the_quota_is_used_up_the_next_query_waits_for_the_window(estate: Estate) -> None:
    """As long as Azure says, and only then."""
    estate.extra = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:03"}
    await estate.swept(*ids(1))
    assert estate.waited == [3.0]
    estate.extra = {"x-ms-user-quota-remaining": "1", "x-ms-user-quota-resets-after": "00:00:03"}
    await estate.swept(*ids(1))
    assert estate.waited == [3.0, 3.0]


async def test_a_throttled_group_is_asked_for_again_when_azure_says(estate: Estate) -> None:
    """And is complete then."""
    refusals = iter([refused(429, **{"Retry-After": "7"})])
    estate.instead = lambda chosen: next(refusals, None) if chosen else None
    assert len(await estate.swept()) == 501
    assert estate.waited == [7.0]
    assert estate.problems == ()


async def test_a_group_that_stays_throttled_is_named_and_the_others_are_swept(estate: Estate) -> None:
    """A bounded number of tries; then each of its subscriptions by name."""
    last = ids(501)[-1]
    estate.instead = lambda chosen: refused(429, **{"Retry-After": "7"}) if chosen == [last] else None
    assert len(await estate.swept()) == 500
    assert estate.waited == [7.0] * 3
    [problem] = estate.problems
    assert problem.startswith(f"Subscriptions not swept: Sub 500 ({last}): Resource Graph: 429")


async def test_a_refused_group_is_named_and_the_others_are_swept(estate: Estate) -> None:
    """Asking again would not help."""
    first = ids(1)[0]
    estate.instead = lambda chosen: refused(403) if chosen and first in chosen else None
    assert len(await estate.swept()) == 251
    assert estate.waited == []
    assert f"Sub 0 ({first}), Sub 1 " in estate.problems[0]


async def test_a_group_whose_answer_is_cut_short_is_named(estate: Estate) -> None:
    """A `resultTruncated` without a skip token: the rows that came are swept, and the next sweep reaches back."""
    first, last = ids(1)[0], ids(501)[-1]
    cut = _page([{"id": last}]) | {"resultTruncated": "true"}
    estate.instead = lambda chosen: (200, cut, {}) if chosen == [last] else None
    assert len(await estate.swept()) == 501
    [problem] = estate.problems
    assert problem.startswith(
        f"Subscriptions not swept: Sub 500 ({last}): Resource Graph: the result was truncated"
    )
    assert first not in problem


async def test_a_group_that_is_too_large_is_asked_in_halves(estate: Estate) -> None:
    """Until it is answered for in full."""
    estate.instead = lambda chosen: (200, _page([]), LIMIT_HIT) if chosen and len(chosen) > 100 else None
    rows = await estate.swept()
    assert [row["id"] for row in rows] == ids(501)
    assert [len(each) for each in estate.asked[1:4]] == [250, 125, 62]
    assert estate.problems == ()


async def test_a_subscription_that_is_left_out_even_alone_is_named(estate: Estate) -> None:
    """And no other is."""
    lost = ids(501)[77]
    estate.instead = lambda chosen: (200, _page([]), LIMIT_HIT) if chosen and lost in chosen else None
    assert len(await estate.swept()) == 500
    [problem] = estate.problems
    assert problem.startswith(f"Subscriptions not swept: Sub 77 ({lost}): Resource Graph left")


async def test_more_subscriptions_than_can_be_listed_are_no_complete_sweep(estate: Estate) -> None:
    """Those that are listed are swept."""
    listed = [{"id": each, "name": each} for each in ids(2)]
    estate.instead = lambda chosen: None if chosen else (200, _page(listed), LIMIT_HIT)
    assert [row["id"] for row in await estate.swept()] == ids(2)
    assert "SCOPE_SUBSCRIPTIONS" in estate.problems[0]


async def test_configured_subscriptions_are_swept_though_nobody_can_say_which_there_are(
    estate: Estate,
) -> None:
    """Only that the sweep was complete cannot be said."""
    estate.instead = lambda chosen: None if chosen else refused(403)
    assert [row["id"] for row in await estate.swept(*ids(2))] == ids(2)
    assert "cannot be read" in estate.problems[0]
    with pytest.raises(AzureRefused):
        await estate.swept()


async def test_reports_have_all_rows_or_none(estate: Estate) -> None:
    """What is not a sweep must not go on without a group."""
    estate.instead = lambda chosen: refused(403) if chosen == ids(501)[500:] else None
    with pytest.raises(AzureRefused):
        _ = [row async for row in ResourceGraph(estate.clients, ids(501)).rows("query")]


async def test_reports_on_more_than_can_be_answered_at_once_are_asked_in_groups(estate: Estate) -> None:
    """Nothing is configured, and the whole is too large: which there are, then 250 at a time."""
    whole = iter([(200, _page([]), LIMIT_HIT)])
    estate.instead = lambda chosen: None if chosen else next(whole, None)
    rows = [row async for row in ResourceGraph(estate.clients).rows("query")]
    assert [row["id"] for row in rows] == ids(501)
    assert [each and len(each) for each in estate.asked] == [None, None, 250, 250, 1]


# ---- on the simulated Azure -------------------------------------------------------------------------------------


async def test_a_small_estate_costs_two_queries(vault_world: VaultWorld) -> None:
    """Which subscriptions there are, and the sweep's own."""
    vault_world.run()
    vault_world.clock.move(minutes=5)
    graph = ResourceGraph(vault_world.clients).estate((), lambda _: True)
    rows = [row async for row in graph.rows(failed_jobs_query(vault_world.clock.time.replace(hour=0)))]
    assert len(rows) == 1
    assert len(vault_world.server.simulator.requests.find("ResourceGraph", "POST")) == 2


async def test_a_subscription_of_which_only_a_vault_can_be_seen_is_found() -> None:
    """A role on a resource group shows no subscription; the others come with their names."""
    tables = GraphTables()
    own, other = ids(2)
    subscription = {"id": f"/subscriptions/{own}", "type": "microsoft.resources/subscriptions"}
    tables.load("ResourceContainers", [subscription | {"subscriptionId": own, "name": "Own"}])
    kind = "microsoft.recoveryservices/vaults"
    vaults = [{"id": each, "type": kind, "subscriptionId": each, "name": "vault"} for each in (own, other)]
    tables.load("Resources", vaults)
    result = tables.query(Path(resource_graph.__file__).with_name("subscriptions.kql").read_text(), NOW)
    tables.close()
    assert [tuple(row) for row in result.rows] == [(own, "Own"), (other, "")]


async def test_many_queries_keep_to_azures_quota(vault_world: VaultWorld) -> None:
    """Fifteen in five seconds, and none is refused."""
    clock: Clock = vault_world.clock
    vault_world.clients.graph_quota = GraphQuota(
        lambda: clock().timestamp(), lambda seconds: _pass(clock, seconds)
    )
    graph = ResourceGraph(vault_world.clients)
    for _ in range(40):
        await graph.see({})
    answered = vault_world.server.simulator.requests.find("ResourceGraph", "POST")
    assert [each["status"] for each in answered] == [200] * 40


async def _pass(clock: Clock, seconds: float) -> None:
    clock.move(seconds=seconds)


async def test_half_a_character_in_a_row_is_made_whole(estate: Estate) -> None:
    """Whatever a name or an error was cut in."""
    estate.visible = ids(1)
    cut = {"id": estate.visible[0], "name": "Sub \ud83d"}
    estate.instead = lambda _: (200, _page([cut]), {})

    assert await estate.swept() == [cut | {"name": "Sub \ufffd"}]
