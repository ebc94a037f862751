"""From the environment to settings, and whether the timers that they schedule have run.

Imports `ports`, `policy` and `domain`.
Start with `settings`.
"""
