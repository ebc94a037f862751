"""How long Azure may make us wait: what it says is taken, up to a cap, and no call sleeps it out.

It has said 324 seconds, and 86,400. Whoever slept that long in a call would hold up everybody behind it; what has to
wait goes back to the ledger with its due time.
"""

import re
from collections.abc import Mapping

#: seconds; a call that would have to wait longer ends
LONGEST_SLEEP = 5.0
#: seconds; Azure's longest quota is one of an hour, so that it is asked again then, whatever it said
LONGEST_REST = 3600.0


#: in the text of a 429, which need not have the header
_IN_WORDS = re.compile(r"try again after '(\d{1,9})' seconds", re.ASCII)


def asked_to_wait(headers: Mapping[str, str], text: str = "") -> float | None:
    """The seconds of an answer's Retry-After, else those that its text names; None where there are none to be read."""
    in_words = _IN_WORDS.search(text)
    return seconds_of(headers.get("Retry-After", "") or (in_words[1] if in_words else ""))


def seconds_of(text: str) -> float | None:
    """A number of seconds, an hour at most; None for what is none."""
    return capped(float(text)) if text.isdecimal() else None


def capped(seconds: float) -> float:
    """An hour at most, also for what is no number."""
    return max(0.0, seconds) if seconds < LONGEST_REST else LONGEST_REST
