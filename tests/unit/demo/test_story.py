"""What the demo prints of a night, without a night."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import Source
from demo.__main__ import last_words
from demo.scenario import Failure, load
from demo.show import Story
from demo.verdict import Row, Verdict
from tests.builders import ENDED, NOW, attempt, incident
from tests.demo_output import assert_a_stranger_follows, read
from tests.documents import REPOSITORY, blocks

NIGHT = load()
[EXAMPLE] = [
    block.body for block in blocks(REPOSITORY / "README.md", "text") if "nightly backups start" in block.body
]


def row(failure: Failure) -> Row:
    """A failure that ended as the scenario expects it."""
    results = [AttemptResult.FAILED] * failure.expect.attempts
    if failure.expect.outcome == Outcome.RECOVERED:
        results[-1] = AttemptResult.COMPLETED
    found = incident(*(attempt(number, result=result) for number, result in enumerate(results, start=1)))
    closed = replace(
        found,
        state=State.CLOSED,
        outcome=Outcome(failure.expect.outcome),
        found_by=Source(failure.expect.found_by),
        closed_at=NOW,
    )
    return Row(failure=failure, job=failure.item, failed_at=ENDED, incident=closed, item=failure.item)


ROWS = {name: row(failure) for name, failure in NIGHT.failures.items()}


def told(columns: int = 80, **changes: Row) -> str:
    """The output of a night with these rows changed, by names with `_` for `-`."""
    rows = [*(ROWS | {name.replace("_", "-"): changed for name, changed in changes.items()}).values()]
    verdict = Verdict(rows=rows, triggers_seen_by_azure=17, double_triggers=[])
    console = Console(file=io.StringIO(), width=columns)
    story = Story(console)
    story.begins(NIGHT, NOW - timedelta(seconds=9))
    story.tell(verdict)
    story.sweeps(NOW)
    story.ends(verdict)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue() + last_words(verdict, keep=False)


def test_each_failure_can_be_followed_by_one_name() -> None:
    """In few lines, with one kind of time; tests/scenarios/test_demo.py reads the real output."""
    assert_a_stranger_follows(told())


def test_the_readme_shows_a_real_output() -> None:
    """It has the shape of one; python -m tools.pictures writes it anew."""
    assert_a_stranger_follows(EXAMPLE)
    assert {(name, end) for name, _, end in read(EXAMPLE).ends} >= {
        ("app-12", "Recovered by another backup; no retry needed"),
        ("ci-02", "No action taken: a person cancelled the backup"),
        ("dc-02", "Action required: UserErrorVmProvisioningStateFailed"),
    }


def test_a_narrow_terminal_shows_everything() -> None:
    """What does not fit goes on below its own text."""
    lines = told(columns=60).splitlines()[:-1]
    assert [line for line in lines if len(line) > 60] == []
    assert "".join(lines).replace(" ", "") == "".join(told().splitlines()[:-1]).replace(" ", "")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (replace(ROWS["web-02"], incident=None), "Missed: the app does not know of it"),
        (replace(ROWS["web-02"], incident=incident()), "Not closed: waiting"),
        (
            replace(ROWS["web-02"], incident=ROWS["dc-02"].incident),
            "Action required: CloudInternalError - expected: recovered, retries: 1",
        ),
    ],
    ids=["missed", "open", "another end"],
)
def test_a_failure_that_ends_otherwise_says_what_was_expected(changed: Row, sentence: str) -> None:
    """It has its line all the same."""
    output = " ".join(told(web_02=changed).split())
    assert f"web-02 {sentence}" in output
    assert "The night did not end as it should: see build/demo.json." in output
