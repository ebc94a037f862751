"""What the commands print can be read in a terminal of any width: nothing is cut, and a pipe gets everything."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.ports.ledger import Beat
from cli.app import app
from cli.output import facts, say, table
from cli.tables import Layout, Rows
from tests.builders import NEEDS_PERSON, NOW, item, minutes, vault
from tests.cli_sessions import Terminal
from tests.pseudo_terminal import PseudoTerminal, run_in

WIDTHS = [60, 80, 100, 200]
LONG_VAULT = vault("vault-of-the-branch-office-in-north-holland-0001")
#: as long as Azure takes a machine's name, and one that is twice as wide as it is long
NAMES = ("machine-" + "n" * 56, "データベース-サーバー-東京-01")
In = Callable[[int, Callable[[], None]], PseudoTerminal]


@pytest.fixture
def in_terminal(monkeypatch: pytest.MonkeyPatch) -> In:
    """Runs something in a terminal of so many columns."""
    return lambda columns, work: run_in(columns, work, monkeypatch)


@pytest.fixture(scope="module")
def night() -> Terminal:
    """A night after which two items need a person, and a third is open."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    named = [replace(item(of=LONG_VAULT), name=f"VM;iaasvmcontainerv2;rg;{name}") for name in NAMES]
    for number, each in enumerate(named, start=1):
        found.does(found.handle(found.fails(f"job-{number}", of=each, error=NEEDS_PERSON)))
    found.does(found.handle(found.fails("job-3", of=item(3))))
    return found


def types(terminal: Terminal, *words: str) -> Callable[[], None]:
    """What a person types."""

    def work() -> None:
        app(list(words), obj=terminal, standalone_mode=False)

    return work


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize(
    "words", [("status",), ("incidents",), ("explain", "job-1"), ("check",)], ids=" ".join
)
def test_no_line_is_wider_than_the_terminal(
    night: Terminal, in_terminal: In, columns: int, words: tuple[str, ...]
) -> None:
    """And every name is shown whole; what is longer than a line by itself stays whole, to be copied."""
    asked = f"{LONG_VAULT.id}/backupJobs/job-1" if words[0] == "explain" else ""
    shown = in_terminal(columns, types(night, words[0], *filter(None, [asked])))
    wide = [line for line in shown.lines if cell_len(line) > columns and len(line.split()) > 1]
    assert wide == []
    letters = "".join(line.strip() for line in shown.lines)
    if words[0] in {"status", "incidents"}:
        assert all(name in letters for name in (*NAMES, LONG_VAULT.name, NEEDS_PERSON))


@pytest.mark.parametrize("columns", [1, 2, 7, 20, 45])
def test_a_tiny_terminal_loses_nothing(in_terminal: In, columns: int) -> None:
    """Not a letter, though nobody would call it readable."""

    def work() -> None:
        facts([("Open", "abc def ghi")])
        table(["item", "error"], [("machine-1", "klm nop qrs")], title="")
        say("tuv wxy z")

    letters = "".join(in_terminal(columns, work).shown.split())
    for word in ("abc", "ghi", "machine-1", "klm", "qrs", "tuv", "wxy"):
        assert word in letters


@pytest.mark.parametrize(
    ("cells", "room", "expected"),
    [
        # 30 + 2 + 10 + 2 + 24 = 68
        (("n" * 30, "v" * 10, "word " * 40), 68, Layout.ACROSS),
        (("n" * 30, "v" * 10, "word " * 40), 67, Layout.BELOW),
        # 30 + 2 + 10
        (("n" * 30, "v" * 10, "word " * 40), 42, Layout.BELOW),
        (("n" * 30, "v" * 10, "word " * 40), 41, Layout.STACKED),
        # a short last column takes what it takes: 30 + 2 + 5
        (("n" * 30, "short"), 37, Layout.ACROSS),
        (("n" * 30, "short"), 36, Layout.STACKED),
        # wide characters take two columns each: 20 + 2 + 5
        (("京" * 10, "short"), 26, Layout.STACKED),
    ],
)
def test_the_layout_is_the_widest_that_fits(cells: tuple[str, ...], room: int, expected: Layout) -> None:
    """The last column may wrap, down to 24 columns; the others may not."""
    assert Rows([""] * len(cells), [cells]).layout(room) is expected


def test_a_remedy_wraps_under_its_row(in_terminal: In) -> None:
    """Where it has no room beside: indented, in whole words."""
    rows = [("vm-01", "vault-1", "Repair or remove the failed extension and reapply the machine")]
    shown = in_terminal(30, lambda: table(["item", "vault", "what to do"], rows))
    assert shown.lines == [
        "item   vault",
        "vm-01  vault-1",
        "  Repair or remove the failed",
        "  extension and reapply the",
        "  machine",
    ]


def test_a_word_that_has_no_room_beside_goes_below(in_terminal: In) -> None:
    """Its row's alone, whole; the others stay beside."""
    shown = in_terminal(
        40, lambda: facts([("Error", "x " * 15), ("More", "see https://example.org/a/long/address")])
    )
    assert shown.lines == [
        "Error  " + " ".join("x" * 15),
        "More",
        "  see https://example.org/a/long/address",
    ]


def test_what_is_to_do_stands_under_its_row(in_terminal: In) -> None:
    """A sentence in lines; a command on one, which a terminal copies as one."""
    todo = [
        "To fix: Correct the tag, or add it to the settings",
        "To fix: az resource update --ids /x --set y",
    ]
    shown = in_terminal(30, lambda: table(["", "what"], [("ok", "a"), ("?", "b")], below=todo))
    assert shown.lines == [
        "    what",
        "ok  a",
        "  To fix: Correct the tag, or",
        "  add it to the settings",
        "?   b",
        f"  {todo[1]}",
    ]


def test_a_pipe_gets_every_row_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whole, whatever the width of a terminal that is not there."""
    remedy = "word " * 200
    table(["item", "what to do"], [("vm-01", remedy), ("vm-02", "x")])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [
        ["item", "what to do"],
        ["vm-01", remedy.strip()],
        ["vm-02", "x"],
    ]


def test_an_arm_id_stays_whole(in_terminal: In) -> None:
    """It can be copied from the narrowest terminal."""
    place = ProtectedItem(vault=LONG_VAULT, name="x").vault.id
    shown = in_terminal(60, lambda: say(f"Two vaults have that name, among them {place}."))
    assert f"{place}." in shown.lines
