"""The documents name everything that the code can be set to and can say."""

from pathlib import Path

import pytest

from backup_retry.incident import StepKind
from backup_retry.log_events import LogEvent
from backup_retry.model import Outcome, Reason
from backup_retry.notices import NoticeKind
from backup_retry.settings import Settings

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
def test_every_setting_stands_in_the_readmes_table(name: str) -> None:
    """With its default and its meaning."""
    assert f"| `{name}` |" in README


def test_the_readmes_table_names_no_setting_that_is_none() -> None:
    """A setting that was renamed leaves no line behind."""
    table = README.partition("| setting |")[2].partition("\n\n")[0]
    named = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert named == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("code", [*Reason, *StepKind, *LogEvent, *NoticeKind])
def test_everything_that_the_app_says_is_explained(code: str) -> None:
    """Reason codes, steps of the journal, log events, notices."""
    assert f"`{code}`" in OPERATIONS


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_named(outcome: Outcome) -> None:
    """Beside the reasons that lead to it."""
    assert outcome in OPERATIONS


@pytest.mark.parametrize(
    "document",
    sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]),
    ids=lambda path: path.name,
)
def test_every_local_link_leads_somewhere(document: Path) -> None:
    """Files that were moved leave no dead link."""
    text = document.read_text(encoding="utf-8")
    links = [part.partition(")")[0] for part in text.split("](")[1:]]
    local = [link.partition("#")[0] for link in links if not link.startswith(("http", "#", "mailto"))]
    assert [link for link in local if not (document.parent / link).exists()] == []
