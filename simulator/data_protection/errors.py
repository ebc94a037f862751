"""The refusals of Backup vaults: ARM's envelope with the service's own error in it."""

from simulator.arm.errors import ArmError


def invalid_input(activity_id: str) -> ArmError:
    """The request cannot be read, or its rule backs nothing up; the service does not say what is wrong."""
    message = " The user's input for the call is incorrect"
    return _refusal(400, "BMSUserErrorInvalidInput", message, "Please check the required inputs", activity_id)


def not_protected(state: str, activity_id: str) -> ArmError:
    """An on-demand backup was asked for an instance whose protection is stopped."""
    message = f"Backup cannot be triggered as the backup instance is in state {state}."
    return _refusal(400, "BMSUserErrorItemNotProtected", message, "Please resume protection", activity_id)


def not_found(what: str, activity_id: str) -> ArmError:
    """The vault has no such instance, job, policy or operation."""
    message = f"{what} could not be found in the vault."
    return _refusal(404, "BMSUserErrorObjectNotFound", message, "Please check the name", activity_id)


def _refusal(status: int, code: str, message: str, advice: str, activity_id: str) -> ArmError:
    info = {
        "message": message,
        "recommendedAction": [advice],
        "code": code,
        "target": "",
        "isRetryable": False,
        "isUserError": False,
        "properties": {"ActivityId": activity_id},
    }
    return ArmError(status, code, message, additional_info=[{"type": "UserFacingError", "info": info}])
