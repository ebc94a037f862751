"""Where the lines of host and worker go."""

import logging
from collections.abc import Callable
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to(log_file: Path | None, is_taken: Callable[[logging.LogRecord], bool] | None = None) -> None:
    """Log to the standard error and a file; a process may have lines that are dropped."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if log_file is not None:
        handlers.append(logging.FileHandler(log_file))
    for handler in handlers:
        if is_taken is not None:
            handler.addFilter(is_taken)
    logging.basicConfig(level=logging.INFO, format=_FORMAT, handlers=handlers)
    # The worker library logs a line before each invocation; the host logs one after it.
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
