"""Event Grid: topics, event subscriptions, deliveries.

Imports `arm`, `estate` and `machine`.
Start with `topics`.
"""
