"""Who calls, as App Service authentication says it in a header that it takes away from every request that brings one.

It says so of a person's session and of an application's token alike. While it is off, the header is the caller's word.
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PRINCIPAL = "x-ms-client-principal"
_ENTRA = "aad"
#: App Service renames some of a token's claims
_OBJECT_ID = ("oid", "http://schemas.microsoft.com/identity/claims/objectidentifier")
_ROLES = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
_NAMES = ("preferred_username", "name", "appid", "azp")
#: what a token says instead of its groups when they are too many: more than five by the sign-in page, 200 otherwise
#: https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference#groups-overage-claim
_TOO_MANY = ("hasgroups", "_claim_names")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A person or an application that Microsoft Entra ID has signed in."""

    #: the applications that it signed in to, by client id; one, unless somebody made it up
    audiences: frozenset[str] = frozenset()
    #: of the user or the service principal; "" where Entra ID knows none
    object_id: str = ""
    #: as a person would know it
    name: str = ""
    roles: frozenset[str] = frozenset()
    #: object ids
    groups: frozenset[str] = frozenset()
    #: it is in more groups than its token has room for, so that `groups` says nothing
    groups_left_out: bool = False

    def came_for(self, client_id: str) -> bool:
        """True where it signed in to that application and to no other."""
        return bool(client_id) and self.audiences == {client_id.lower()}


def caller_of(headers: Mapping[str, str]) -> Caller | None:
    """The caller whom App Service names in these headers; None: nobody, or not by Entra ID."""
    try:
        document = json.loads(base64.b64decode(headers.get(_PRINCIPAL, ""), validate=True))
        if document["auth_typ"] != _ENTRA:
            return None
        claims = [(str(each["typ"]), str(each["val"])) for each in document["claims"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return _read(claims)


def _read(claims: list[tuple[str, str]]) -> Caller:
    def values(*names: str) -> frozenset[str]:
        return frozenset(value for name, value in claims if name in names)

    known: dict[str, Any] = dict(claims)
    return Caller(
        audiences=frozenset(each.lower().removeprefix("api://") for each in values("aud")),
        object_id=next((known[name].lower() for name in _OBJECT_ID if name in known), ""),
        name=next((known[name] for name in _NAMES if name in known), ""),
        roles=values(*_ROLES),
        groups=frozenset(each.lower() for each in values("groups")),
        groups_left_out=bool(values(*_TOO_MANY)),
    )
