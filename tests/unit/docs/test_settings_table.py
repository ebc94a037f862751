"""The README's table of settings is made from the code."""

from pathlib import Path

import pytest

from tools.settings_table import BEGIN, END, main, rewritten, table

README = f"# A\n\n{BEGIN}\n\n| old | table |\n\n{END}\n\n# B\n"


@pytest.mark.parametrize(
    "row",
    [
        "| `LEDGER_ENDPOINT` | required | Table endpoint of the storage account that holds the ledger. |",
        "| `RETRY_BACKOFF` | `0s, 15m, 1h` | Wait before retry 1, 2, 3 …, counted from the preceding failure. |",
        "| `DRY_RUN` | `false` | Evaluate everything, start nothing: incidents record what would have been done. |",
        "| `EVENTGRID_TOPIC_ENDPOINT` | none | Endpoint of the Event Grid topic for outcomes. |",
    ],
)
def test_a_row_has_the_default_as_one_writes_it(row: str) -> None:
    """Durations, lists, switches, and words for what may be empty."""
    assert row in table().splitlines()


def test_only_what_is_between_the_comments_changes() -> None:
    """The rest of the README is a person's."""
    assert rewritten(README) == f"# A\n\n{BEGIN}\n\n{table()}\n\n{END}\n\n# B\n"


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_readme_without_the_comments_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="once each"):
        rewritten(text)


def test_check_tells_an_old_table_and_write_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is what CI looks at."""
    readme = tmp_path / "README.md"
    readme.write_text(README, encoding="utf-8")
    assert main(["--check"], readme) == 1
    assert "--write" in capsys.readouterr().err
    assert main(["--write"], readme) == 0
    assert main(["--check"], readme) == 0
