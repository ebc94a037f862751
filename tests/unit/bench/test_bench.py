"""The measurements run, and the document shows what they measure; how fast anything is is no matter of a test."""

import json
import os
import re
import subprocess
import sys

import pytest

from bench import document
from bench.figures import Budget, Figure, Row, missed, percentile, shown, table
from bench.ground import certificates
from bench.measurements import MEASUREMENTS
from bench.prices import PRICES, Price
from bench.rows import ROWS
from bench.wire import ARM, Sent, waited
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.documents import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "performance.md").read_text(encoding="utf-8")
#: rows that an az CLI has to be there for
OPTIONAL = {"az_item", "az_ratio"}


def sent(began: float, ended: float) -> Sent:
    """A request between these times."""
    return Sent(to=ARM, method="GET", path="/", status=200, began=began, ended=ended)


# ---- arithmetic ---------------------------------------------------------------------------------------------


def test_waiting_at_the_same_time_counts_once() -> None:
    """0 to 3 and 2 to 5 are five seconds, 7 to 8 is one more; the order of arrival is no matter."""
    assert waited([sent(7, 8), sent(0, 3), sent(2, 5)]) == 6.0


def test_a_percentile_is_one_of_the_values() -> None:
    """The 99th of a hundred values is the last but one."""
    values = [float(each) for each in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 99), percentile([4.0], 99)) == (50.0, 99.0, 4.0)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (12345.0, "12,345"), (0.123456, "0.123"), (345.6, "346")]
)
def test_a_figure_is_shown_with_three_digits(value: float, text: str) -> None:
    """Whole numbers as they are."""
    assert shown(value) == text


def test_a_missed_budget_cannot_be_overlooked() -> None:
    """It stands in bold in the table and in the list of what was missed."""
    rows = {
        "slow": Row(bound="our code", label="slow", unit="ms", budget=Budget(limit=25)),
        "share": Row(bound="Azure", label="share", unit="%", budget=Budget(limit=90, at_least=True)),
    }
    figures = [Figure(key="slow", value=26.0), Figure(key="share", value=95.0, note="of all", when="today")]
    assert missed(rows, figures) == [figures[0]]
    assert table(rows, figures).splitlines()[2:] == [
        "| slow | **26 ms**, missed | ≤ 25 ms | our code |  |  |",
        "| share | 95 % | ≥ 90 % | Azure | today | of all |",
    ]


def test_free_units_cost_nothing() -> None:
    """Ten units, four of them free, at half a dollar."""
    assert Price(dollars=0.5, unit="unit", free=4, source="", read="").of(10) == 3.0


@pytest.mark.parametrize("price", PRICES.values(), ids=list(PRICES))
def test_every_price_says_where_it_stands_and_how_it_was_come_by(price: Price) -> None:
    """Since list prices change, and not all could be looked up."""
    assert price.source.startswith("https://azure.microsoft.com/pricing/")
    assert re.fullmatch(r"(a copy|.*https://github.com/OfficeDev/).*, 20\d\d-\d\d", price.read)


# ---- the measurements, in a size that proves nothing ------------------------------------------------------------


@pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make")
@pytest.mark.parametrize("name", ["cold_start", "event", "memory", "follow_up", "cost"])
def test_a_measurement_produces_its_rows(name: str) -> None:
    """Each in a process of its own, as `python -m bench` runs it; those that take longer are left to it."""
    figures = measured(name)
    assert figures
    assert [figure.key for figure in figures if figure.key not in ROWS] == []
    assert [figure for figure in figures if figure.value < 0 and figure.key != "follow_up_requests"] == []


def measured(name: str) -> list[Figure]:
    """The figures of a tiny run."""
    environment = os.environ | {"SSL_CERT_FILE": str(certificates().ca_file)}
    command = [sys.executable, "-m", "bench.child", name, "tiny"]
    child = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=REPOSITORY, check=False
    )
    assert child.returncode == 0, child.stderr
    return [Figure(**each) for each in json.loads(child.stdout.splitlines()[-1])]


def test_every_row_is_some_measurements() -> None:
    """A row that nothing fills would be a promise."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "bench").glob("*.py"))
    made = set(re.findall(r'"(\w+)"', sources.replace((REPOSITORY / "bench" / "rows.py").read_text(), "")))
    computed = {f"memory_{size}" for size in ("1k", "10k", "100k")} | {
        f"dispatch_{number}" for number in (2, 4, 8)
    }
    assert set(ROWS) - made - computed == set()


# ---- docs/performance.md ------------------------------------------------------------------------------------


def test_the_document_shows_every_row() -> None:
    """With its budget, and none that is gone."""
    lines = DOCUMENT.partition(document.BEGIN)[2].partition(document.END)[0].splitlines()
    told = {line.split("|")[1].strip(): line.split("|")[3].strip() for line in lines if line.startswith("| ")}
    del told["what"]
    wanted = {row.label: f"{row.budget} {row.unit}".strip() if row.budget else "" for row in ROWS.values()}
    optional = {ROWS[key].label for key in OPTIONAL}
    assert {label: told.get(label) for label in wanted if label not in optional} == {
        label: budget for label, budget in wanted.items() if label not in optional
    }
    assert set(told) - set(wanted) == set()


def test_the_document_names_every_measurement() -> None:
    """So that each can be run alone."""
    assert [name for name in MEASUREMENTS if f"`{name}`" not in DOCUMENT] == []


def test_new_figures_replace_the_old_ones_only() -> None:
    """What stands before and after the markers stays."""
    results = {
        "machine": {
            "processors": 2,
            "system": "Linux x86_64",
            "python": "3.13.1",
        },
        "measured": {
            "event": {"when": "today", "figures": [{"key": "event_own_p50", "value": 9.0, "note": ""}]}
        },
    }
    text = f"before\n{document.BEGIN}old\n{document.END}after\n"
    written = document.rewritten(text, results)
    assert written.startswith(f"before\n{document.BEGIN}")
    assert written.endswith(f"{document.END}after\n")
    assert "| own time per event, p50 | 9 ms | ≤ 10 ms | our code | today |  |" in written
    assert document.rewritten(written, results) == written
