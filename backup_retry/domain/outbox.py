"""What an incident has still to tell: notices to be sent, and lines to be written into the log."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from backup_retry.domain.journal import LogLine
from backup_retry.domain.notices import Notice


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Stored with the change that it reports, and forgotten once it is sent."""

    #: what is still to be sent
    notices: tuple[Notice, ...] = ()
    #: what is still to be written into the log
    lines: tuple[LogLine, ...] = ()
    #: a notice or a line cannot be read by this version, and another one may still tell it
    has_unreadable_notice: bool = False

    @property
    def is_untold(self) -> bool:
        """True while a notice is to be sent, or a line to be written into the log."""
        return bool(self.notices or self.lines)

    def with_notices(self, *notices: Notice) -> Self:
        """The same with more to tell."""
        return replace(self, notices=(*self.notices, *notices))

    def without_notices(self) -> Self:
        """The same with nothing left to tell."""
        return replace(self, notices=())

    def with_lines(self, *lines: LogLine) -> Self:
        """The same with more to write into the log."""
        return replace(self, lines=(*self.lines, *lines))

    def without_lines(self) -> Self:
        """The same with nothing left to write into the log."""
        return replace(self, lines=())

    def told_since(self, left: "Outbox") -> Sequence[Notice | LogLine]:
        """What this one has still to tell, and `left` has not."""
        untold: list[Notice | LogLine] = [*self.notices, *self.lines]
        return [each for each in untold if each not in (*left.notices, *left.lines)]
