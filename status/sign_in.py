"""Who may see the status page and its JSON where people sign in: it takes the place of the function key."""

import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from backup_retry.domain.caller import Caller
from backup_retry.settings.sign_in import SignIn
from status.html import Answer, message_answer

_LOGIN = "/.auth/login/aad?post_login_redirect_uri="
_HOW = "The administrator of this app can give you access, see docs/sign-in.md (Who may see)."
_TOO_MANY_GROUPS = (
    "You are a member of more groups than Microsoft Entra ID lists in the token, so this app cannot check whether one "
    "of them has access: ask for an app role for you or your group."
)


def refusal(sign_in: SignIn, headers: Mapping[str, str], url: str, *, as_json: bool) -> Answer | None:
    """What a caller is told who may not see: a person whom nobody has signed in is sent to do so. None: come in."""
    caller = sign_in.caller(headers)
    if caller is None:
        return _json(401, "Sign in first.") if as_json else _to_sign_in(url)
    if sign_in.may_see(caller):
        return None
    why = _why(sign_in, caller)
    return _json(403, why) if as_json else message_answer(403, "You do not have access to this page", why)


def _to_sign_in(url: str) -> Answer:
    parts = urlsplit(url)
    # The path alone: the way back leads to this app and to no other address.
    back = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Answer(status=302, body="", headers={"Location": _LOGIN + quote(back, safe="")})


def _why(sign_in: SignIn, caller: Caller) -> str:
    """Which of the ways in is shut, and who can open it."""
    said = f"Signed in as {caller.name or caller.object_id}."
    if not caller.came_for(sign_in.page):
        return f"{said} That sign-in is for another application: sign out at /.auth/logout and sign in again."
    too_many = [_TOO_MANY_GROUPS] if caller.groups_left_out else []
    return " ".join((said, *too_many, _HOW))


def _json(status: int, error: str) -> Answer:
    return Answer(status=status, body=json.dumps({"error": error}), mimetype="application/json")
