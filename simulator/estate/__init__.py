"""What exists and what can happen to it: subscriptions, vaults, items, jobs, outcomes, faults. No HTTP, no clock.

Imports nothing else of the simulator.
Start with `inventory`, then `state`; `estate_file` reads the JSON of an estate.
"""
