"""The formats of times and durations."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator.arm import wire


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(seconds=2.03), "PT2.03S"),
        (timedelta(minutes=1), "PT1M"),
        (timedelta(minutes=26, seconds=16.115631), "PT26M16.115631S"),
        (timedelta(hours=8, minutes=20, seconds=31.5), "PT8H20M31.5S"),
        (timedelta(hours=2, seconds=1), "PT2H1S"),
        (timedelta(seconds=-1), "PT0S"),
    ],
)
def test_durations_are_written_as_the_service_writes_them(length: timedelta, text: str) -> None:
    """ISO 8601, without parts that are zero."""
    assert wire.duration(length) == text


def test_times_of_the_vaults_do_not_end_in_zeros() -> None:
    """A whole second has no fraction, and other times have seven digits as in most real replies."""
    whole = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    times = [whole, whole.replace(microsecond=500_000)]
    assert [wire.brief_instant(time) for time in times] == [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.5000006Z",
    ]


def test_times_have_seven_decimals() -> None:
    """As .NET writes them; Python has six."""
    assert wire.instant(datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)) == "2026-01-02T03:04:05.0006784Z"
