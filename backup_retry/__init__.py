"""What happens once a failed backup job is known: decide, act once, follow it to its end."""

__version__ = "0.1.0"
