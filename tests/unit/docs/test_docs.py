"""The documents name everything that the code can be set to and can say, and lead nowhere else."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import State
from backup_retry.domain.journal import StepKind
from backup_retry.domain.notices import NoticeKind
from backup_retry.ports.log_events import LogEvent
from backup_retry.settings.settings import Settings
from simulator.stack.__main__ import STANDARD_PORTS
from tests.documents import DOCUMENTS, REPOSITORY, Block, anchors, blocks, every_block, inline_code, links
from tools import settings_table

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
#: where the app's own words are
SPEAKING = ("backup_retry", "cli", "infra", "reactor", "reconciler", "status")
#: docs/x.md#anchor; docs/x.md, "Heading"; "Heading" in docs/x.md
_NAMED_HEADING = re.compile(r'docs/([\w-]+\.md)(?:#([\w-]+))?(?:, "([^"\n]+)")?')
LANGUAGES = {"sh", "console", "json", "python", "kusto", "mermaid", "text", "yaml", "hcl", "powershell"}


def name(path: Path) -> str:
    """A document as a test's id."""
    return path.name


# ---- what is said ------------------------------------------------------------------------------------------


def test_the_readmes_table_of_settings_is_the_code() -> None:
    """Every setting with its default and its meaning, and none that is gone."""
    assert settings_table.rewritten(README) == README


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_is_explained(setting: str) -> None:
    """With more than its name."""
    [row] = [row for row in settings_table.table().splitlines() if f"| `{setting.upper()}` |" in row]
    default, meaning = (cell.strip() for cell in row.strip("| ").split("|", 2)[1:])
    assert default
    assert len(meaning.split()) > 3


@pytest.mark.parametrize("code", [*Reason, *StepKind, *LogEvent, *NoticeKind])
def test_everything_that_the_app_says_is_explained(code: str) -> None:
    """Reason codes, steps of the journal, log events, notices."""
    assert f"`{code}`" in OPERATIONS


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_explained(outcome: Outcome) -> None:
    """With a row of its own."""
    assert f"\n| `{outcome}` |" in OPERATIONS


@pytest.mark.parametrize("document", ["README.md", "docs/design.md"])
def test_the_state_diagram_has_the_codes_states(document: str) -> None:
    """Each state, and none that is gone."""
    [diagram] = blocks(REPOSITORY / document, "mermaid")
    drawn = set(re.findall(r"^ +([A-Z]+) -->", diagram.body, re.MULTILINE))
    assert drawn == {state.name for state in State}


# ---- where it leads ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_leads_somewhere(document: Path) -> None:
    """To a file of the repository, and there to a heading; or to an address that is https."""
    assert [link for link in links(document) if not leads_somewhere(document, link)] == []


def leads_somewhere(document: Path, link: str) -> bool:
    """True where a link's file and heading exist; what is elsewhere is only looked at."""
    if "://" in link:
        return link.startswith("https://")
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not anchor or anchor in anchors(target))


def test_what_the_app_says_leads_to_a_heading_that_is_there() -> None:
    """Alert rules, pages, messages and scripts name documents, with an anchor or with the heading's own words."""
    named = [
        (path.name, *found)
        for folder in SPEAKING
        for path in sorted((REPOSITORY / folder).rglob("*"))
        if path.suffix in {".py", ".bicep", ".j2", ".kql", ".sh", ".ps1", ".csv"}
        for found in _NAMED_HEADING.findall(path.read_text(encoding="utf-8"))
    ]
    assert len([anchor for _, _, anchor, _ in named if anchor]) >= 5
    assert [each for each in named if not _is_there(*each[1:])] == []


def _is_there(document: str, anchor: str, title: str) -> bool:
    path = REPOSITORY / "docs" / document
    wanted = {anchor or title.lower().replace(" ", "-")} - {""}
    return path.exists() and wanted <= anchors(path)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_make_target_and_module_in_a_sentence_exists(document: Path) -> None:
    """`make demo`, `python -m simulator`."""
    code = " ".join(inline_code(document))
    targets = re.findall(r"\bmake ([a-z]+)\b", code)
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert [target for target in targets if f"\n{target}:" not in makefile] == []
    modules = re.findall(r"\bpython -m ([\w.]+)", code)
    assert [module for module in modules if find_spec(module) is None] == []


def test_on_windows_the_commands_are_those_of_make() -> None:
    """In their order, without what only tests need; POSIX has `bin` where Windows has `Scripts`."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    [shown] = [each.body for each in blocks(REPOSITORY / "README.md", "powershell") if "-m demo" in each.body]
    commands = [
        line.replace("\\", "/").replace(".venv/Scripts/", ".venv/bin/").split(" -m ")[1]
        for line in shown.splitlines()
    ]
    assert commands == [
        *_modules_run_by_make("$(INSTALLED)", makefile),
        *_modules_run_by_make("demo", makefile),
    ]


def _modules_run_by_make(target: str, makefile: str) -> list[str]:
    """What comes behind `-m` in a target's recipe, without the options that only make it quieter or quicker."""
    [recipe] = re.findall(rf"^{re.escape(target)}:(?:.*\\\n)*.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    recipe = re.sub(r"\$\(if .*\)| --(quiet|disable-pip-version-check|no-compile)\b| &.*", "", recipe)
    run = re.findall(r" -m (.+?) *$", recipe.replace("$(VENV)", ".venv"), re.MULTILINE)
    return [each for each in run if not each.startswith("tests.")]


def test_every_picture_is_shown_and_needs_nothing_from_elsewhere() -> None:
    """A picture that no document shows is forgotten when it gets old."""
    pictures = {path.name for path in (REPOSITORY / "docs" / "pictures").iterdir()}
    shown = {Path(link).name for document in DOCUMENTS for link in links(document) if "pictures/" in link}
    assert pictures == shown
    drawings = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "docs" / "pictures").glob("*.svg")]
    assert [drawing for drawing in drawings if "url(http" in drawing or "@font-face" in drawing] == []


# ---- fenced blocks; tests/scenarios/test_documented_commands.py runs the commands -------------------------------


@pytest.mark.parametrize("block", every_block(), ids=str)
def test_every_block_says_what_it_is(block: Block) -> None:
    """So that no command escapes being run for want of a language."""
    assert block.language in LANGUAGES


@pytest.mark.parametrize("block", every_block("json"), ids=str)
def test_every_json_example_is_json(block: Block) -> None:
    """As a whole, or line by line."""
    try:
        json.loads(block.body)
    except json.JSONDecodeError:
        assert all(json.loads(line) for line in block.body.splitlines())


@pytest.mark.parametrize("block", every_block("python"), ids=str)
def test_every_python_example_is_python(block: Block) -> None:
    """Examples may be the inside of an asynchronous function."""
    lines = "".join(f"    {line}\n" for line in block.body.splitlines())
    compile(f"async def example():\n{lines}", str(block), "exec")


def test_the_dev_container_sets_up_what_make_needs() -> None:
    """Its command is a make target, its ports are those of `make run`."""
    container = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    make, target = container["postCreateCommand"].split()
    assert (make, f"\n{target}:" in makefile) == ("make", True)
    ports = {STANDARD_PORTS.host, STANDARD_PORTS.arm, STANDARD_PORTS.admin, STANDARD_PORTS.tables}
    assert set(container["forwardPorts"]) == ports == {int(port) for port in container["portsAttributes"]}
    assert (REPOSITORY / ".devcontainer" / container["build"]["dockerfile"]).is_file()
