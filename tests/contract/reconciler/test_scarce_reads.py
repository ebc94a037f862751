"""An hour in which Azure grants few reads, seen through the whole of the app but its ledger, on a simulated Azure."""

from bench.scarce_reads import Size, play
from simulator.machine.tls import Certificates

#: a vault has as many alerts in an hour, and an instance as many reads, as with a thousand alerts to forty instances
SIZE = Size(alerts=200, vaults=10, instances=8, quota=150)


async def test_an_hour_of_alerts_fits_into_its_reads(trust: Certificates) -> None:
    """All are handled, none is doubled, none is lost, and none of what Azure refuses is sent again before its time."""
    hour = await play(SIZE, trust.ca_file.parent)
    assert hour.answers == {202: SIZE.alerts}
    assert (len(hour.triggers), max(hour.triggers.values())) == (SIZE.alerts, 1)
    assert (hour.left_open, hour.left_waiting) == (0, 0)
    assert max(hour.reads.values()) <= SIZE.quota
    assert hour.refused <= 1
