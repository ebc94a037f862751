"""Azure Resource Graph: KQL over what the vaults hold.

Imports the vaults' rooms (their wire format makes the rows), `arm` and `estate`.
Start with `api`; `kql` is the query engine.
"""
