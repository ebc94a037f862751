"""What the service's error codes mean for us: whether a retry can help, and what a person should do.

The knowledge is `error_catalog.csv`, one row per code and workload. Workloads have Azure's own names
(workloadType or dataSourceType: VM, SQLDataBase, Microsoft.Compute/disks …), or represent all with the same beginning
(Microsoft.DBforPostgreSQL/*); codes of restores stand under "VM restore" and the like, codes that every workload
shares under "any".
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from backup_retry.domain.workloads import workload as workload_of

ANY_WORKLOAD = "any"
RESTORE = " restore"

_COLUMNS = ["code", "numeric_codes", "workload", "verdict", "wait_hours", "cause", "remedy", "source"]
_MAY_BE_EMPTY = frozenset({"numeric_codes", "wait_hours"})
_MICROSOFTS_PAGE = re.compile(r"https://learn\.microsoft\.com/[^\s;]+")
_VERSION_SUFFIX = re.compile(r"v[23]$")
# What a healthy KPI is called; next to a failed job it is only out of date.
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
    #: how long to wait after the failure, at least, before a retry can help
    wait: timedelta = timedelta(0)
    #: False for an entry that represents a code which the catalogue does not have
    known: bool = True

    @property
    def link(self) -> str:
        """Microsoft's page on the code, else the one on what goes wrong with the workload."""
        page = _MICROSOFTS_PAGE.search(self.source)
        return page[0] if page else workload_of(self.workload.removesuffix(RESTORE)).troubleshooting

    @property
    def guidance(self) -> str:
        """What a person should do, and where to read more."""
        return f"{self.remedy} More: {self.link}"

    def is_of(self, workload: str | None) -> bool:
        """True where the entry is written for this workload, not only for all of them."""
        return fnmatchcase(_key(workload), _key(self.workload))


def look_up(
    *, title: str | None, numeric: int | None, kpi_title: str | None = None, workload: str | None = None
) -> ErrorEntry:
    """The catalogue's entry for a failure; never raises.

    The first key that the catalogue knows decides, and what the others say is not looked at:

    1. `title`, the job's own errorTitle, without regard to case; also with or without a final V2 or V3, which
       the service gives to newer forms of one failure (BackUpOperationFailed, BackUpOperationFailedV2);
    2. `numeric`, the job's own errorCode;
    3. `kpi_title`, from the protected item: last, as it may still speak of an earlier job.

    Where several workloads share the key, the entry of `workload` counts ("VM restore": then that of "VM"), then the
    one of all workloads, else the most cautious one. Where the catalogue knows no key, the answer is an entry with
    verdict ONCE, under the failure's best name.
    """
    found = (
        _titled(title)
        or _index().by_number.get(numeric if isinstance(numeric, int) else None)
        or _titled(_kpi_key(kpi_title))
    )
    return _choose(found, workload) if found else _unknown(title, numeric, kpi_title, workload)


def first_known(codes: Sequence[str], workload: str) -> int | None:
    """Where the first code stands that the catalogue knows: for this workload or for all, else for any other."""
    known = [(place, found) for place, code in enumerate(codes) if (found := _titled(code))]
    close = [place for place, found in known if _nearest(found, workload)]
    return next(iter(close or [place for place, _ in known]), None)


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
            raise ValueError(f"{entry.code} occurs twice under {entry.workload}")
        seen.add(identity)
        yield entry


def _check_header(row: list[str]) -> None:
    if row != _COLUMNS:
        raise ValueError(f"the columns must be {','.join(_COLUMNS)}, not {','.join(row)}")


def _entry(row: list[str]) -> ErrorEntry:
    if len(row) != len(_COLUMNS):
        raise ValueError(f"{len(row)} fields instead of {len(_COLUMNS)}")
    fields = dict(zip(_COLUMNS, row, strict=True))
    if empty := [name for name, value in fields.items() if not value.strip() and name not in _MAY_BE_EMPTY]:
        raise ValueError(f"{' and '.join(empty)} must not be empty")
    numeric_codes = tuple(int(number) for number in fields.pop("numeric_codes").split())
    verdict = Verdict(fields.pop("verdict"))
    wait = timedelta(hours=int(fields.pop("wait_hours") or 0))
    return ErrorEntry(known=True, numeric_codes=numeric_codes, verdict=verdict, wait=wait, **fields)


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


def _titled(title: object) -> list[ErrorEntry] | None:
    index = _index()
    return index.by_title.get(_key(title)) or index.by_stem.get(_stem(title))


def _choose(candidates: list[ErrorEntry], workload: str | None) -> ErrorEntry:
    fitting = _nearest(candidates, workload) or candidates
    return min(fitting, key=lambda entry: _MOST_CAUTIOUS_FIRST.index(entry.verdict))


def _nearest(candidates: list[ErrorEntry], workload: str | None) -> list[ErrorEntry]:
    """The entries of the workload, else those of its backups where it is a restore, else those of all workloads."""
    name = _key(workload)
    groups = (
        [each for each in candidates if each.is_of(of)]
        for of in (name, name.removesuffix(RESTORE), ANY_WORKLOAD)
    )
    return next((group for group in groups if group), [])


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
        cause="Azure gives no further details.",
        remedy=(
            "This error code is not in the app's error catalogue: read the job's details under Backup jobs in "
            "its vault, and please report the code with its message as an issue of azure-backup-retry."
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
