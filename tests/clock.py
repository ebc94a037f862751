"""A clock for tests."""

from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """What it shows."""
        return self.time

    def move(self, **by: float) -> None:
        """Move it by so many `seconds`, `minutes`, …."""
        self.time += timedelta(**by)
