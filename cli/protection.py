"""`backup-retry protection`: every item by its state, judged by what its own policy promises."""

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from backup_retry.domain.estate import Backups
from backup_retry.domain.protection import Protection
from backup_retry.policy.protection_state import Judgement
from cli.exit_codes import Exit, run
from cli.output import Document, JsonOption, say, show, table
from cli.protected import Protected, look_at_protection
from cli.session import sessions

StateOption = Annotated[
    Protection | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help=f"Only items in this state: {', '.join(Protection)}.",
        case_sensitive=False,
    ),
]
VaultOption = Annotated[
    str, typer.Option("--vault", metavar="NAME", help="Only vaults whose name contains this.")
]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="Maximum number of rows.")]
Line = tuple[Backups, Judgement]
#: worst first; what is well stands last
_ORDER = {
    state: place
    for place, state in enumerate(
        (
            Protection.NEVER,
            Protection.OVERDUE,
            Protection.ACTION_REQUIRED,
            Protection.IN_PROGRESS,
            Protection.STOPPED,
            Protection.CONTINUOUS,
            Protection.PROTECTED,
        )
    )
}


def protection(
    ctx: typer.Context,
    *,
    state: StateOption = None,
    vault: VaultOption = "",
    limit: Limit = 100,
    as_json: JsonOption = False,
) -> None:
    """List items by protection state, worst first. Exit code 1 if one is unprotected."""
    found = run(_gather(ctx))
    wanted: list[Callable[[Line], bool]] = [
        lambda line: state in {None, line[1].state},
        lambda line: vault.lower() in line[0].item.vault.name.lower(),
    ]
    lines = [line for line in _lines(found) if all(each(line) for each in wanted)]
    show(document(found, lines[:limit]), as_json, lambda: render(found, lines, limit))
    raise typer.Exit(Exit.NEEDS_A_PERSON if found.unprotected else Exit.WELL)


async def _gather(ctx: typer.Context) -> Protected:
    async with sessions(ctx).open() as session:
        return await look_at_protection(session)


def _lines(found: Protected) -> Sequence[Line]:
    lines = [
        (each, found.judgements[each.item.key])
        for each in found.estate.items
        if each.item.key in found.judgements
    ]
    return sorted(
        lines, key=lambda line: (_ORDER[line[1].state], line[0].full_name.casefold(), line[0].item.key)
    )


def document(found: Protected, lines: Sequence[Line]) -> Document:
    """The JSON."""
    return {
        "unprotected": found.unprotected,
        "states": {each.value: found.states.get(each, 0) for each in Protection},
        "policies_unread": dict(found.estate.policies_unread),
        "items": [
            {
                "item": each.item.id,
                "name": each.item.friendly_name,
                "full_name": each.full_name,
                "vault": each.item.vault.id,
                "workload": each.workload,
                "protection": judgement.state.value,
                "last_good_at": each.last_good_at.isoformat() if each.last_good_at else None,
                "overdue_since": judgement.missed.since.isoformat() if judgement.missed else None,
            }
            for each, judgement in lines
        ],
    }


def render(found: Protected, lines: Sequence[Line], limit: int) -> None:
    """For a person."""
    say(sentence(found), style="bold")
    rows = [
        (
            each.full_name,
            each.item.vault.name,
            judgement.state.label,
            each.last_good_at or "none",
            judgement.missed.since if judgement.missed else "",
        )
        for each, judgement in lines[:limit]
    ]
    if rows:
        say()
        table(["item", "vault", "state", "last recovery point", "overdue since"], rows)
    if len(lines) > limit:
        say(f"{len(lines) - limit} more; --limit shows them.")
    for vault, why in sorted(found.estate.policies_unread.items()):
        say(
            f"The policies of {vault.rpartition('/')[2]} cannot be read, so their schedules are unknown: {why}"
        )


def sentence(found: Protected) -> str:
    """How many are in which state."""
    number = len(found.judgements)
    items = f"{number} item{'' if number == 1 else 's'}"
    by_state = sorted(found.states.items(), key=lambda pair: _ORDER[pair[0]])
    states = ", ".join(f"{count} {state.label}" for state, count in by_state)
    if not number:
        return "No protected item is visible to this identity."
    verb = "is" if found.unprotected == 1 else "are"
    return f"{found.unprotected or 'None'} of {items} {verb} unprotected: {states}."
