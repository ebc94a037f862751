"""Every row of the table with its budget, in the order in which it is shown."""

from collections.abc import Mapping

from bench.figures import Budget, Row


def _most(limit: float) -> Budget:
    return Budget(limit=limit)


def _least(limit: float) -> Budget:
    return Budget(limit=limit, at_least=True)


ROWS: Mapping[str, Row] = {
    "event_own_p50": Row(label="own time per event, p50", unit="ms", budget=_most(25)),
    "event_own_p99": Row(label="own time per event, p99", unit="ms", budget=_most(100)),
    "event_ledger_p50": Row(label="the same with the ledger's answers, p50", unit="ms"),
    "event_total_p50": Row(label="from the webhook's call to its answer, p50", unit="ms"),
    "event_arm_calls": Row(label="ARM calls per retry, event", budget=_most(4)),
    "event_ledger_calls": Row(label="ledger round trips per retry, event", budget=_most(4)),
    "event_log_bytes": Row(label="log per retried event", unit="kB"),
    "sweep_arm_calls": Row(label="ARM calls per retry, sweep, without lists", budget=_most(2)),
    "sweep_lists": Row(label="lists per vault, sweep", budget=_most(1)),
    "sweep_ledger_calls": Row(label="ledger round trips per retry, sweep", budget=_most(4)),
    "sweep_empty_arm_calls": Row(label="ARM calls of a sweep that finds nothing", budget=_most(0)),
    "sweep_empty_pages": Row(label="Resource Graph queries of a sweep that finds nothing", budget=_most(5)),
    "sweep_empty_writes": Row(label="ledger writes of a sweep that finds nothing", budget=_most(5)),
    "rate_1": Row(label="sweep's share of ARM's write rate, 1 subscription", unit="%", budget=_least(90)),
    "rate_50": Row(label="sweep's share of ARM's write rate, 50 subscriptions", unit="%", budget=_least(90)),
    "rate_throttled": Row(label="429 answers in these two sweeps", unit="%"),
    "rate_own": Row(label="retries per second of one instance where ARM sets no limit", unit="/s"),
    "memory_1k": Row(label="memory to find 1,000 failures", unit="MB"),
    "memory_10k": Row(label="memory to find 10,000 failures", unit="MB", budget=_most(200)),
    "memory_100k": Row(label="memory to find 100,000 failures", unit="MB", budget=_most(200)),
    "memory_list": Row(label="memory to list 100,000 jobs of a vault", unit="MB", budget=_most(150)),
    "find_100k": Row(label="time to find 100,000 failures", unit="s"),
    "follow_up_few": Row(label="follow-up of 100 open incidents, 1,000 closed behind", unit="s"),
    "follow_up_many": Row(label="follow-up of 100 open incidents, 1,000,000 closed behind", unit="s"),
    "follow_up_requests": Row(label="ledger requests more with many closed than with few", budget=_most(0)),
    "follow_up_lists": Row(label="lists per vault, follow-up", budget=_most(1)),
    "steady_p99": Row(label="twelve alerts a second: answer, p99", unit="s", budget=_most(5)),
    "storm_p99": Row(label="storm, 83 alerts a second: answer, p99", unit="s", budget=_most(5)),
    "storm_refused": Row(label="storm: calls not answered 2xx", budget=_most(0)),
    "storm_lost": Row(label="storm: alerts without an incident", budget=_most(0)),
    "storm_doubled": Row(label="storm: jobs retried twice", budget=_most(0)),
    "slow_lists_in_time": Row(
        label="alerts at once, slow lists: triggered within 30 s", unit="%", budget=_least(90)
    ),
    "slow_lists_doubled": Row(label="alerts at once, slow lists: jobs retried twice", budget=_most(0)),
    "health_ratio": Row(
        label="an alert with sixty calls of health, compared with an alert alone",
        unit="times",
        budget=_most(1.5),
    ),
    "page_p95": Row(label="status page of 10,000 items, first byte, p95", unit="s", budget=_most(1)),
    "page_sweep": Row(label="daily sweep of 10,000 items, their protection looked at", unit="s"),
    "storm_vault_calls": Row(label="storm: ARM calls per alert", unit=""),
    "scarce_reads": Row(label="a thousand alerts in an hour: reads of an action", budget=_most(150)),
    "scarce_handled": Row(label="a thousand alerts in an hour: retried", unit="%", budget=_least(100)),
    "scarce_doubled": Row(label="a thousand alerts in an hour: items retried twice", budget=_most(0)),
    "scarce_refused": Row(label="a thousand alerts in an hour: calls refused with 429"),
    "scarce_wait": Row(
        label="a thousand alerts in an hour: from failure to retry, slowest", unit="min", budget=_most(60)
    ),
    "cold_import": Row(
        label="import of function_app, compared with Azure's packages", unit="times", budget=_most(1.2)
    ),
    "cold_first": Row(label="all that the first event imports, compared with Azure's packages", unit="times"),
    "runbook_item": Row(label="the runbook, per item", unit="s"),
    "sweep_item": Row(label="our sweep of the same failures, per item", unit="s"),
    "runbook_ratio": Row(label="faster than the runbook", unit="times"),
    "az_item": Row(label="a shell loop over az backup protection backup-now, per item", unit="s"),
    "az_ratio": Row(label="faster than the shell loop", unit="times"),
    "runbook_left": Row(label="failures of 200 that the runbook as published leaves", unit=""),
    "cost_small": Row(label="per month, 1,000 items", unit="US$"),
    "cost_large": Row(label="per month, 100,000 items", unit="US$"),
    "cost_outage": Row(label="a night with 50,000 failures", unit="US$"),
}
