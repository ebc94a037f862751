"""How a command ends: the exit codes, and one sentence for whatever went wrong.

0 healthy; 1 something requires action, a check failed or a retry was refused; 2 the command or the settings are
wrong; 3 Azure or the ledger does not answer, or refuses, or nobody is signed in; 130 it was interrupted.
"""

import asyncio
import os
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any, TypeVar

import typer
from typer.core import TyperGroup

from backup_retry.domain.errors import BackupRetryError, BadSignal, NotFound, SettingsError
from backup_retry.domain.texts import valid
from cli.output import clean

Found = TypeVar("Found")
#: shows the traceback of a fault of ours
DEBUG = "BACKUP_RETRY_DEBUG"


class Exit(IntEnum):
    """What scripts test."""

    WELL = 0
    NEEDS_A_PERSON = 1
    USAGE = 2
    NO_ANSWER = 3
    #: as a shell has it for Ctrl-C
    INTERRUPTED = 130


class UsageError(Exception):
    """The command cannot be carried out as it was given; the message says what to change."""


def run(work: Coroutine[Any, Any, Found]) -> Found:
    """Run a command's work to its end."""
    return asyncio.run(work)


class Sentences(TyperGroup):
    """The commands, with every error of ours turned into one sentence on stderr and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 (typer's own signature)
        """What was typed, in which a byte that is no UTF-8 comes as half a character."""
        return super().parse_args(ctx, [valid(each) for each in args])

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 (typer's own signature)
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (UsageError, SettingsError, BadSignal) as error:
            raise _ended(error, Exit.USAGE) from error
        except BackupRetryError as error:
            raise _ended(_in_words(error), Exit.NO_ANSWER) from error
        except (KeyboardInterrupt, asyncio.CancelledError) as error:
            raise _ended(
                "Interrupted; requests already sent to Azure remain in effect.", Exit.INTERRUPTED
            ) from error
        except (typer.Exit, typer.Abort, BrokenPipeError):  # typer ends quietly where nobody reads on
            raise
        except Exception as error:
            if os.environ.get(DEBUG) or _is_typers(error):
                raise
            sentence = (
                f"Unexpected error: {type(error).__name__}: {error}. Set {DEBUG}=1 to see the traceback."
            )
            raise _ended(sentence, Exit.NO_ANSWER) from error


def agreed(question: str, *, can_ask: bool) -> None:
    """Return where the person at the terminal says yes.

    Raises:
        UsageError: nobody can be asked; the option that goes without is named.
    """
    if not can_ask:
        raise UsageError(f"{question} Use --yes to skip the confirmation.")
    try:
        said = typer.confirm(clean(question), err=True)
    except typer.Abort as error:
        raise _ended(
            "No answer: nothing was done. Use --yes to skip the confirmation.", Exit.NEEDS_A_PERSON
        ) from error
    if not said:
        raise typer.Exit(Exit.NEEDS_A_PERSON)


def _ended(what: object, code: Exit) -> typer.Exit:
    typer.echo(f"backup-retry: {clean(str(what))}", err=True)
    return typer.Exit(code)


def _in_words(error: BackupRetryError) -> str:
    if isinstance(error, NotFound) and str(error).startswith("ledger:"):
        return "The ledger has no tables yet: the app creates them when it processes its first alert."
    return str(error)


def _is_typers(error: Exception) -> bool:
    """True for a wrong option or argument, which typer explains itself."""
    return type(error).__module__.startswith("typer.")
