"""This machine: free ports, child processes, certificates, outgoing calls.

Imports nothing of the simulator.
Start with `processes`.
"""
