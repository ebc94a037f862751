"""`backup-retry pause` and `resume`: switch retries off and on again."""

import getpass
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.pauses import Pause
from backup_retry.settings.setting_types import PositiveDuration
from cli import json_documents as documents
from cli.exit_codes import UsageError, agreed, run
from cli.output import JsonOption, say, show
from cli.session import sessions

Why = Annotated[str, typer.Option(metavar="TEXT", help="The reason; recorded and shown.")]
By = Annotated[str, typer.Option(metavar="NAME", help="Recorded as the operator; default: your user name.")]
Until = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="A time such as 2026-12-24T06:00Z, or a duration such as 4h; default: until resumed.",
    ),
]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="TIME",
        help="When the pause begins, for a scheduled maintenance window; default: now.",
    ),
]
ScopeOption = Annotated[
    str, typer.Option(metavar="ID", help="A subscription ID or the ARM ID of a vault; default: everything.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Replace an existing pause of the scope without confirmation.")
]
All = Annotated[bool, typer.Option("--all", help="Remove every pause.")]
_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DURATION: TypeAdapter[timedelta] = TypeAdapter(PositiveDuration)


def pause(
    ctx: typer.Context,
    *,
    why: Why,
    begin: From = "",
    until: Until = "",
    scope: ScopeOption = "",
    by: By = "",
    yes: Yes = False,
    as_json: JsonOption = False,
) -> None:
    """Pause retries, now or from a given time. Failures are still recorded; takes effect within seconds."""
    _check_scope(scope)
    if not why.strip():
        raise UsageError("--why is empty: state the reason.")
    wanted = Pause(by=by or getpass.getuser(), why=why.strip(), scope=scope)
    done = run(_pause(ctx, wanted, begin, until, unasked=yes, can_ask=not as_json))
    show(documents.of_pause(done), as_json, lambda: say(_sentence(done)))


async def _pause(
    ctx: typer.Context, wanted: Pause, begin: str, until: str, *, unasked: bool, can_ask: bool
) -> Pause:
    async with sessions(ctx).open(writing=True) as session:
        now = session.clock()
        starts = time_of("--from", begin, now) if begin else None
        done = replace(
            wanted, starts=starts, until=time_of("--until", until, starts or now) if until else None
        )
        pauses = await session.ledger.pauses()
        for each in pauses:
            if each.scope.lower() == done.scope.lower() and not each.is_over(now) and not unasked:
                _ask_to_replace(each, can_ask=can_ask)
        await session.ledger.set_pause(done)
        return done


def _ask_to_replace(standing: Pause, *, can_ask: bool) -> None:
    """Show the pause that would be replaced; whoever does not agree leaves it as it is."""
    agreed(f"This scope is already paused: {in_words(standing)}. Replace it?", can_ask=can_ask)


def resume(
    ctx: typer.Context,
    scope: ScopeOption = "",
    everything: All = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the pause for a scope. The next follow-up retries what is still failed."""
    _check_scope(scope)
    taken, left = run(_resume(ctx, scope, everything=everything))
    document = {
        "resumed": [documents.of_pause(each) for each in taken],
        "still_paused": [documents.of_pause(each) for each in left],
    }
    show(document, as_json, lambda: _render(taken, left))


async def _resume(ctx: typer.Context, scope: str, *, everything: bool) -> tuple[list[Pause], list[Pause]]:
    async with sessions(ctx).open(writing=True) as session:
        pauses = await session.ledger.pauses()
        meant = [each for each in pauses if everything or each.scope.lower() == scope.lower()]
        for each in meant:
            await session.ledger.resume(each.scope)
        left, now = await session.ledger.pauses(), session.clock()
        return [each for each in meant if each not in left], [each for each in left if not each.is_over(now)]


def time_of(option: str, text: str, since: datetime) -> datetime:
    """The time that an option names: one of its own, or so long after another one.

    Raises:
        UsageError: it is neither, or not later.
    """
    at = _time(text) or _later(since, _length(option, text))
    if at is None or at <= since:
        raise UsageError(f"{option} {text} is not after {since:%Y-%m-%d %H:%M}Z.")
    return at


def _time(text: str) -> datetime | None:
    """The time that a text is; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _length(option: str, text: str) -> timedelta:
    try:
        return _DURATION.validate_python(text)
    except ValidationError:
        raise UsageError(f"{option} {text!r} is not a time (2026-12-24T06:00Z) or a duration (4h).") from None


def _later(since: datetime, length: timedelta) -> datetime | None:
    """None where no calendar goes so far."""
    try:
        return since + length
    except OverflowError:
        return None


def in_words(pause: Pause) -> str:
    """A pause on one line."""
    starts = f", from {pause.starts:%Y-%m-%d %H:%M}Z" if pause.starts else ""
    until = f", until {pause.until:%Y-%m-%d %H:%M}Z" if pause.until else ""
    return f"{pause.scope or 'everything'} by {pause.by}: {pause.why}{starts}{until}"


def _check_scope(scope: str) -> None:
    vault = Vault.parse(scope)
    if scope and not _SUBSCRIPTION.fullmatch(scope) and (vault is None or vault.key != scope.lower()):
        raise UsageError(f"--scope {scope!r} is not a subscription ID or the ARM ID of a vault.")


def _sentence(done: Pause) -> str:
    until = f"until {done.until:%Y-%m-%d %H:%M}Z" if done.until else "until resumed"
    starts = f"from {done.starts:%Y-%m-%d %H:%M}Z " if done.starts else ""
    return f"Retries of {done.scope or 'everything'} {'will be' if starts else 'are'} paused {starts}{until}."


def _render(taken: list[Pause], left: list[Pause]) -> None:
    for each in taken:
        say(f"Retries of {each.scope or 'everything'} are resumed.")
    if not taken:
        say("That scope was not paused.")
    for each in left:
        say(f"Still paused: {in_words(each)}")
