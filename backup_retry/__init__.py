"""What happens once a failed backup job is known: decide, act once, follow it to its end.

Imports none of the ways in (`reactor`, `reconciler`, `status`, `cli`); its rooms import only those below them.
Start with `engine`, then `policy`; `wiring` builds the real parts.
"""

__version__ = "0.2.0"
