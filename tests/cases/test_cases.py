"""Every field case comes out right, or is marked with what has to be mended first."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cases.account import Account
from tests.cases.case import read_case
from tests.cases.expectations import ROWS, Row
from tests.cases.player import play, play_file, trusted

FILES = Path(__file__).parent / "files"
SHARED = Path(__file__).parents[3] / "shared" / "cases"
#: exports for `replay`, which is no case
EXPORTS = ("32", "33")


def marked(row: Row) -> Any:
    """A row as a parameter; one that is wrong today is expected to fail, and fails the tests once it does not."""
    marks = [pytest.mark.xfail(strict=True, reason=row.wrong)] if row.wrong else []
    return pytest.param(row, marks=marks, id=row.file)


def comes_to(account: Account) -> tuple[str, str, str]:
    """The incidents' states, what was told, and the incidents' items."""
    ends = [
        "/".join(str(each[key]) for key in ("state", "reason", "outcome") if each[key])
        for each in account.incidents
    ]
    notices = [
        f"{kind.removeprefix('BackupRetry.')} {account.notices[kind]}" for kind in sorted(account.notices)
    ]
    items = [";".join(str(each["item"]).rsplit("/", 1)[-1].split(";")[-2:]) for each in account.incidents]
    return ", ".join(ends), ", ".join(notices), ", ".join(items)


@pytest.mark.parametrize("row", [marked(row) for row in ROWS])
async def test_a_case_comes_out_right(row: Row) -> None:
    """As many backups, incidents in these states, these notices; each signal is handled, deferred or answered."""
    account = await play_file(FILES / f"{row.file}.json")
    ends, notices, items = comes_to(account)
    found = json.dumps(account.document(), ensure_ascii=False)
    assert len(account.posts) in (row.posts if isinstance(row.posts, range) else [row.posts]), account
    assert re.fullmatch(row.ends, ends), account
    assert re.fullmatch(row.notices, notices), account
    assert row.of in {"", items}, account
    assert row.shows in found, account
    assert not row.lacks or row.lacks not in found, account
    assert account.decisions or account.ignored or account.deferred or account.problems, account


def test_every_file_has_its_row() -> None:
    """A case without an expectation proves nothing."""
    assert sorted(row.file for row in ROWS) == sorted(path.stem for path in FILES.glob("*.json"))


async def test_a_failed_job_is_found_behind_1500_others() -> None:
    """A vault's list comes in pages, and the failed job stands on the last one."""
    case = read_case(FILES / "jobs_on_many_pages.json")
    completed, failed = case.parts["rsv"]["jobs"]
    others = [{**completed, "name": f"{number:08x}-0000-4000-8000-000000000000"} for number in range(1500)]
    many = {**case.parts, "rsv": {**case.parts["rsv"], "jobs": [*others, failed]}}
    account = await play(replace(case, parts=many), trusted())
    assert comes_to(account)[0] == "triggered/attempt_running"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the files that these cases were made after are not at hand")
async def test_the_files_that_others_wrote_can_be_played() -> None:
    """Whoever writes further files of the format can play them."""
    paths = [path for path in sorted(SHARED.glob("*.json")) if not path.name.startswith(EXPORTS)]
    played = [await play_file(path) for path in paths]
    assert [account.file for account in played] == [path.name for path in paths]
