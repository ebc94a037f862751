"""The arrows between the rooms, held by reading the sources."""

import ast
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: From the ground up. A room imports itself and the floors below it, never a neighbour on its own floor.
#: A package named here without its rooms stands for its own modules, such as backup_retry/wiring.py.
PRODUCT: tuple[tuple[str, ...], ...] = (
    ("backup_retry.domain",),
    ("backup_retry.policy",),
    ("backup_retry.ports",),
    ("backup_retry.settings",),
    ("backup_retry.engine", "backup_retry.azure"),
    ("backup_retry",),
    ("reactor", "reconciler", "status"),
    ("cli", "function_app"),
)
SIMULATOR: tuple[tuple[str, ...], ...] = (
    ("simulator.machine",),
    ("simulator.estate", "simulator.functions_host"),
    ("simulator.arm", "simulator.azurite"),
    ("simulator.recovery_services", "simulator.data_protection"),
    ("simulator.resource_graph", "simulator.event_grid", "simulator.monitor"),
    ("simulator",),
    ("simulator.stack",),
)
#: What runs the others from outside; the product and the simulator know nothing of it.
OUTSIDE = ("demo", "bench", "tools", "infra", "tests")
FLOORS = {
    room: floor for house in (PRODUCT, SIMULATOR) for floor, rooms in enumerate(house) for room in rooms
}
#: Where Microsoft's SDKs may appear: the adapters, what builds them, and the entry points (azure.functions).
AZURE = (
    "backup_retry.azure",
    "backup_retry.wiring",
    "cli.wiring",
    "reactor.functions",
    "reconciler.functions",
    "status.functions",
    "function_app",
)
#: Who may import the adapters.
WIRING = ("backup_retry.azure", "backup_retry.wiring", "cli.wiring")
#: Values in, values out. The names of Windows' time zones come from a table that tzlocal keeps.
PURE = ("backup_retry.domain", "backup_retry.policy")
LIBRARIES_OF_THE_PURE = {"backup_retry.domain.time_zones": {"tzlocal"}}
IMPURE = {"os", "logging", "time", "socket", "asyncio", "subprocess", "urllib", "http", "random"}
PARSERS = (
    "reactor.signals",
    "reactor.common_schema",
    "reactor.alert_conditions",
    "reactor.own_alerts",
    "reactor.alerts",
    "reactor.backup_alerts",
    "reactor.log_alerts",
    "reactor.metric_alerts",
    "reactor.backup_actions",
    "reactor.events",
)
LONGEST_BODY = 15
INIT_LINES = 3
LONGEST_MODULE = 350


def _modules() -> Iterator[Path]:
    tops = {room.split(".")[0] for room in FLOORS} - {"function_app"}
    yield from sorted(path for top in tops for path in (ROOT / top).rglob("*.py"))
    yield ROOT / "function_app.py"


def _name(path: Path) -> str:
    """The dotted name of a module; a package's own is that of its folder."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES: Mapping[str, Path] = {_name(path): path for path in _modules()}


def imports(module: str) -> set[str]:
    """The modules that one imports, anywhere in it; what only annotations need counts as well."""
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    return set(_imported(tree, module))


def _imported(tree: ast.AST, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute here"
            # `from package import module` imports the module, `from module import name` the module as well
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (each if each in SOURCES else str(node.module) for each in names)


IMPORTS: Mapping[str, set[str]] = {module: imports(module) for module in SOURCES}


def room(module: str) -> str:
    """The room that a module stands in: the nearest that the floors name."""
    while module and module not in FLOORS:
        module = module.rpartition(".")[0]
    return module


def inside(module: str, rooms: tuple[str, ...]) -> bool:
    """True for one of the modules and for what is in one of the rooms."""
    return any(module == each or module.startswith(f"{each}.") for each in rooms)


def house(module: str) -> str:
    """The product or the simulator; "" for a package of somebody else's."""
    top = module.split(".", maxsplit=1)[0]
    return "simulator" if top == "simulator" else "product" if top in FLOORS else ""


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_imports_its_own_room_and_those_below(module: str) -> None:
    """So what is on a floor can be read, changed and tested without what is above it."""
    own = room(module)
    wrong = {
        each
        for each in IMPORTS[module]
        if house(each) == house(module) and room(each) != own and FLOORS[room(each)] >= FLOORS[own]
    }
    assert wrong == set()


def test_every_folder_of_the_two_houses_has_its_floor() -> None:
    """A new room is put into the table; a room that is gone leaves it."""
    folders = {_name(path) for path in SOURCES.values() if path.name == "__init__.py"}
    assert folders | {"function_app"} == set(FLOORS)


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Not even where only a type is meant."""
    graph = {module: {each for each in found if each in SOURCES} for module, found in IMPORTS.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", [each for each in SOURCES if house(each) == "simulator"])
def test_the_simulator_imports_nothing_of_ours(module: str) -> None:
    """Otherwise it would only confirm our assumptions."""
    assert {each for each in IMPORTS[module] if house(each) == "product"} == set()


def test_the_product_imports_none_of_its_surroundings() -> None:
    """Neither the simulator nor what tests, measures and shows it is deployed."""
    offenders = {
        module: found
        for module in SOURCES
        if house(module) == "product"
        and (found := {each for each in IMPORTS[module] if inside(each, ("simulator", *OUTSIDE))})
    }
    assert offenders == {}


def test_azures_packages_stay_in_the_adapters_and_at_the_entry() -> None:
    """Everywhere else Azure is a port."""
    sdks = ("azure", "msrest", "msal")
    offenders = [
        module
        for module in SOURCES
        if house(module) == "product"
        and not inside(module, AZURE)
        and any(inside(each, sdks) for each in IMPORTS[module])
    ]
    assert offenders == []


def test_only_wiring_knows_the_adapters() -> None:
    """The engine and the ways in are given their ports."""
    offenders = [
        module
        for module in SOURCES
        if not inside(module, WIRING)
        and any(inside(each, ("backup_retry.azure",)) for each in IMPORTS[module])
    ]
    assert offenders == []


@pytest.mark.parametrize("module", [each for each in SOURCES if inside(each, PURE)])
def test_the_pure_rooms_import_the_standard_library_and_each_other(module: str) -> None:
    """Values in, values out: they could not do I/O through anything of ours."""
    allowed = LIBRARIES_OF_THE_PURE.get(module, set())
    outside = {
        each
        for each in IMPORTS[module]
        if not inside(each, PURE) and each.split(".")[0] not in sys.stdlib_module_names | allowed
    }
    assert outside == set()


@pytest.mark.parametrize("module", [*(each for each in SOURCES if inside(each, PURE)), *PARSERS])
def test_the_pure_modules_do_no_io(module: str) -> None:
    """No clock, no environment, no logging, no network; the catalogue alone reads its own file."""
    assert {each.split(".")[0] for each in IMPORTS[module]} & IMPURE == set()


@pytest.mark.parametrize("module", PARSERS)
def test_parsing_signals_takes_pydantic_and_the_domains_words(module: str) -> None:
    """No vault, no adapter, no log."""
    allowed = ("backup_retry.domain", "pydantic", *PARSERS)
    outside = {
        each
        for each in IMPORTS[module]
        if not inside(each, allowed) and each.split(".")[0] not in sys.stdlib_module_names
    }
    assert outside - {"reactor"} == set()


@pytest.mark.parametrize(
    "package", [each for each, path in SOURCES.items() if path.name == "__init__.py" and each.count(".") < 2]
)
def test_every_room_says_what_it_holds(package: str) -> None:
    """Three lines: what is in here, what it may import, where to start reading."""
    document = ast.get_docstring(ast.parse(SOURCES[package].read_text(encoding="utf-8"))) or ""
    lines = [line for line in document.split("\n") if line]
    assert len(lines) == INIT_LINES
    assert "mports" in lines[1]
    assert lines[2].startswith("Start with")


def test_no_module_is_too_long_to_read() -> None:
    """One topic each, tests too: what grows past it is split by behaviour."""
    tops = {room.split(".", 1)[0] for room in FLOORS} - {"function_app"} | set(OUTSIDE)
    files = (path for top in tops for path in (ROOT / top).rglob("*.py"))
    lengths = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def entry_points() -> list[tuple[str, ast.AsyncFunctionDef | ast.FunctionDef]]:
    """Every function of the modules that Azure Functions calls."""
    modules = [each for each in SOURCES if each.endswith(".functions") and house(each) == "product"]
    assert len(modules) > 1
    return [
        (f"{module}:{node.name}", node)
        for module in [*modules, "function_app"]
        for node in ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8")))
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
