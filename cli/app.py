"""Joins the commands."""

from typing import Annotated

import typer

from backup_retry import __version__
from cli.ack import ack
from cli.approve import approve, dismiss
from cli.check import check
from cli.deployed_app import on_an_app
from cli.drill import drill
from cli.exit_codes import Sentences
from cli.explain import explain
from cli.incidents import incidents
from cli.pause import pause, resume
from cli.protection import protection
from cli.replay import replay
from cli.report import report
from cli.retry import retry
from cli.status import status
from cli.sweep import sweep
from cli.wiring import AzureSessions

app = typer.Typer(
    name="backup-retry",
    cls=Sentences,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    help="Inspect, query and pause azure-backup-retry. Settings come from the environment, or with --app from the "
    "deployed app.",
    epilog="Exit codes: 0 healthy; 1 action required, a check failed or a retry was not started; "
    "2 invalid usage or settings; 3 Azure or the ledger did not answer or denied access, or you are not signed in; "
    "130 interrupted.",
)
for command in (
    status,
    protection,
    incidents,
    explain,
    sweep,
    retry,
    ack,
    approve,
    dismiss,
    pause,
    resume,
    replay,
    report,
):
    app.command()(on_an_app(command))
# These two look at the app from outside as well, and find it by themselves.
app.command()(check)
app.command()(drill)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"backup-retry {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
]


@app.callback()
def main(ctx: typer.Context, version: VersionOption = False) -> None:  # noqa: ARG001
    """Use Azure, unless a test has brought its own desks."""
    ctx.obj = ctx.obj or AzureSessions()
