"""The command that runs the model for long."""

import os
import subprocess
import sys
from datetime import date

import pytest

from tests.documents import REPOSITORY
from tests.model import soak

_WORLD = "from tests.model.soak import _quiet, soak_one; _quiet(); tried = soak_one(4); print(tried.steps_in_peace)"


def test_each_day_has_worlds_of_its_own() -> None:
    """Ten million steps are 2,500 worlds: the next day's are others."""
    today, tomorrow = soak.seed_of(date(2026, 11, 29)), soak.seed_of(date(2026, 11, 30))
    assert today == 202611290000
    assert tomorrow - today >= 2500


def test_it_says_from_which_seed_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    """So that whatever it finds can be played again, even where it is stopped before its end."""
    soak.main(["--steps", "1", "--seed", "7"])
    assert capsys.readouterr().out.startswith("1 worlds from seed 7\n")


def test_a_seed_makes_the_same_world_in_every_process() -> None:
    """An order that Python draws for each process, as that of a set, would make a finding that nobody can replay."""
    replayed = {
        subprocess.run(
            [sys.executable, "-c", _WORLD],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONHASHSEED": drawn},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for drawn in ("0", "1")
    }
    assert len(replayed) == 1
