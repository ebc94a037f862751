"""The words: ids, jobs, incidents, workloads, schedules, the error catalogue, notices, errors. Values only, no I/O.

Imports the standard library and itself.
Start with `jobs`, then `incident`.
"""
