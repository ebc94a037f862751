"""Which cloud is simulated: whom its services take tokens for."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Whom a cloud's services take tokens for; those for other clouds are refused."""

    resource_manager: frozenset[str]
    event_grid: str
    #: whether Resource Manager takes tokens for the address that it is called by, so that `ARM_ENDPOINT` alone will do
    own_address: bool = True


PUBLIC = Cloud(
    resource_manager=frozenset({"https://management.azure.com", "https://management.core.windows.net"}),
    event_grid="https://eventgrid.azure.net",
)
