"""Entra sign-in by App Service authentication, where it is switched on: it takes the place of the function key.

The platform says that it is on by WEBSITE_AUTH_ENABLED, and names the caller in headers that it takes away from
every request that comes with them: https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from status.html import Answer

_CALLER = "x-ms-client-principal-id"
_LOGIN = "/.auth/login/aad?post_login_redirect_uri="


def refusal(headers: Mapping[str, str], url: str, *, as_json: bool) -> Answer | None:
    """What a caller that nobody has signed in is told: a person is sent to sign in. None: come in."""
    if headers.get(_CALLER):
        return None
    if as_json:
        return Answer(status=401, body='{"error": "Sign in first."}', mimetype="application/json")
    parts = urlsplit(url)
    # The path alone: the way back leads to this app and to no other address.
    back = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Answer(status=302, body="", headers={"Location": _LOGIN + quote(back, safe="")})
