"""Azure Monitor: raises alerts and calls action groups.

Imports `arm`, `estate` and `machine`.
Start with `alerting`; the payloads have a module each.
"""
