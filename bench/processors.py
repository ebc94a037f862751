"""The processors' time: of a process, and of the machine. Linux says it; elsewhere there is none to be had."""

import os
from pathlib import Path

_PROC = Path("/proc")


def seconds_of(pid: int) -> float:
    """What a process has taken so far, with what it waited for of its children."""
    stat = _PROC / str(pid) / "stat"
    if not stat.is_file():
        return 0.0
    # behind the name, which may hold anything: utime, stime, cutime and cstime are the 14th to 17th field
    fields = stat.read_text().rpartition(")")[2].split()
    return sum(map(float, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def busy_and_all() -> tuple[float, float]:
    """The time in which something ran on the machine so far, and all of it, in ticks."""
    stat = _PROC / "stat"
    if not stat.is_file():
        return 0.0, 0.0
    times = [float(each) for each in stat.read_text().splitlines()[0].split()[1:9]]
    return sum(times) - sum(times[3:5]), sum(times)
