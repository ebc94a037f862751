"""What the engine and the ways in ask for: ledger, vaults, inbox, reports …, each with its in-memory fake.

Imports `policy` and `domain`.
Start with `ledger` and `vaults`.
"""
