"""The words: ids, jobs, facts, decisions, incidents, workloads, the error catalogue, notices. Values only, no I/O.

Imports the standard library and itself.
Start with `jobs`, then `incident` and `decisions`.
"""
