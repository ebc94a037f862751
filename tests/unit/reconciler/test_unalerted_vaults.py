"""Once a day the sweep says which vaults' failures no alert told of."""

import json
import logging
from dataclasses import replace

import pytest

from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.arrivals import MemoryArrivals
from backup_retry.ports.reports import MemoryReports
from reconciler.unalerted_vaults import UnalertedVaults
from tests.builders import NOW, failed, item, minutes
from tests.clock import Clock


class Estate:
    """A vault whose failures sweeps have found."""

    def __init__(self, number: int, scope: Scope | None = None) -> None:
        self.number = number
        self.reports = MemoryReports()
        self.look = UnalertedVaults(
            reports=self.reports, arrivals=MemoryArrivals(), scope=scope or Scope(), clock=Clock()
        )

    async def said(self, caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
        """The lines of a look at it."""
        for each in range(self.number):
            failure = replace(failed(of=item(each + 1)), id=f"job-{each}")
            began = Incident.open(failure, Source.SWEEP, NOW - minutes(90))
            opened = await self.reports.save(replace(began, id=f"i-{each}"), job_id=failure.id)
            assert opened is not None
            await self.reports.save(
                opened.closed(Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED), NOW)
            )
        with caplog.at_level(logging.WARNING, logger="backup_retry"):
            await self.look.look()
        return [json.loads(each.getMessage()) for each in caplog.records]


async def test_a_vault_whose_failures_came_by_the_sweep_alone_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With how many there were."""
    [line] = await Estate(5).said(caplog)
    assert (line["event"], line["failures"]) == ("alerts_missing", 5)
    assert "5 failures in vault vault-1 were found by the sweep and none by an alert" in str(line["detail"])


@pytest.mark.parametrize(("number", "scope"), [(4, Scope()), (5, Scope(vaults=Names(patterns=("another",))))])
async def test_of_few_and_of_others_nothing_is_said(
    number: int, scope: Scope, caplog: pytest.LogCaptureFixture
) -> None:
    """Azure raises no alert for some failures; a vault outside the scope is nobody's."""
    assert await Estate(number, scope).said(caplog) == []


async def test_a_ledger_that_does_not_answer_fails_no_sweep(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tomorrow's looks again."""
    estate = Estate(0)

    async def nobody(*_: object) -> None:
        raise AzureUnavailable("ledger: no answer")

    monkeypatch.setattr(estate.reports, "closed", nobody)
    [line] = await estate.said(caplog)
    assert (line["event"], line["problem"]) == ("notice_unsent", "ledger: no answer")
