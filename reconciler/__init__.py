"""We look for failures: the daily sweep, and the follow-up of what is open.

Imports `backup_retry`, never `reactor` or `status`; only `functions` knows the Functions SDK.
Start with `sweep` and `follow_up`.
"""
