"""Every row of the table with its budget, in the order in which it is shown."""

from collections.abc import Mapping

from bench.figures import Budget, Row


def _most(limit: float) -> Budget:
    return Budget(limit=limit)


def _least(limit: float) -> Budget:
    return Budget(limit=limit, at_least=True)


#: what it asks for and works, Microsoft's SDKs included: in Azure it would be the same
_OURS = "our code"
#: which the simulator keeps
_AZURE = "Azure's limit"
#: the latency that is assumed of Azure, Azurite, and the processors that both take from the app
_SIMULATOR = "the simulator"
_OTHERS = "the other tool"
_PRICES = "Azure's prices"

ROWS: Mapping[str, Row] = {
    "event_own_p50": Row(bound=_OURS, label="own time per event, p50", unit="ms", budget=_most(10)),
    "event_own_p99": Row(bound=_OURS, label="own time per event, p99", unit="ms", budget=_most(20)),
    "event_cpu_p50": Row(bound=_OURS, label="processor's time per event, p50", unit="ms"),
    "event_ledger_p50": Row(
        bound=_SIMULATOR, label="own time per event and the ledger's answers, p50", unit="ms"
    ),
    "event_total_p50": Row(
        bound=_SIMULATOR, label="from the webhook's call to its answer, Azure's time included, p50", unit="ms"
    ),
    "event_arm_calls": Row(bound=_OURS, label="ARM calls per retry, event", budget=_most(2)),
    "event_ledger_calls": Row(bound=_OURS, label="ledger round trips per retry, event", budget=_most(4)),
    "event_log_bytes": Row(bound=_OURS, label="log per retried event", unit="kB"),
    "sweep_arm_calls": Row(bound=_OURS, label="ARM calls per retry, sweep, without lists", budget=_most(2)),
    "sweep_lists": Row(bound=_OURS, label="lists per vault, sweep", budget=_most(1)),
    "sweep_ledger_calls": Row(bound=_OURS, label="ledger round trips per retry, sweep", budget=_most(4)),
    "sweep_empty_arm_calls": Row(
        bound=_OURS, label="ARM calls of a sweep that finds nothing", budget=_most(0)
    ),
    "sweep_empty_pages": Row(
        bound=_OURS, label="Resource Graph queries of a sweep that finds nothing", budget=_most(5)
    ),
    "sweep_empty_writes": Row(
        bound=_OURS, label="ledger writes of a sweep that finds nothing", budget=_most(5)
    ),
    "rate_1": Row(
        bound=_AZURE, label="sweep's share of ARM's write rate, 1 subscription", unit="%", budget=_least(90)
    ),
    "rate_50": Row(
        bound=_AZURE, label="sweep's share of ARM's write rate, 50 subscriptions", unit="%", budget=_least(90)
    ),
    "rate_throttled": Row(bound=_AZURE, label="429 answers in the two sweeps above", unit="%"),
    "rate_own": Row(
        bound=_SIMULATOR, label="retries per second of one instance where ARM sets no limit", unit="/s"
    ),
    "dispatch_2": Row(
        bound=_SIMULATOR, label="retries per second of a sweep by Event Grid, 2 instances", unit="/s"
    ),
    "dispatch_4": Row(
        bound=_SIMULATOR, label="retries per second of a sweep by Event Grid, 4 instances", unit="/s"
    ),
    "dispatch_8": Row(
        bound=_SIMULATOR, label="retries per second of a sweep by Event Grid, 8 instances", unit="/s"
    ),
    "dispatch_growth": Row(
        bound=_SIMULATOR,
        label="growth with the instances, sweep by Event Grid",
        unit="times",
        budget=_least(3),
    ),
    "memory_1k": Row(bound=_OURS, label="memory to find 1,000 failures", unit="MB"),
    "memory_10k": Row(bound=_OURS, label="memory to find 10,000 failures", unit="MB", budget=_most(200)),
    "memory_100k": Row(bound=_OURS, label="memory to find 100,000 failures", unit="MB", budget=_most(200)),
    "memory_list": Row(
        bound=_OURS, label="memory to list 100,000 jobs of a vault", unit="MB", budget=_most(150)
    ),
    "find_100k": Row(bound=_SIMULATOR, label="time to find 100,000 failures", unit="s"),
    "follow_up_few": Row(
        bound=_SIMULATOR, label="follow-up of 100 open incidents, 1,000 closed behind", unit="s"
    ),
    "follow_up_many": Row(
        bound=_SIMULATOR, label="follow-up of 100 open incidents, 1,000,000 closed behind", unit="s"
    ),
    "follow_up_requests": Row(
        bound=_OURS,
        label="follow-up: more ledger requests with many closed incidents than with few",
        budget=_most(0),
    ),
    "follow_up_lists": Row(bound=_OURS, label="lists per vault, follow-up", budget=_most(1)),
    "steady_p99": Row(
        bound=_OURS, label="one instance, twelve alerts a second: answer, p99", unit="s", budget=_most(5)
    ),
    "storm_p99": Row(
        bound=_OURS, label="one instance, storm of 83 alerts a second: answer, p99", unit="s", budget=_most(5)
    ),
    "storm_refused": Row(bound=_OURS, label="one instance, storm: calls not answered 2xx", budget=_most(0)),
    "storm_lost": Row(bound=_OURS, label="one instance, storm: alerts without an incident", budget=_most(0)),
    "storm_doubled": Row(bound=_OURS, label="one instance, storm: jobs retried twice", budget=_most(0)),
    "slow_lists_in_time": Row(
        bound=_OURS,
        label="one instance, alerts at once, slow lists: triggered within 30 s",
        unit="%",
        budget=_least(90),
    ),
    "slow_lists_doubled": Row(
        bound=_OURS, label="one instance, alerts at once, slow lists: jobs retried twice", budget=_most(0)
    ),
    "health_ratio": Row(
        bound=_OURS,
        label="one instance, an alert with sixty health checks, compared with an alert alone",
        unit="times",
        budget=_most(1.5),
    ),
    "page_p95": Row(
        bound=_OURS, label="status page of 10,000 items, first byte, p95", unit="s", budget=_most(1)
    ),
    "page_sweep": Row(bound=_OURS, label="daily sweep of 10,000 items, their protection looked at", unit="s"),
    "storm_vault_calls": Row(bound=_OURS, label="one instance, storm: ARM calls per alert"),
    "scarce_reads": Row(
        bound=_AZURE,
        label="a thousand alerts in an hour: most reads of one action in an hour",
        budget=_most(150),
    ),
    "scarce_handled": Row(
        bound=_OURS, label="a thousand alerts in an hour: retried", unit="%", budget=_least(100)
    ),
    "scarce_doubled": Row(
        bound=_OURS, label="a thousand alerts in an hour: items retried twice", budget=_most(0)
    ),
    "scarce_refused": Row(bound=_OURS, label="a thousand alerts in an hour: calls refused with 429"),
    "scarce_wait": Row(
        bound=_AZURE,
        label="a thousand alerts in an hour: from failure to retry, slowest",
        unit="min",
        budget=_most(60),
    ),
    "cold_import": Row(
        bound=_OURS,
        label="import of function_app, compared with Azure's packages",
        unit="times",
        budget=_most(1.2),
    ),
    "cold_first": Row(
        bound=_OURS, label="all that the first event imports, compared with Azure's packages", unit="times"
    ),
    "runbook_item": Row(bound=_SIMULATOR, label="the runbook of Microsoft's article, per item", unit="s"),
    "sweep_item": Row(bound=_OURS, label="our sweep of 200 failures, per item", unit="s"),
    "runbook_ratio": Row(
        bound=_OURS, label="our sweep of 200 failures, faster than the runbook", unit="times"
    ),
    "sweep_item_many": Row(bound=_OURS, label="our sweep of 1,000 failures, per item", unit="s"),
    "runbook_ratio_many": Row(
        bound=_OURS,
        label="our sweep of 1,000 failures, faster than the runbook",
        unit="times",
        budget=_least(20),
    ),
    "az_item": Row(
        bound=_OTHERS, label="a shell loop over az backup protection backup-now, per item", unit="s"
    ),
    "az_ratio": Row(
        bound=_OTHERS, label="our sweep of 200 failures, faster than the shell loop", unit="times"
    ),
    "runbook_left": Row(bound=_OTHERS, label="failures of 200 that the runbook as published leaves"),
    "cost_small": Row(bound=_PRICES, label="cost per month, 1,000 items", unit="US$"),
    "cost_large": Row(bound=_PRICES, label="cost per month, 100,000 items", unit="US$"),
    "cost_outage": Row(bound=_PRICES, label="cost of a night with 50,000 failures", unit="US$"),
}
