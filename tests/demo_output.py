"""The demo's output, read as a stranger reads it: who fails, how each failure ends, and when."""

import re
from dataclasses import dataclass

from demo.scenario import load

_LINES, _COLUMNS = 30, 80
_TOLD = re.compile(r"^(?P<at>\d\d:\d\d:\d\d)  (?P<name>\S+) +(?P<end>[A-Z].*)$")
_FAILS = re.compile(r"^ +(once|twice|late|never): +(?P<names>.*)$")
#: any other kind of time than hh:mm:ss: "4.6 s", "12 min", "02:00"
_OTHER_TIMES = re.compile(r"\b\d+(?:\.\d+)? ?(?:s|sec|min|h)\b|(?<![:\d])\d\d:\d\d(?![:\d])")
#: what a failure's last line begins with, by its outcome
_ENDS = {
    "recovered": "Recovered: ",
    "recovered_elsewhere": "Recovered by another backup",
    "left_alone": "No action taken",
    "needs_action": "Action required",
    "exhausted": "Retries exhausted",
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the output says about the failures."""

    lines: list[str]
    began: str
    #: the names in the order in which they are told to fail
    failing: list[str]
    #: time and sentence of each end, by name, in their order
    ends: list[tuple[str, str, str]]


def read(output: str) -> Told:
    """Read it line by line; a list of names may go on in the next line."""
    lines = output.rstrip("\n").splitlines()
    [began] = [line.split()[0] for line in lines if "nightly backups start" in line]
    failing: list[str] = []
    ends: list[tuple[str, str, str]] = []
    for line in lines:
        if found := _FAILS.match(line):
            failing += re.split(r",\s*", found["names"].rstrip(","))
        elif line.startswith(" " * 20):
            failing += re.split(r",\s*", line.strip().rstrip(","))
        elif (told := _TOLD.match(line)) and told["name"] in load().failures:
            ends.append((told["name"], told["at"], told["end"]))
    return Told(lines=lines, began=began, failing=failing, ends=ends)


def assert_a_stranger_follows(output: str) -> None:
    """Each failure of the scenario fails and ends under one name, in few lines, with one kind of time."""
    told, failures = read(output), load().failures
    assert sorted(told.failing) == sorted(failures)
    assert sorted(name for name, _, _ in told.ends) == sorted(failures)
    for name, at, end in told.ends:
        assert end.startswith(_ENDS[failures[name].expect.outcome]), name
        assert at >= told.began or told.began > "23:50", name
    assert len(told.lines) <= _LINES
    assert [line for line in told.lines if len(line) > _COLUMNS] == []
    assert _OTHER_TIMES.findall(output) == []
    assert "2 correctly not retried; 0 missed." in output
    assert "0 duplicates." in output
    assert "build/status.html" in told.lines[-1]
