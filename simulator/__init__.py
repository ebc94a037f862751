"""A simulated Azure: Resource Manager, vaults of two types, Resource Graph, Event Grid, Azure Monitor, Entra ID.

Imports nothing of the product, or it would only confirm our assumptions.
Start with `simulated_azure`, then `server`.
"""
