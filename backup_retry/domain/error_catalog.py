"""What the service's error codes mean for us: whether a retry can help, and what a person should do.

The knowledge is `error_catalog.csv`, one row per code and workload. Workloads bear Azure's own names
(workloadType or dataSourceType: VM, SQLDataBase, Microsoft.Compute/disks …); codes of restores stand under
"VM restore" and the like, codes that every workload shares under "any".
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

ANY_WORKLOAD = "any"

_COLUMNS = ["code", "numeric_codes", "workload", "verdict", "cause", "remedy", "source"]
_VERSION_SUFFIX = re.compile(r"v[23]$")
# What a healthy KPI is called; beside a failed job it is only out of date.
_NO_ERROR_TITLES = frozenset({"", "success", "iaasvmhealthgreendefault"})


class Verdict(StrEnum):
    """What to do about a failure with this code."""

    RETRY = "retry"  #: it passes: a retry can help
    WAIT = "wait"  #: another operation holds the item: look again when that has ended
    FULL = "full"  #: the log chain broke: retry, but as a Full backup, never as Log or Differential
    LEAVE = "leave"  #: nothing to do: cancelled by a person, done by another node, or repaired by the service
    PERSON = "person"  #: no retry helps before a person has acted
    ONCE = "once"  #: cause mixed or unknown: retry once, then a person


#: from the one that risks least to the one that risks most, for codes that two workloads share
_MOST_CAUTIOUS_FIRST = (
    Verdict.PERSON,
    Verdict.LEAVE,
    Verdict.WAIT,
    Verdict.ONCE,
    Verdict.FULL,
    Verdict.RETRY,
)


@dataclass(frozen=True, kw_only=True)
class ErrorEntry:
    """One code of one workload."""

    #: the code's name as the service writes it, such as UserErrorVmProvisioningStateFailed
    code: str
    #: its numbers, such as 400160; most codes have none that is known
    numeric_codes: tuple[int, ...]
    workload: str
    verdict: Verdict
    #: one sentence: what went wrong
    cause: str
    #: one sentence: what a person should do, should one have to
    remedy: str
    #: where this knowledge comes from
    source: str
    #: False for an entry that stands for a code which the catalogue does not have
    known: bool = True


def look_up(
    *, title: str | None, numeric: int | None, kpi_title: str | None = None, workload: str | None = None
) -> ErrorEntry:
    """The catalogue's entry for a failure; never raises.

    The first key that the catalogue knows decides, and what the others say is not looked at:

    1. `title`, the job's own errorTitle, without regard to case; also with or without a final V2 or V3, which
       the service gives to newer forms of one failure (BackUpOperationFailed, BackUpOperationFailedV2);
    2. `numeric`, the job's own errorCode;
    3. `kpi_title`, from the protected item: last, as it may still speak of an earlier job.

    Where several workloads share the key, the entry of `workload` counts, else the most cautious one. Where
    the catalogue knows no key, the answer is an entry with verdict ONCE, under the failure's best name.
    """
    index = _index()
    found = (
        index.by_title.get(_key(title))
        or index.by_stem.get(_stem(title))
        or index.by_number.get(numeric if isinstance(numeric, int) else None)
        or index.by_title.get(_kpi_key(kpi_title))
        or index.by_stem.get(_stem(_kpi_key(kpi_title)))
    )
    return _choose(found, workload) if found else _unknown(title, numeric, kpi_title, workload)


@cache
def entries() -> tuple[ErrorEntry, ...]:
    """The whole catalogue, in the file's order; read at the first call only.

    Raises:
        ValueError: a row is malformed; the message names its line.
    """
    text = files("backup_retry.domain").joinpath("error_catalog.csv").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> tuple[ErrorEntry, ...]:
    """The entries in a catalogue's CSV text.

    Raises:
        ValueError: a row is malformed or repeats a code of its workload; the message names its line.
    """
    rows = csv.reader(text.splitlines(), strict=True)
    try:
        return tuple(_read(rows))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"error_catalog.csv, line {rows.line_num}: {error}") from error


def _read(rows: Iterator[list[str]]) -> Iterator[ErrorEntry]:
    _check_header(next(rows, []))
    seen: set[tuple[str, str]] = set()
    for row in rows:
        entry = _entry(row)
        identity = (_key(entry.workload), _key(entry.code))
        if identity in seen:
            raise ValueError(f"{entry.code} stands twice under {entry.workload}")
        seen.add(identity)
        yield entry


def _check_header(row: list[str]) -> None:
    if row != _COLUMNS:
        raise ValueError(f"the columns must be {','.join(_COLUMNS)}, not {','.join(row)}")


def _entry(row: list[str]) -> ErrorEntry:
    if len(row) != len(_COLUMNS):
        raise ValueError(f"{len(row)} fields instead of {len(_COLUMNS)}")
    fields = dict(zip(_COLUMNS, row, strict=True))
    if empty := [name for name, value in fields.items() if not value.strip() and name != "numeric_codes"]:
        raise ValueError(f"{' and '.join(empty)} must not be empty")
    numeric_codes = tuple(int(number) for number in fields.pop("numeric_codes").split())
    verdict = Verdict(fields.pop("verdict"))
    return ErrorEntry(known=True, numeric_codes=numeric_codes, verdict=verdict, **fields)


@dataclass(frozen=True, kw_only=True)
class _Index:
    by_title: dict[str, list[ErrorEntry]]
    by_stem: dict[str, list[ErrorEntry]]
    by_number: dict[int | None, list[ErrorEntry]]


@cache
def _index() -> _Index:
    by_title, by_stem = defaultdict(list), defaultdict(list)
    by_number: dict[int | None, list[ErrorEntry]] = defaultdict(list)
    for entry in entries():
        by_title[_key(entry.code)].append(entry)
        by_stem[_stem(entry.code)].append(entry)
        for number in entry.numeric_codes:
            by_number[number].append(entry)
    return _Index(by_title=by_title, by_stem=by_stem, by_number=by_number)


def _choose(candidates: list[ErrorEntry], workload: str | None) -> ErrorEntry:
    of_workload = [entry for entry in candidates if _key(entry.workload) == _key(workload)]
    return min(of_workload or candidates, key=lambda entry: _MOST_CAUTIOUS_FIRST.index(entry.verdict))


def _unknown(
    title: str | None, numeric: int | None, kpi_title: str | None, workload: str | None
) -> ErrorEntry:
    number = numeric if isinstance(numeric, int) and numeric else None
    names = [name.strip() for name in (title, kpi_title) if isinstance(name, str) and _kpi_key(name)]
    return ErrorEntry(
        code=next(iter(names), str(number) if number else "no error code"),
        numeric_codes=(number,) if number else (),
        workload=workload if isinstance(workload, str) else ANY_WORKLOAD,
        verdict=Verdict.ONCE,
        cause="The catalogue does not know why this backup failed.",
        remedy=(
            "Read the job's error details under Backup jobs in its vault, and look the code up on "
            "https://learn.microsoft.com/azure/backup/, where every workload has a page on troubleshooting."
        ),
        source="not in the catalogue",
        known=False,
    )


def _key(name: object) -> str:
    return name.strip().casefold() if isinstance(name, str) else ""


def _stem(name: object) -> str:
    return _VERSION_SUFFIX.sub("", _key(name))


def _kpi_key(name: object) -> str:
    key = _key(name)
    return "" if key in _NO_ERROR_TITLES else key
