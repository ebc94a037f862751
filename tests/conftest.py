"""What makes the suite quick: the order of its files, and a garbage collector that looks at tests' objects only."""

import gc
from collections.abc import Iterator

import pytest
from xdist.scheduler import LoadFileScheduling

#: Folders whose files take longest: they begin first, so that no process is left alone with one at the end.
_FIRST = (
    "tests/scenarios",
    "tests/pages",
    "tests/unit/infra",
    "tests/model",
    "tests/contract",
    "tests/cases",
)
#: Folders whose files share one stack.
_TOGETHER = ("tests/pages",)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Thousands of modules and tests are there to stay: collecting them is a third quicker, and so is what follows."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first."""
    items.sort(key=lambda item: _rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """A process takes file after file, in the order of their collection, and a folder whose files belong together."""
    return _Folders(config, log)


class _Folders(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        folder = next((folder for folder in _TOGETHER if nodeid.startswith(f"{folder}/")), None)
        return folder or str(super()._split_scope(nodeid))


def _rank(nodeid: str) -> int:
    return next((rank for rank, folder in enumerate(_FIRST) if nodeid.startswith(folder)), len(_FIRST))
