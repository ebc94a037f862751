"""A run of infra/connect: what Azure answers, what the person chose, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.hooks import shells
from tests.hooks.azure import OUTPUTS, WELL, Answer
from tests.hooks.shells import Run


@dataclass(frozen=True, kw_only=True)
class Case:
    """What Azure answers before all is well, what the person chose, and what comes of it."""

    name: str
    answers: Sequence[Answer] = ()
    variables: dict[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    exit_code: int = 0
    connected: Sequence[str] = ()
    said: Sequence[str] = ()
    not_said: Sequence[str] = ()

    def __str__(self) -> str:
        return self.name


def check(shell: str, case: Case) -> Run:
    """Run the case and compare."""
    answers = [*case.answers, *WELL]
    run = shells.run(
        shell, "connect", *case.arguments, answers=answers, variables={**OUTPUTS, **case.variables}
    )
    assert not run.called("UNEXPECTED"), run.output
    assert run.connected == list(case.connected), run.output
    assert [text for text in case.said if text not in run.output] == [], run.output
    assert [text for text in case.not_said if text in run.output] == []
    assert run.exit_code == case.exit_code, run.output
    return run
