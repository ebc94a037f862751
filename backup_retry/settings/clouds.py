"""The Azure clouds, and where each has its services: the one place where addresses of a cloud are written down."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Where a cloud has what this app asks, and for whom it takes tokens."""

    #: Entra ID; a managed identity does not ask it
    authority: str
    #: Azure Resource Manager, and below it Resource Graph
    resource_manager: str
    #: whom a token for Resource Manager is for
    resource_manager_audience: str
    storage_audience: str
    event_grid_audience: str
    portal: str

    @property
    def resource_manager_scope(self) -> str:
        """What credentials are asked for, to call Resource Manager."""
        return f"{self.resource_manager_audience}/.default"

    @property
    def storage_scope(self) -> str:
        """What credentials are asked for, to read and write blobs."""
        return f"{self.storage_audience}/.default"

    @property
    def event_grid_scope(self) -> str:
        """What credentials are asked for, to publish to a topic."""
        return f"{self.event_grid_audience}/.default"


PUBLIC = "AzurePublic"

#: by the names that `AZURE_CLOUD` takes, as Microsoft's SDKs have it: azure.mgmt.core.tools.get_arm_endpoints,
#: azure.identity.AzureAuthorityHosts, azure.data.tables. That of Event Grid knows the public cloud alone.
CLOUDS: Mapping[str, Cloud] = {
    PUBLIC: Cloud(
        authority="https://login.microsoftonline.com",
        resource_manager="https://management.azure.com",
        resource_manager_audience="https://management.azure.com",
        storage_audience="https://storage.azure.com",
        event_grid_audience="https://eventgrid.azure.net",
        portal="https://portal.azure.com",
    ),
    "AzureUSGovernment": Cloud(
        authority="https://login.microsoftonline.us",
        resource_manager="https://management.usgovcloudapi.net",
        resource_manager_audience="https://management.core.usgovcloudapi.net",
        storage_audience="https://storage.azure.us",
        event_grid_audience="https://eventgrid.azure.us",
        portal="https://portal.azure.us",
    ),
    "AzureChina": Cloud(
        authority="https://login.chinacloudapi.cn",
        resource_manager="https://management.chinacloudapi.cn",
        resource_manager_audience="https://management.chinacloudapi.cn",
        storage_audience="https://storage.azure.cn",
        event_grid_audience="https://eventgrid.azure.cn",
        portal="https://portal.azure.cn",
    ),
}
#: what Azure Resource Manager and the az CLI call two of them
_ALSO = {"azurecloud": PUBLIC, "azurechinacloud": "AzureChina"}


def cloud_name(value: str) -> str:
    """The name of a cloud as the table has it.

    Raises:
        ValueError: there is no such cloud.
    """
    known = {name.lower(): name for name in CLOUDS} | _ALSO
    try:
        return known[value.strip().lower()]
    except KeyError:
        raise ValueError(f"is not one of {', '.join(CLOUDS)}") from None


def cloud_of(name: str, resource_manager: str = "") -> Cloud:
    """The cloud of that Resource Manager, where one is given: a known one, or the named cloud with that one in it."""
    if not resource_manager:
        return CLOUDS[name]
    known = {each.resource_manager: each for each in CLOUDS.values()}
    own = {"resource_manager": resource_manager, "resource_manager_audience": resource_manager}
    return known.get(resource_manager.lower()) or replace(CLOUDS[name], **own)
