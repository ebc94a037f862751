"""What the portal, azd and an editor show of a parameter: what it is for, its default and an example, both true."""

import re
from typing import Any

import pytest

from backup_retry.settings.loading import settings_of
from tests.bicep_files import ENTRIES, template
from tools import settings_table

PARAMETERS = [
    pytest.param(found, id=f"{entry}-{name}")
    for entry in ENTRIES
    for name, found in template(entry)["parameters"].items()
]
SETTINGS: dict[str, Any] = template("main")["definitions"]["retrySettings"]["properties"]
#: what stands for an empty default
_NOTHING: tuple[Any, ...] = ("", [], {}, None)


def said(found: dict[str, Any], what: str) -> str:
    """What a description says after `Default:` or `Example:`; "" where it says nothing."""
    match = re.search(rf"\b{what}: (.+?)(?=\. (?:Default|Example): |$)", found["metadata"]["description"])
    return match[1] if match else ""


def shown(value: Any) -> str:
    """A default as a description writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("found", PARAMETERS)
def test_a_parameter_says_default_and_example(found: dict[str, Any]) -> None:
    """Of what is required, the example; a default that Resource Manager works out is told in words."""
    default, example = said(found, "Default"), said(found, "Example")
    required = "defaultValue" not in found and not found.get("nullable")
    assert found["metadata"]["description"].startswith("Required. " if required else "Optional. ")
    assert example
    assert bool(default) is not required
    value = found.get("defaultValue")
    worked_out = isinstance(value, str) and value.startswith("[")
    if value not in _NOTHING and not worked_out:
        assert default == shown(value)
    assert example != default


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_says_the_default_of_the_code_and_an_example_that_it_takes(name: str) -> None:
    """The README has the same default."""
    (row,) = [row for row in settings_table.table().splitlines() if row.startswith(f"| `{name}` |")]
    assert said(SETTINGS[name], "Default") == row.split("|")[2].strip(" `")
    environment = {"LEDGER_ENDPOINT": "https://ledger.test", "EVENTGRID_TOPIC_ENDPOINT": "https://topic.test"}
    changed = settings_of({**environment, name: said(SETTINGS[name], "Example")})
    assert getattr(changed, name.lower()) != getattr(settings_of(environment), name.lower())
