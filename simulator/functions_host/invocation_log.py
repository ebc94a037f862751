"""What becomes of the app's log lines: the host takes them while their invocation lives.

A line that a worker writes while the app is loaded, or that work left behind writes after the answer, is dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from logging import LogRecord

from azure_functions_runtime import invocation_id_cv

#: whose lines are the host's own, or those of what it stands on
_OF_THE_HOST = ("host", "simulator", "aiohttp")
_living: set[str] = set()


@contextmanager
def invocation(invocation_id: str) -> Iterator[None]:
    """Take the lines of an invocation until it ends; tasks that it starts write in its name, then and later."""
    token = invocation_id_cv.set(invocation_id)
    _living.add(invocation_id)
    try:
        yield
    finally:
        _living.discard(invocation_id)
        invocation_id_cv.reset(token)


def is_taken(record: LogRecord) -> bool:
    """A handler's filter: the host's own lines, and those of living invocations."""
    return record.name.partition(".")[0] in _OF_THE_HOST or invocation_id_cv.get() in _living
