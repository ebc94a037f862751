"""The command line, `backup-retry`: inspect, query and pause the app from a terminal.

Imports `backup_retry`, `reactor` and `reconciler`; only `wiring` knows the adapters.
Start with `app`, then `session`.
"""
