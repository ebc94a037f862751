"""Azure Resource Manager's front door: routing, errors, paging, filters, quotas, permissions, tokens, request log.

Imports `estate`.
Start with `front_door` and `calls`.
"""
