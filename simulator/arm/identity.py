"""Entra ID and the managed identity endpoints: who asks for tokens, and what the tokens say.

There is one principal, the app's own managed identity. Its tokens are JWTs signed with a key that lives as long
as the process.

https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from simulator.arm.cloud import PUBLIC, Cloud

TENANT = "11111111-1111-1111-1111-111111111111"
#: The application id of the app's identity: `appid` in its tokens, `-u` of a service principal's login.
CLIENT_ID = "33333333-3333-3333-3333-333333333333"
CLIENT_SECRET = "simulated-secret"
#: The object id of the app's identity: whom 403 answers name.
PRINCIPAL = "44444444-4444-4444-4444-444444444444"
LIFETIME_SECONDS = 3600


class TokenError(Exception):
    """A token is not valid; the text says why."""


class ExpiredTokenError(TokenError):
    """A token was valid once."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Issues and checks the tokens."""

    now: Callable[[], datetime]
    key: bytes

    def issue(self, audience: str) -> str:
        """A token of the app's identity for that audience."""
        issued = int(self.now().timestamp())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "iat": issued,
            "nbf": issued - 5,
            "exp": issued + LIFETIME_SECONDS,
            "appid": CLIENT_ID,
            "idtyp": "app",
            "oid": PRINCIPAL,
            "sub": PRINCIPAL,
            "tid": TENANT,
            "ver": "1.0",
        }
        content = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
        return f"{content}.{self._sign(content)}"

    def check(self, authorization: str) -> Mapping[str, Any]:
        """The claims of the token in an Authorization header.

        Raises:
            TokenError: there is none, or it is not one of ours, or it has expired.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenError(
                "Authentication failed. The 'Authorization' header is missing or has no bearer token."
            )
        content, _, signature = token.strip().rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(content).encode()):
            raise TokenError("The access token is invalid.")
        claims: Mapping[str, Any] = _decode(content.partition(".")[2])
        if claims["exp"] <= self.now().timestamp():
            raise ExpiredTokenError("The access token has expired.")
        return claims

    def _sign(self, content: str) -> str:
        return _base64(hmac.digest(self.key, content.encode(), hashlib.sha256))


class Identity:
    """The token endpoints, and the check of what they handed out."""

    def __init__(self, now: Callable[[], datetime], cloud: Cloud = PUBLIC) -> None:
        self.cloud = cloud
        self.tokens = Tokens(now=now, key=secrets.token_bytes(32))
        #: What `X-IDENTITY-HEADER` must say.
        self.header = secrets.token_hex(16)
        self._now = now

    def may_publish(self, request: web.Request) -> bool:
        """Whether the request brings a valid token for Event Grid."""
        try:
            claims = self.tokens.check(request.headers.get("Authorization", ""))
        except TokenError:
            return False
        return str(claims["aud"]).rstrip("/") == self.cloud.event_grid

    def check_arm(self, authorization: str, arm_url: str) -> None:
        """Let a call to Resource Manager pass.

        Raises:
            TokenError: its token is missing, invalid, expired or meant for somebody else.
        """
        audience = str(self.tokens.check(authorization)["aud"]).rstrip("/")
        taken = {*self.cloud.resource_manager, *([arm_url] if self.cloud.own_address else [])}
        if audience not in taken:
            raise TokenError(
                f"The access token has been obtained for wrong audience or resource '{audience}'."
            )

    def plain_routes(self) -> list[web.RouteDef]:
        """The managed identity endpoints of App Service and of VMs, over plain http."""
        return [
            web.get("/msi/token", self._app_service),
            web.get("/metadata/identity/oauth2/token", self._instance_metadata),
        ]

    def tls_routes(self) -> list[web.RouteDef]:
        """Entra ID, and the description of this cloud that the az CLI may ask for."""
        return [
            web.get("/common/discovery/instance", self._discovery),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._openid_configuration),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
            web.get("/metadata/endpoints", self._cloud),
        ]

    async def _app_service(self, request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.headers.get("X-IDENTITY-HEADER", ""), self.header):
            return web.json_response(
                {"statusCode": 401, "message": "X-IDENTITY-HEADER does not match"}, status=401
            )
        return self._managed_identity(request)

    async def _instance_metadata(self, request: web.Request) -> web.Response:
        if request.headers.get("Metadata", "").lower() != "true":
            return _oauth_error("invalid_request", "Required metadata header not specified")
        return self._managed_identity(request)

    def _managed_identity(self, request: web.Request) -> web.Response:
        resource = request.query.get("resource")
        if not resource:
            return _oauth_error("invalid_request", "Required parameter 'resource' not specified")
        if request.query.get("client_id", CLIENT_ID).lower() != CLIENT_ID:
            return _oauth_error("invalid_request", "Identity not found")
        issued = int(self._now().timestamp())
        return web.json_response(
            {
                "access_token": self.tokens.issue(resource),
                "client_id": CLIENT_ID,
                "expires_in": str(LIFETIME_SECONDS),
                "expires_on": str(issued + LIFETIME_SECONDS),
                "not_before": str(issued),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    async def _discovery(self, request: web.Request) -> web.Response:
        authority = f"{_base(request)}/{TENANT}"
        return web.json_response(
            {
                "tenant_discovery_endpoint": f"{authority}/v2.0/.well-known/openid-configuration",
                "metadata": [
                    {
                        "preferred_network": request.host,
                        "preferred_cache": request.host,
                        "aliases": [request.host],
                    }
                ],
            }
        )

    async def _openid_configuration(self, request: web.Request) -> web.Response:
        tenant = f"{_base(request)}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "token_endpoint": f"{tenant}/oauth2/v2.0/token",
                "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{tenant}/oauth2/v2.0/devicecode",
                "issuer": f"{_base(request)}/{TENANT}/v2.0",
                "jwks_uri": f"{tenant}/discovery/v2.0/keys",
                "tenant_region_scope": None,
                "cloud_instance_name": request.host,
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        """The client credentials flow."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type", "AADSTS70003: only client_credentials is supported")
        client = form.get("client_id", "")
        if client.lower() != CLIENT_ID:
            why = f"AADSTS700016: Application with identifier '{client}' was not found in the directory"
            return _oauth_error("unauthorized_client", why)
        if not hmac.compare_digest(form.get("client_secret", "").encode(), CLIENT_SECRET.encode()):
            return _oauth_error("invalid_client", "AADSTS7000215: Invalid client secret provided", status=401)
        resource = form.get("scope", "").split(" ", maxsplit=1)[0].removesuffix("/.default")
        token = self.tokens.issue(resource)
        lifetime = {"expires_in": LIFETIME_SECONDS, "ext_expires_in": LIFETIME_SECONDS}
        return web.json_response({"token_type": "Bearer", "access_token": token, **lifetime})

    async def _cloud(self, request: web.Request) -> web.Response:
        """What `az cloud register --endpoint-resource-manager` reads to find all else."""
        base = _base(request)
        authentication = {
            "loginEndpoint": base,
            "audiences": [f"{base}/"],
            "tenant": "common",
            "identityProvider": "AAD",
        }
        services = dict.fromkeys(
            (
                "portal",
                "resourceManager",
                "graph",
                "graphAudience",
                "batch",
                "media",
                "gallery",
                "sqlManagement",
            ),
            base,
        )
        suffixes = {"storage": "core.localhost", "keyVaultDns": "vault.localhost"}
        cloud = {"name": "Simulator", **services, "authentication": authentication, "suffixes": suffixes}
        return web.json_response([cloud])


def _base(request: web.Request) -> str:
    return f"https://{request.host}"


def _oauth_error(code: str, description: str, status: int = 400) -> web.Response:
    return web.json_response({"error": code, "error_description": description}, status=status)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode(part: Mapping[str, object]) -> str:
    return _base64(json.dumps(part).encode())


def _decode(part: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
