"""An answer that cannot be understood is none: what it is about waits, and nobody else notices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.odd_answers import CALLS, KINDS, NONSENSE, PAGES, REFUSALS, Odd, beside, pair

pytestmark = pytest.mark.asyncio(loop_scope="module")


def tried() -> Iterator[tuple[Odd, str, int, int]]:
    """Each answer to each call; how many backups are started all the same, at once and once the timers have run."""
    for odd in (*NONSENSE, *REFUSALS):
        for call in CALLS:
            if call == "operation":  # one that is not known leaves it to the list, which shows no job of it
                yield odd, call, 1, 2 if odd.status == 404 else 1
            elif call == "job":  # the list shows it: nobody asks
                yield odd, call, 1, 1
            else:
                started = int(call == "item" and odd.of_jobs)
                yield odd, call, started, started


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("odd", "call", "at_once", "later"), list(tried()), ids=str)
async def test_an_odd_answer_costs_a_wait_and_nothing_else(
    *, odd: Odd, call: str, at_once: int, later: int, kind: str, tmp_path: Path
) -> None:
    """202 and kept, nothing closed, nothing started; the other vault is retried, and this one when it is well."""
    async with pair(kind, tmp_path) as both:
        both.answer(odd, call)

        assert (await both.alert(both.sick), await both.alert(both.well)) == (202, 202)
        assert (both.started(both.sick), both.started(both.well)) == (at_once, 1)
        for _ in range(2):
            await both.later(minutes=20)

        assert (both.started(both.sick), both.started(both.well)) == (later, max(later, 1))
        assert both.closed(both.sick) == []
        assert odd.status == 403 or "no_permission" not in both.reasons(both.sick)
        assert both.problems("") == []
        assert await both.beat() == both.product.clock()

        both.answer(None, call)
        await both.later(minutes=35)
        assert both.started(both.sick) == max(later, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", PAGES, ids=str)
async def test_pages_that_lead_nowhere_are_no_list(odd: Odd, kind: str, tmp_path: Path) -> None:
    """Nothing is concluded from those that came, and the token goes to no other host."""
    async with pair(kind, tmp_path) as both:
        both.answer(odd, "list")
        assert await both.alert(both.sick) == 202
        await both.later(minutes=20)
        assert (both.started(both.sick), both.closed(both.sick)) == (0, [])
        both.answer(None, "list")
        await both.later(minutes=35)
        assert both.started(both.sick) == 1


#: by the kind of vault, a field that says whose a job is
NAMES = {
    "rsv": {"containerName": "iaasvmcontainerv2;rg-web;web-08"},
    "dpp": {"backupInstanceId": "{vault}/backupInstances/disk-8"},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("whose", "ended", "started"),
    [("another's", None, 1), ("nobody's", None, 0), ("nobody's", "2026-09-01T00:00:00Z", 1)],
)
async def test_a_job_that_cannot_be_read_costs_its_item(
    *, whose: str, ended: str | None, started: int, kind: str, tmp_path: Path
) -> None:
    """It is named with its vault; where nobody knows whose it is, each item waits, unless it ended long ago."""
    async with pair(kind, tmp_path) as both:
        vault_id = both.alerts[both.sick]["data"]["essentials"]["alertTargetIDs"][0]
        names = {key: value.format(vault=vault_id) for key, value in NAMES[kind].items()}
        odd = {"status": 7, "endTime": ended, **(names if whose == "another's" else {})}
        both.answer(beside({"name": "job-odd", "properties": odd}), "list")

        assert await both.alert(both.sick) == 202
        await both.later(minutes=20)

        assert (both.started(both.sick), both.closed(both.sick)) == (started, [])
        if not started:
            said = f"job job-odd of vault {both.sick} cannot be read: status is 7"
            assert said in both.details(both.sick)
        assert set(both.problems("job_unreadable")) == (set() if ended else {"status is 7"})
        both.answer(None, "list")
        await both.later(minutes=35)
        assert both.started(both.sick) == 1
