"""Microsoft.RecoveryServices: the REST API of Recovery Services vaults and its wire format.

Imports `arm` and `estate`.
Start with `api`.
"""
