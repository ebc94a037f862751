"""App Service authentication as it stands before the app: what of a request reaches the app, and whom it names.

The header's shape and the names of its claims are those of a session that was signed in by Microsoft Entra ID.
"""

import base64
import json
from collections.abc import Mapping, Sequence

PAGE = "11111111-aaaa-4aaa-8aaa-111111111111"
WEBHOOK = "22222222-aaaa-4aaa-8aaa-222222222222"
ADA = "33333333-aaaa-4aaa-8aaa-333333333333"
TEAM = "44444444-aaaa-4aaa-8aaa-444444444444"
_MONITOR = "461e8683-5575-4561-ac7f-899cc907d62a"
_TENANT = "99999999-aaaa-4aaa-8aaa-999999999999"
_MICROSOFT = "http://schemas.microsoft.com/identity/claims"
_SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"

Claims = Sequence[tuple[str, str]]


def person(
    *further: tuple[str, str], roles: Sequence[str] = (), groups: Sequence[str] = (), audience: str = PAGE
) -> Claims:
    """What the session of a person says, Ada."""
    return [
        ("aud", audience),
        ("iss", f"https://login.microsoftonline.com/{_TENANT}/v2.0"),
        ("iat", "1796000000"),
        ("nbf", "1796000000"),
        ("exp", "1796003900"),
        ("aio", "AWQAm/8TAAAA"),
        ("name", "Ada <b>Lovelace</b>"),
        ("nonce", "0123_20301126120000"),
        (f"{_MICROSOFT}/objectidentifier", ADA),
        ("preferred_username", "ada@example.com"),
        ("rh", "1.AXoA"),
        (f"{_SOAP}/nameidentifier", "60SsTi05m6Ymgz"),
        (f"{_MICROSOFT}/tenantid", _TENANT),
        ("uti", "22rO83Llk0CK"),
        ("ver", "2.0"),
        *(("roles", each) for each in roles),
        *(("groups", each) for each in groups),
        *further,
    ]


def application(*roles: str, audience: str = WEBHOOK, client: str = _MONITOR) -> Claims:
    """What the token of an application says, by default Azure Monitor's for the webhook."""
    return [
        ("aud", audience),
        ("iss", f"https://login.microsoftonline.com/{_TENANT}/v2.0"),
        ("azp", client),
        ("azpacr", "2"),
        (f"{_MICROSOFT}/objectidentifier", "55555555-aaaa-4aaa-8aaa-555555555555"),
        (f"{_MICROSOFT}/tenantid", _TENANT),
        ("ver", "2.0"),
        *(("roles", each) for each in roles),
    ]


def named(claims: Claims, provider: str = "aad") -> dict[str, str]:
    """The headers that name a caller."""
    known = dict(claims)
    principal = {
        "auth_typ": provider,
        "claims": [{"typ": name, "val": value} for name, value in claims],
        "name_typ": f"{_SOAP}/emailaddress",
        "role_typ": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
    }
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": known.get(f"{_MICROSOFT}/objectidentifier", ""),
        "X-MS-CLIENT-PRINCIPAL-NAME": known.get("preferred_username", ""),
        "X-MS-CLIENT-PRINCIPAL-IDP": provider,
    }


def reaches(
    request: Mapping[str, str], session: Mapping[str, str] | None = None, *, on: bool
) -> dict[str, str]:
    """The headers of a request as the app gets them: while it is on, a caller can name nobody.

    Azure Functions hands them to the app in lower case.
    """
    if on:
        own = {name: value for name, value in request.items() if not name.lower().startswith("x-ms-client-")}
        request = own | dict(session or {})
    return {name.lower(): value for name, value in request.items()}
