"""Azure's list prices, in US dollars, of a US region; look them up before you rely on them.

Each with the page that has it. None could be looked up there from where this was built: they come from copies of
Microsoft's pages, and from estimates that Microsoft publishes with its own samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a unit costs, after so many free ones a month."""

    dollars: float
    unit: str
    #: units a month that cost nothing
    free: float
    #: the page that has it, and how this figure was come by
    source: str
    read: str

    def of(self, units: float) -> float:
        """What so many units cost in a month."""
        return max(0.0, units - self.free) * self.dollars


_ESTIMATES = "https://github.com/OfficeDev/microsoft-teams-apps"
_FUNCTIONS = "https://azure.microsoft.com/pricing/details/functions/"
PRICES: Mapping[str, Price] = {
    "execution": Price(
        dollars=0.000026, unit="GB-second", free=100_000, source=_FUNCTIONS, read="a copy, 2025-05"
    ),
    "executions": Price(
        dollars=0.40e-6, unit="execution", free=250_000, source=_FUNCTIONS, read="a copy, 2025-05"
    ),
    "tables": Price(
        dollars=0.00036 / 10_000,
        unit="transaction",
        free=0,
        source="https://azure.microsoft.com/pricing/details/storage/tables/",
        read=f"0.32 for 9 million in {_ESTIMATES}-company-communicator, 2023-06",
    ),
    "events": Price(
        dollars=0.60e-6,
        unit="operation",
        free=100_000,
        source="https://azure.microsoft.com/pricing/details/event-grid/",
        read="a copy of Microsoft's introduction, 2018-01",
    ),
    "logs": Price(
        dollars=2.30,
        unit="GB",
        free=5,
        source="https://azure.microsoft.com/pricing/details/monitor/",
        read="https://github.com/OfficeDev/microsoft-teams-emergency-operations-center, 2022-03",
    ),
}
