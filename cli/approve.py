"""`backup-retry approve` and `dismiss`: answers to the question whether a backup may be retried."""

import getpass
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from backup_retry.domain.incident import Incident
from backup_retry.engine.approvals import Approvals
from cli import json_documents as documents
from cli.exit_codes import Exit, UsageError, run
from cli.output import JsonOption, say, show
from cli.session import sessions

Items = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ITEM...", help="Item names, ARM IDs, job IDs or incident IDs.", show_default=False
    ),
]
VaultOption = Annotated[
    str,
    typer.Option(
        "--vault", metavar="VAULT", help="All retries waiting for approval in this vault (name or ARM ID)."
    ),
]
CodeOption = Annotated[
    str,
    typer.Option("--code", metavar="CODE", help="All retries waiting for approval after this error code."),
]
By = Annotated[str, typer.Option(metavar="NAME", help="Recorded as the operator; default: your user name.")]
Why = Annotated[str, typer.Option(metavar="TEXT", help="The reason; recorded and shown.")]
Answer = Callable[[Approvals, Incident], Awaitable[Incident | None]]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which of the incidents that wait for approval are meant; what is said narrows."""

    items: Sequence[str]
    vault: str
    code: str

    def of(self, waiting: Sequence[Incident]) -> Sequence[Incident]:
        """Those that are meant.

        Raises:
            UsageError: nothing is said, or a name is that of none that waits, or of several.
        """
        if not (self.items or self.vault or self.code):
            raise UsageError("Specify items, --vault or --code.")
        fitting = [each for each in waiting if self._fits(each)]
        return [_named(each, fitting) for each in self.items] if self.items else fitting

    def _fits(self, incident: Incident) -> bool:
        vault, code = incident.item.vault, incident.failure.error.label.lower()
        is_there = self.vault.lower() in {"", vault.name.lower(), vault.key}
        return is_there and self.code.lower() in {"", code}


def approve(
    ctx: typer.Context,
    items: Items = None,
    *,
    vault: VaultOption = "",
    code: CodeOption = "",
    by: By = "",
    as_json: JsonOption = False,
) -> None:
    """Approve retries that are waiting for approval. The next follow-up starts them, subject to all other rules."""
    who = by or getpass.getuser()
    chosen = Choice(items=items or (), vault=vault, code=code)
    done = run(_answer(ctx, chosen, lambda approvals, each: approvals.approve(each, who)))
    _show(done, "approved", "Approved", as_json=as_json)


def dismiss(
    ctx: typer.Context,
    items: Items = None,
    *,
    vault: VaultOption = "",
    code: CodeOption = "",
    why: Why = "",
    by: By = "",
    as_json: JsonOption = False,
) -> None:
    """Dismiss retries that are waiting for approval. Their incidents are closed without a retry."""
    who = by or getpass.getuser()
    chosen = Choice(items=items or (), vault=vault, code=code)
    done = run(_answer(ctx, chosen, lambda approvals, each: approvals.dismiss(each, who, why.strip())))
    _show(done, "dismissed", "Dismissed", as_json=as_json)


async def _answer(ctx: typer.Context, chosen: Choice, answer: Answer) -> Sequence[Incident]:
    """The incidents that were answered; one that has gone on meanwhile is not among them."""
    async with sessions(ctx).open(writing=True) as session:
        waiting = [each for each in await session.ledger.open_incidents() if each.awaits_approval]
        answers = [await answer(session.engine.approvals, each) for each in chosen.of(waiting)]
        return [each for each in answers if each is not None]


def _named(text: str, waiting: Sequence[Incident]) -> Incident:
    wanted = text.lower()
    found = [
        each
        for each in waiting
        if wanted in {each.item.key, each.item.friendly_name.lower(), each.id, each.failure.id.lower()}
    ]
    if not found:
        raise UsageError(f"{text!r} is not waiting for approval.")
    if len(found) > 1:
        ids = ", ".join(sorted(each.item.id for each in found))
        raise UsageError(f"{len(found)} items named {text!r} are waiting; specify one by its ARM ID: {ids}")
    return found[0]


def _show(done: Sequence[Incident], key: str, verb: str, *, as_json: bool) -> None:
    def render() -> None:
        for each in done:
            say(f"{verb}: {each.item.friendly_name} in vault {each.item.vault.name}.")
        if not done:
            say("No retries are waiting for approval there.")

    show({key: [documents.of_incident(each) for each in done]}, as_json, render)
    raise typer.Exit(Exit.WELL if done else Exit.NEEDS_A_PERSON)
