"""The Azure Functions host, as far as a function app sees it; the app runs under Microsoft's own worker library.

Imports `machine`.
Start with `host`, then `worker`, which drives `azure_functions_runtime`.
"""
