"""Pure decisions: what to do about an incident, what became of an attempt, what a storm holds back.

Imports `domain`; no I/O, no clock, no settings of its own.
Start with `decide`: its rows are in the order in which they count.
"""
