"""Azure's errors for a vault that does not exist, and for a subscription that is disabled or deleted."""

from simulator.arm.errors import ArmError, resource_group_not_found, resource_not_found
from simulator.estate.state import Azure


def vault_not_found(azure: Azure, subscription: str, group: str, resource: str) -> ArmError:
    """No such vault, or not even its resource group; `resource` is `Provider.Namespace/type/name`."""
    if not azure.has_group(subscription, group):
        return resource_group_not_found(group)
    return resource_not_found(resource, group)


def machine_gone() -> ArmError:
    """What Recovery Services itself says where it is asked for the items of a vault that is not there."""
    return ArmError(
        404,
        "ResourceNotFound",
        "Could not perform the operation as VM no longer exists. Stop protecting virtual machine without deleting "
        "backup data. More details at http://go.microsoft.com/fwlink/?LinkId=808124 ",
        nulls=("target", "details", "innerError"),
    )


def subscription_disabled(subscription: str) -> ArmError:
    """Nothing can be started in the subscription."""
    return ArmError(
        409,
        "ReadOnlyDisabledSubscription",
        f"The subscription '{subscription}' is disabled and therefore marked as read only. You cannot perform any "
        "write actions on this subscription until it is re-enabled.",
    )
