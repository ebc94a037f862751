"""Who has to sign in, and who may then come in; main.bicep sets it next to the settings (docs/sign-in.md).

Read when the host loads the app, so that no value may be wrong: what is not understood lets nobody in.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from backup_retry.domain.caller import Caller, caller_of

#: app roles of the application that people sign in to; infra/sign-in makes them
MAY_SEE = frozenset({"BackupRetry.Reader", "BackupRetry.Operator"})
#: app role of the webhook's application, given to Azure Monitor alone
CALLS_THE_WEBHOOK = "ActionGroupsSecureWebhook"


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """The two ways in; each is open to whoever has its key where it has no application."""

    #: App Service authentication is on; only then its headers are its own word
    platform: bool = False
    #: client id of the application that people sign in to, for the status page and its JSON
    page: str = ""
    #: client id of the application that Azure Monitor signs in to
    webhook: str = ""
    #: object ids of users, groups and service principals that may see
    people: frozenset[str] = frozenset()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """That of an app with these environment variables; the platform sets WEBSITE_AUTH_ENABLED itself."""
        named = f"{environment.get('SIGN_IN_READERS', '')},{environment.get('SIGN_IN_OPERATORS', '')}"
        return cls(
            platform=environment.get("WEBSITE_AUTH_ENABLED", "").lower() == "true",
            page=environment.get("SIGN_IN_CLIENT_ID", "").strip(),
            webhook=environment.get("SECURE_WEBHOOK_CLIENT_ID", "").strip(),
            people=frozenset(each.strip().lower() for each in named.split(",") if each.strip()),
        )

    @property
    def opens_the_page(self) -> bool:
        """True where a sign-in opens it; else a function key does, whatever a header says."""
        return self.platform and bool(self.page)

    def caller(self, headers: Mapping[str, str]) -> Caller | None:
        """Whom the platform has signed in; None: nobody."""
        return caller_of(headers) if self.platform else None

    def may_see(self, caller: Caller) -> bool:
        """True for whoever came for the page and is named, by an app role, by itself or by a group."""
        ids = {caller.object_id, *caller.groups}
        return caller.came_for(self.page) and bool(caller.roles & MAY_SEE or ids & self.people)

    def may_call_the_webhook(self, caller: Caller | None) -> bool:
        """True for Azure Monitor; for everybody with the key where the webhook is not a secure one."""
        if not self.webhook:
            return True
        return caller is not None and caller.came_for(self.webhook) and CALLS_THE_WEBHOOK in caller.roles


def sign_in() -> SignIn:
    """That of this process."""
    return SignIn.of(os.environ)
