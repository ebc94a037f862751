"""The adapters, one for each service: the only room that knows Microsoft's SDKs.

Imports every room but `engine`.
Start with `client`, then `vaults` and `table_ledger`.
"""
