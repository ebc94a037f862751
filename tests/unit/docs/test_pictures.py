"""The picture of the demo shows what the demo prints."""

import re
from html import unescape

from demo.scenario import load
from tests.documents import REPOSITORY
from tools.pictures import MACHINES, drawing

OUTPUT = """Starting Azurite ...
\x1b[1m02:00\x1b[0m  40 nightly backups in 4 vaults begin.
  2.3 s  web-11    failed: BackUpOperationFailedV2: a backup failed
  2.3 s  git-01    failed: CloudInternalError: a backup failed
│ git-01  │ CloudInternalError │ recovered │
"""


def words(picture: str) -> str:
    """What can be read in a picture."""
    texts = re.findall(r"<text[^>]*>(.*?)</text>", picture, re.DOTALL)
    return unescape(" ".join(texts)).replace("\xa0", " ")


def test_the_story_is_that_of_a_few_machines() -> None:
    """Everything that is not the story is shown whole."""
    picture = words(drawing(OUTPUT))
    assert "web-11    failed: BackUpOperationFailedV2" in picture
    assert "git-01    failed" not in picture
    assert "│ git-01  │" in picture
    assert "40 nightly backups" in picture


def test_a_drawing_needs_nothing_from_elsewhere() -> None:
    """No font from a server that the reader never asked for."""
    picture = drawing(OUTPUT)
    assert "@font-face" not in picture
    assert "url(http" not in picture


def test_the_machines_are_those_of_the_scenario() -> None:
    """A scenario that renames one leaves no empty picture."""
    assert set(MACHINES) <= set(load().failures)


def test_the_picture_in_the_repository_is_of_this_scenario() -> None:
    """Every failure with its error and its outcome; else: python -m tools.pictures."""
    picture = words((REPOSITORY / "docs" / "pictures" / "demo.svg").read_text(encoding="utf-8"))
    for failure in load().failures.values():
        row = rf"{failure.item}\W+{failure.error}\W.*?{failure.expect.attempts}\W+{failure.expect.outcome}\b"
        assert re.search(row, picture), failure.item
