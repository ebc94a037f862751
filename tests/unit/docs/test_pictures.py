"""The README shows what the demo prints; tests/unit/demo/test_story.py reads it."""

from tests.documents import REPOSITORY
from tools.pictures import README, with_output


def test_only_the_output_of_the_demo_is_renewed() -> None:
    """Everything before and behind it stays, and so do other blocks."""
    readme = "a\n```text\nother\n```\nb\n```text\nStarting\n02:00:00  48 nightly backups start\n```\nc\n"
    assert with_output(readme, "new\\1\n") == "a\n```text\nother\n```\nb\n```text\nnew\\1\n```\nc\n"


def test_the_readme_has_the_output_once() -> None:
    """Where the tool finds it."""
    renewed = with_output(README.read_text(encoding="utf-8"), "")
    assert README == REPOSITORY / "README.md"
    assert "nightly backups start" not in renewed
