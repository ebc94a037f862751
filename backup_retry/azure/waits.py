"""How long Azure may make us wait: what it says is taken, up to a cap, and no call sleeps it out.

It has said 324 seconds, and 86,400. Whoever slept that long in a call would hold up everybody behind it; what has to
wait goes back to the ledger with its due time.
"""

from collections.abc import Mapping

#: seconds; a call that would have to wait longer ends
LONGEST_SLEEP = 5.0
#: seconds; Azure's longest quota is one of an hour, so that it is asked again then, whatever it said
LONGEST_REST = 3600.0


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds of an answer's Retry-After; None where it says none that can be read."""
    return seconds_of(headers.get("Retry-After", ""))


def seconds_of(text: str) -> float | None:
    """A number of seconds, an hour at most; None for what is none."""
    return capped(float(text)) if text.isdecimal() else None


def capped(seconds: float) -> float:
    """An hour at most, also for what is no number."""
    return max(0.0, seconds) if seconds < LONGEST_REST else LONGEST_REST
