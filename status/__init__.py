"""What a person or a probe can look at: the status page, its JSON, health.

Imports `backup_retry`, never `reactor` or `reconciler`; only `functions` knows the Functions SDK.
Start with `views`: gather, build, render.
"""
