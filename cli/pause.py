"""`backup-retry pause` and `resume`: switch retries off and on again."""

import getpass
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.decisions import Reason
from backup_retry.domain.pauses import Pause
from backup_retry.settings.setting_types import PositiveDuration
from cli import json_documents as documents
from cli.exit_codes import UsageError, run
from cli.output import JsonOption, say, show
from cli.session import Session, sessions

Why = Annotated[str, typer.Option(help="Why, for those who wonder later.")]
By = Annotated[str, typer.Option(help="Who; you, unless said otherwise.")]
Until = Annotated[
    str,
    typer.Option(
        metavar="TIME", help="A time such as 2026-12-24T06:00Z, or a duration such as 4h; else until resumed."
    ),
]
ScopeOption = Annotated[
    str, typer.Option(metavar="ID", help="A subscription's id or a vault's ARM id; else everything.")
]
All = Annotated[bool, typer.Option("--all", help="Take back every pause.")]
_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DURATION: TypeAdapter[object] = TypeAdapter(PositiveDuration)


def pause(
    ctx: typer.Context,
    *,
    why: Why,
    until: Until = "",
    scope: ScopeOption = "",
    by: By = "",
    as_json: JsonOption = False,
) -> None:
    """Switch retries off; failures go on being noted. Effective within seconds."""
    _check_scope(scope)
    wanted = Pause(by=by or getpass.getuser(), why=why, until=None, scope=scope)
    done = run(_pause(ctx, wanted, until))
    show(documents.of_pause(done), as_json, lambda: say(_sentence(done)))


async def _pause(ctx: typer.Context, wanted: Pause, until: str) -> Pause:
    async with sessions(ctx).open(writing=True) as session:
        end = end_of(until, session.clock()) if until else None
        done = Pause(by=wanted.by, why=wanted.why, until=end, scope=wanted.scope)
        await session.ledger.set_pause(done)
        return done


def resume(
    ctx: typer.Context,
    scope: ScopeOption = "",
    everything: All = False,
    as_json: JsonOption = False,
) -> None:
    """Take back the pause of that scope; what is still failed is retried by the next follow-up."""
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
        taken = [each for each in meant if each not in left]
        await _wake(session, taken, now)
        return taken, [each for each in left if each.until is None or now < each.until]


async def _wake(session: Session, taken: Sequence[Pause], now: datetime) -> None:
    """Have the next follow-up look at what waits for the end of a pause that is over earlier; losing a race is fine."""
    for incident in await session.ledger.open_incidents():
        waits = incident.is_open and incident.reason is Reason.PAUSED and incident.due > now
        if waits and any(each.holds(incident.item.vault, now) for each in taken):
            await session.ledger.save(replace(incident, due=now))


def end_of(text: str, now: datetime) -> datetime:
    """The end of a pause: a time of its own, or so long from now.

    Raises:
        UsageError: it is neither, or not in the future.
    """
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        try:
            length = _DURATION.validate_python(text)
        except ValidationError:
            raise UsageError(
                f"--until {text!r} is neither a time (2026-12-24T06:00Z) nor a duration (4h)."
            ) from None
        at = now + length  # type: ignore[operator] # the adapter makes a timedelta of it
    if at <= now:
        raise UsageError(f"--until {text} is over already.")
    return at


def _check_scope(scope: str) -> None:
    vault = Vault.parse(scope)
    if scope and not _SUBSCRIPTION.fullmatch(scope) and (vault is None or vault.key != scope.lower()):
        raise UsageError(f"--scope {scope!r} is neither a subscription's id nor a vault's ARM id.")


def _sentence(done: Pause) -> str:
    until = f"until {done.until:%Y-%m-%d %H:%M}Z" if done.until else "until somebody resumes them"
    return f"Retries of {done.scope or 'everything'} are paused {until}."


def _render(taken: list[Pause], left: list[Pause]) -> None:
    for each in taken:
        say(f"Retries of {each.scope or 'everything'} are on again.")
    if not taken:
        say("Nothing was paused there.")
    for each in left:
        say(f"Still paused: {each.scope or 'everything'}, by {each.by}: {each.why}")
