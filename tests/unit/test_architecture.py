"""The arrows between the parts, held by reading the sources."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {
    "backup_retry",
    "reactor",
    "reconciler",
    "status",
    "cli",
    "simulator",
    "demo",
    "bench",
    "function_app",
}
PURE = [
    "arm_ids",
    "workloads",
    "rules",
    "case",
    "settle",
    "policy",
    "protection",
    "bounds",
    "refusals",
    "model",
    "incident",
    "error_catalog",
    "schedule",
    "hours",
    "scope",
    "storm",
    "notices",
    "errors",
    "dimensions",
]
PARSERS = [
    "signals",
    "common_schema",
    "conditions",
    "alerts",
    "backup_alerts",
    "log_alerts",
    "metric_alerts",
    "backup_actions",
    "events",
]
LONGEST_BODY = 15


def sources(*packages: str) -> list[Path]:
    """Every module of the packages."""
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """The dotted names that a module imports anywhere in it, types and functions left out."""
    return set(_imports(ast.parse(path.read_text(encoding="utf-8")), path))


def _imports(tree: ast.AST, path: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield from (_target(node.module or "", alias.name) for alias in node.names)


def _target(module: str, name: str) -> str:
    """`from package import module` imports the module; `from module import name` the module as well."""
    as_module = ROOT.joinpath(*module.split("."), f"{name}.py")
    return f"{module}.{name}" if as_module.is_file() else module


def packages(path: Path) -> set[str]:
    """The top-level packages that a module imports."""
    return {name.split(".")[0] for name in imports(path)}


def name(path: Path) -> str:
    """A module as a test's id."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources("backup_retry"), ids=name)
def test_the_core_does_not_know_who_told_it(path: Path) -> None:
    """`backup_retry` imports none of the ways in."""
    assert packages(path) & OURS <= {"backup_retry"}


@pytest.mark.parametrize("package", ["reactor", "reconciler", "status"])
def test_the_ways_in_know_the_core_and_never_each_other(package: str) -> None:
    """Each of them can be taken away without the others noticing."""
    found = sources(package)
    assert found
    assert {path: packages(path) & OURS - {package, "backup_retry"} for path in found} == {
        path: set() for path in found
    }


@pytest.mark.parametrize("path", sources("simulator"), ids=name)
def test_the_simulator_imports_nothing_of_ours(path: Path) -> None:
    """Else it could only show what we believe of Azure."""
    assert packages(path) & OURS <= {"simulator"}


def test_azures_packages_stay_in_the_adapters_and_at_the_entry() -> None:
    """Everywhere else Azure is a port."""
    allowed = {
        *sources("backup_retry/azure"),
        ROOT / "backup_retry" / "wiring.py",
        *(ROOT / package / "functions.py" for package in ("reactor", "reconciler", "status")),
    }
    found = sources("backup_retry", "reactor", "reconciler", "status")

    offenders = [
        name(path) for path in found if path not in allowed and packages(path) & {"azure", "msrest", "msal"}
    ]
    assert offenders == []


def test_only_wiring_and_the_adapters_know_the_adapters() -> None:
    """The engine is given its ports."""
    adapters = set(sources("backup_retry/azure"))
    offenders = [
        name(path)
        for path in sources("backup_retry", "reactor", "reconciler", "status")
        if path not in adapters
        and path.name != "wiring.py"
        and any(each.startswith("backup_retry.azure") for each in imports(path))
    ]
    assert offenders == []


@pytest.mark.parametrize("module", PURE)
def test_the_pure_modules_import_the_standard_library_and_each_other(module: str) -> None:
    """Values in, values out: they could not do I/O through anything of ours."""
    allowed = {f"backup_retry.{each}" for each in PURE}
    outside = {
        each
        for each in imports(ROOT / "backup_retry" / f"{module}.py")
        if each not in allowed and each.split(".")[0] not in sys.stdlib_module_names
    }
    assert outside == set()


@pytest.mark.parametrize(
    "module",
    [*(f"backup_retry/{each}.py" for each in PURE), *(f"reactor/{each}.py" for each in PARSERS)],
)
def test_the_pure_modules_do_no_io(module: str) -> None:
    """No clock, no environment, no logging, no network; the catalogue alone reads its own file."""
    forbidden = {"os", "logging", "time", "socket", "asyncio", "subprocess", "urllib", "http", "random"}
    assert packages(ROOT / module) & forbidden == set()


def test_parsing_signals_takes_pydantic_and_the_domains_words() -> None:
    """No vault, no adapter, no log."""
    words = {f"backup_retry.{each}" for each in ("arm_ids", "batch", "dimensions", "errors", "model")}
    allowed = words | {"pydantic", "backup_retry.ports.item_lookup"} | {f"reactor.{each}" for each in PARSERS}
    outside = {
        each
        for parser in PARSERS
        for each in imports(ROOT / "reactor" / f"{parser}.py")
        if each not in allowed and each.split(".")[0] not in sys.stdlib_module_names
    }
    assert outside == set()


def test_the_command_line_is_nobodys_part() -> None:
    """It may call the app's packages and nothing else of ours; only its wiring knows the adapters."""
    found = sources("cli")
    allowed = {"cli", "backup_retry", "reactor", "reconciler", "status"}
    assert {each for path in found for each in packages(path) & OURS} <= allowed
    knows = [path for path in found if "azure" in packages(path) or _knows_adapters(path)]
    assert knows == [ROOT / "cli" / "wiring.py"]


def _knows_adapters(path: Path) -> bool:
    return any(each.startswith("backup_retry.azure") for each in imports(path))


def entry_points() -> list[tuple[str, ast.AsyncFunctionDef | ast.FunctionDef]]:
    """Every function of the modules that Azure Functions calls."""
    modules = [*ROOT.glob("*/functions.py"), ROOT / "function_app.py"]
    assert len(modules) > 1
    return [
        (f"{name(path)}:{node.name}", node)
        for path in modules
        if path.parent.name != "simulator"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    ]


def test_entry_points_are_thin() -> None:
    """Parse, call, map to a response: the docstring aside, fifteen lines at most."""
    too_long = {}
    for label, node in entry_points():
        first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
        lines = (node.end_lineno or 0) - first.lineno + 1
        if lines > LONGEST_BODY:
            too_long[label] = lines
    assert too_long == {}
