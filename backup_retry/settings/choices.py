"""The words of settings that have a choice of a few."""

from enum import StrEnum


class Dispatch(StrEnum):
    """Who handles what a sweep finds."""

    #: the sweep itself
    INLINE = "inline"
    #: whichever instances the platform gives the topic's events to
    EVENTGRID = "eventgrid"


class RetryMode(StrEnum):
    """Who has to want a retry."""

    #: the policy alone
    AUTO = "auto"
    #: a person as well
    ASK = "ask"
