"""Everything that can go wrong, in the words of this project.

BackupRetryError
├── SettingsError     a setting is missing or wrong; the message names it
├── BadSignal         an alert or event cannot be read; the message says what, where and how to mend it
├── AzureRefused      Azure said no (4xx): asking again changes nothing
│   ├── NotFound      … because it is not there
│   └── Forbidden     … because this identity may not
├── AzureUnavailable  Azure or the ledger is not answering now: ask again later
│   ├── Throttled     … because we asked too often
│   ├── RowUnreadable   … of the ledger's rows one that this version cannot read
│   └── AnsweredInPart  … for a part of what was asked; `problems` names each part
└── AnswerUnclear     a trigger was sent and no clear answer came: it may have taken effect

`permanent` says whether the same call can ever succeed without somebody changing something.
"""

from collections.abc import Sequence
from datetime import timedelta


class BackupRetryError(Exception):
    """Base of every error that this project raises on purpose."""

    permanent = False


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
    """Azure said no; `code` is the service's own error code, `status` the HTTP status."""

    permanent = True

    def __init__(self, message: str, *, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class NotFound(AzureRefused):
    """What was asked for does not exist (any more)."""


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
    """What came is good and not all there is: `problems` says of each missing part what it is and why it is missing."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class AnswerUnclear(BackupRetryError):
    """A trigger went out and nobody can say whether it took effect."""
