"""Azure reports a failure: alerts by webhook, events by Event Grid.

Imports `backup_retry`, never `reconciler` or `status`; only `functions` knows the Functions SDK.
Start with `functions`, then `signal_handler` and `resolve`.
"""
