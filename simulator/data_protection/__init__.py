"""Microsoft.DataProtection: the REST API of Backup vaults and its wire format.

Imports `arm` and `estate`.
Start with `api`.
"""
