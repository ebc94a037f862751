"""The Azure Functions host: runs a Python function app under Microsoft's own worker library.

The host is Microsoft's .NET process in Azure. What is imitated here is what a function app can see of it:
routes and keys, the Event Grid webhook, the admin endpoints and the timers. The app itself is indexed and
invoked by `azure_functions_runtime`, as on Azure.
"""
