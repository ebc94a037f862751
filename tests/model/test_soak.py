"""The command that runs the model for long."""

from datetime import date

import pytest

from tests.model import soak


def test_each_day_has_worlds_of_its_own() -> None:
    """Ten million steps are 2,500 worlds: the next day's are others."""
    today, tomorrow = soak.seed_of(date(2026, 11, 29)), soak.seed_of(date(2026, 11, 30))
    assert today == 202611290000
    assert tomorrow - today >= 2500


def test_it_says_from_which_seed_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    """So that whatever it finds can be played again, even where it is stopped before its end."""
    soak.main(["--steps", "1", "--seed", "7"])
    assert capsys.readouterr().out.startswith("1 worlds from seed 7\n")
