"""`backup-retry check`: is this deployment healthy, and what is to be done."""

from collections.abc import Sequence

import typer

from backup_retry.domain.errors import SettingsError
from cli.check_answers import SETTINGS, Check, Verdict, bad
from cli.checks import all_checks
from cli.deployed_app import AppOption, GroupOption
from cli.deployed_checks import deployed_checks
from cli.exit_codes import Exit, run
from cli.output import JsonOption, say, show, table
from cli.session import sessions

_MARKS = {Verdict.GOOD: "ok", Verdict.BAD: "FAILED", Verdict.UNKNOWN: "?"}


def check(
    ctx: typer.Context, app: AppOption = "", resource_group: GroupOption = "", as_json: JsonOption = False
) -> None:
    """Check the deployment and show how to fix problems. Do alerts arrive, are permissions assigned, is it running?"""
    checks = run(_gather(ctx, app, resource_group))
    wrong = [each for each in checks if each.name == SETTINGS and each.verdict is Verdict.BAD]
    failed = [each for each in checks if each.verdict is Verdict.BAD]
    document = {
        "healthy": not failed,
        "checks": [{**vars(each), "question": each.question} for each in checks],
    }
    show(document, as_json, lambda: render(checks, failed))
    raise typer.Exit(Exit.USAGE if wrong else Exit.NEEDS_A_PERSON if failed else Exit.WELL)


async def _gather(ctx: typer.Context, app: str, group: str) -> Sequence[Check]:
    try:
        if app or group:
            async with sessions(ctx).open_app(app, group) as (session, deployed, deployment):
                return await deployed_checks(session, deployed, deployment)
        async with sessions(ctx).open() as session:
            return await all_checks(session)
    except SettingsError as error:
        where = "in the app's settings" if app or group else "here and in the app's settings"
        return [bad(SETTINGS, str(error), f"Correct it {where}: until then every function fails")]


def render(checks: Sequence[Check], failed: Sequence[Check]) -> None:
    """For a person."""
    rows = [(_MARKS[each.verdict], each.question, each.detail) for each in checks]
    table(["", "question", "answer"], rows, below=[_to_do(each) for each in checks])
    say()
    say("All checks passed." if not failed else f"{len(failed)} of {len(checks)} checks failed.")


def _to_do(each: Check) -> str:
    return f"To fix: {each.mend}" if each.mend else ""
