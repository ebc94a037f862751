"""What docs/signals.md says of dimensions is what the code understands."""

import re
from pathlib import Path

import pytest

from backup_retry.domain.alert_dimensions import BUILT_IN, Dimensions, Meaning
from tests.documents import REPOSITORY, blocks
from tests.kusto.analyzer import diagnostics
from tests.kusto.install import is_installed

DOCUMENT = REPOSITORY / "docs" / "signals.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
[QUERY] = blocks(DOCUMENT, "kusto")


@pytest.mark.parametrize("meaning", Meaning)
def test_every_built_in_name_stands_in_the_table(meaning: Meaning) -> None:
    """All of them, and none that is gone."""
    [names] = re.findall(rf"^\| `{meaning}` \| (.+) \|$", TEXT, re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", names)) == BUILT_IN[meaning]


def test_the_example_of_the_setting_can_be_set() -> None:
    """It names a kind for each of its names."""
    [example] = re.findall(r"`(job: [^`]+)`", TEXT)
    assert Dimensions.parse(example).meaning("RunId") is Meaning.JOB


def test_the_rules_dimensions_are_columns_that_are_understood() -> None:
    """The query returns them, and each means something."""
    split = re.search(r"\*\*split by dimensions\*\*(.+?);", TEXT, re.DOTALL)
    assert split is not None
    names = re.findall(r"`(\w+)`", split[1])
    projected = QUERY.body.split("| project")[-1]
    assert [name for name in names if name not in projected or Dimensions().meaning(name) is None] == []
    assert {Meaning.JOB, Meaning.RESOURCE} <= {Dimensions().meaning(name) for name in names}


@pytest.mark.skipif(not is_installed(), reason="Microsoft's KQL analyzer is not installed: make")
def test_microsofts_own_analyzer_finds_nothing_in_the_rules_query(tmp_path: Path) -> None:
    """Its columns are those of AddonAzureBackupJobs."""
    file = tmp_path / "rule.kql"
    file.write_text(QUERY.body, encoding="utf-8")
    assert diagnostics([file]) == []
