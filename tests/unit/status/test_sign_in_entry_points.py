"""Which addresses ask for a function key, and which for a sign-in, as the host is told when it loads the app."""

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import azure.functions as func
import pytest

from status import functions as loaded
from tests.app_service import PAGE, WEBHOOK, named, person, reaches

PAGES = ("status", "status_json", "incident")
KEY, ANYBODY = func.AuthLevel.FUNCTION, func.AuthLevel.ANONYMOUS
READER = named(person(roles=["BackupRetry.Reader"]))


def load(monkeypatch: pytest.MonkeyPatch, platform: str, page: str) -> ModuleType:
    """The entry points, loaded anew in an app with these variables; the webhook is a secure one."""
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", platform)
    monkeypatch.setenv("SIGN_IN_CLIENT_ID", page)
    monkeypatch.setenv("SECURE_WEBHOOK_CLIENT_ID", WEBHOOK)
    spec = spec_from_file_location("entry_points_loaded_anew", loaded.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def function(module: ModuleType, name: str) -> Any:
    """What the library made of an entry point."""
    return getattr(module, name)._function


@pytest.mark.parametrize(
    ("platform", "page", "expected"),
    [
        ("True", PAGE, ANYBODY),
        # on for the webhook alone
        ("True", "", KEY),
        # off: whatever a header says, the host asks for a key
        ("False", PAGE, KEY),
        ("", PAGE, KEY),
        ("", "", KEY),
    ],
)
def test_a_key_is_asked_for_unless_people_sign_in(
    monkeypatch: pytest.MonkeyPatch, platform: str, page: str, expected: func.AuthLevel
) -> None:
    """An address that asks for neither is not there."""
    module = load(monkeypatch, platform, page)
    assert [function(module, each).get_trigger().auth_level for each in PAGES] == [expected] * 3


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("own", "status"), [({}, (302, 401)), (READER, (302, 401))], ids=["none", "forged"])
async def test_no_page_is_built_for_nobody(
    monkeypatch: pytest.MonkeyPatch, name: str, own: dict[str, str], status: tuple[int, ...]
) -> None:
    """Each address asks for itself, and before it asks anything of the ledger."""
    entry: Callable[..., Any] = function(load(monkeypatch, "True", PAGE), name).get_user_function()
    request = func.HttpRequest(
        method="GET",
        url="https://app.example/api/status",
        headers=reaches(own, on=True),
        route_params={"id": "x"},
        body=b"",
    )
    assert (await entry(request)).status_code in status
