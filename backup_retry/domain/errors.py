"""Everything that can go wrong, in the words of this project.

BackupRetryError
├── SettingsError     a setting is missing or wrong; the message names it
├── BadSignal         an alert or event cannot be read; the message says what, where and how to fix it
├── AzureRefused      Azure said no (4xx): asking again changes nothing
│   ├── NotFound      … because it is not there
│   └── Forbidden     … because this identity may not
├── AzureUnavailable  Azure or the ledger is not answering now: ask again later
│   ├── Throttled     … because we asked too often
│   ├── RowUnreadable   … of the ledger's rows one that this version cannot read
│   └── AnsweredInPart  … for a part of what was asked; `problems` names each part
└── AnswerUnclear     a trigger was sent and no usable response came: it may have taken effect

`permanent` says whether the same call can ever succeed without somebody changing something.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from backup_retry.domain.arm_ids import Vault

#: codes of 404 answers that Azure Resource Manager gives about something above what was asked for
_ABOVE = frozenset(
    {
        "resourcenotfound",
        "parentresourcenotfound",
        "resourcegroupnotfound",
        "subscriptionnotfound",
        "invalidresourcetype",
        "invalidresourcenamespace",
        "notfound",
    }
)
_CONFLICTS = frozenset({409, 412})
#: the code with which Azure Resource Manager answers 401 to an identity of a tenant that is not the subscription's
OF_ANOTHER_TENANT = "InvalidAuthenticationTokenTenant"


class Service(StrEnum):
    """Who answered. What one of them refuses says nothing of what the others know."""

    #: a vault, or Azure Resource Manager in front of it
    VAULT = "vault"
    GRAPH = "Resource Graph"
    LEDGER = "ledger"
    TOPIC = "Event Grid topic"


class BackupRetryError(Exception):
    """Base of every error that this project raises on purpose."""

    permanent = False


def in_words(error: Exception) -> str:
    """What a person reads of an error; of one that nobody foresaw, with its kind."""
    return str(error) if isinstance(error, BackupRetryError) else f"{type(error).__name__}: {error}"


class SettingsError(BackupRetryError):
    """A setting is missing or wrong."""

    permanent = True


class BadSignal(BackupRetryError):
    """An alert or event that cannot be read."""

    permanent = True

    def __init__(self, problem: str, *, where: str, remedy: str) -> None:
        super().__init__(f"{where}: {problem} {remedy}".strip())
        self.problem = problem
        self.where = where
        self.remedy = remedy


class AzureRefused(BackupRetryError):
    """Azure said no; `by` is who did, `code` the service's own error code, `status` the HTTP status.

    `said` and `advice` are the service's own message and recommendation, which may differ from one answer to the
    next: they are no part of the exception's text. `vault` is filled in where several vaults were asked.
    """

    permanent = True

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int = 0,
        by: Service = Service.VAULT,
        said: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.by = by
        self.said = said
        self.advice = advice
        self.vault: Vault | None = None

    @property
    def in_full(self) -> str:
        """What was asked, with which code Azure refused it, and what it said of that."""
        return f"{self}: {self.said}".removesuffix(": ")

    @property
    def is_of_a_conflict(self) -> bool:
        """True where something else was in the way: the same request may be accepted later."""
        return self.status in _CONFLICTS


class NotFound(AzureRefused):
    """What was asked for, or something above it, is not there or not to be seen."""

    @property
    def is_the_vaults_word(self) -> bool:
        """True where the vault itself has no such job or item.

        Azure Resource Manager answers 404 for subscriptions and groups that exist, too; a gateway's page has no code.
        """
        return self.by is Service.VAULT and self.code != "" and self.code.lower() not in _ABOVE


class Forbidden(AzureRefused):
    """This identity has no right to do that."""


class AzureUnavailable(BackupRetryError):
    """No answer, or none that means anything: ask again, after `retry_after` where Azure named it."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Throttled(AzureUnavailable):
    """Azure asks us to slow down."""


class RowUnreadable(AzureUnavailable):
    """A row of the ledger without which nothing can be done here, and which this version cannot read."""


class AnsweredInPart(AzureUnavailable):
    """What came is good and not all there is: `problems` names each missing part and why it is missing."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class AnswerUnclear(BackupRetryError):
    """A trigger went out and it is unknown whether it took effect."""
