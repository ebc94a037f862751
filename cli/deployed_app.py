"""`--app` and `--resource-group`: a command by the settings of a deployed app instead of the shell's."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from cli.session import sessions

AppOption = Annotated[
    str,
    typer.Option(
        "--app", metavar="NAME", help="Name of the deployed function app; its settings are read from Azure."
    ),
]
GroupOption = Annotated[
    str, typer.Option("--resource-group", metavar="NAME", help="Resource group of the function app.")
]
_OPTIONS = {"app": AppOption, "resource_group": GroupOption}


def on_an_app(command: Callable[..., None]) -> Callable[..., None]:
    """The command with both options, after which its session is one of that app."""

    @functools.wraps(command)
    def on_the_app(ctx: typer.Context, *, app: str = "", resource_group: str = "", **given: object) -> None:
        if app or resource_group:
            ctx.obj = sessions(ctx).of_app(app, resource_group)
        command(ctx, **given)

    own = inspect.signature(command)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default="", annotation=option)
        for name, option in _OPTIONS.items()
    ]
    on_the_app.__signature__ = own.replace(parameters=[*own.parameters.values(), *added])  # type: ignore[attr-defined]
    on_the_app.__annotations__ = {**command.__annotations__, **_OPTIONS}
    return on_the_app
