"""What the recipes of docs/integrations.md send, and what that document shows of it.

`python -m tests.integration_recipes` writes the messages into the document anew, after a change of a text or of a
workflow; tests/contract/queries/test_monitoring.py compares them with those of a night on the simulated Azure.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backup_retry.domain.error_catalog import look_up
from tests.alerts_about_the_app import raised
from tests.bicep_files import BICEP
from tests.documents import REPOSITORY
from tests.logic_app import posted

INTEGRATIONS = REPOSITORY / "docs" / "integrations.md"
#: the headings under which a message is shown
TOOLS = ("Teams", "Slack", "PagerDuty")
HOST = "func-backup-retry-aaaaaaaaaaaaa.azurewebsites.net"
#: as main.bicep hands them to a Logic App
PARAMETERS = {"webhookUrl": "https://hooks.example/secret", "statusUrl": f"https://{HOST}/api/status"}
_ERROR = "UserErrorVmProvisioningStateFailed"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_CUT = "…"


def definition(chat: str) -> Any:
    """A chat's workflow."""
    return json.loads((BICEP / "messages" / f"{chat}.json").read_text(encoding="utf-8"))


def sent(tool: str, alert: Any) -> Any:
    """What a tool gets of an alert: a chat what its Logic App posts, all others the alert itself."""
    if tool in {"Teams", "Slack"}:
        return posted(definition(tool.lower()), alert, PARAMETERS)["body"]
    return alert


def shown(tool: str) -> Any:
    """The message that the document shows under a tool's heading."""
    return json.loads(_block(tool).search(INTEGRATIONS.read_text(encoding="utf-8"))["body"])  # type: ignore[index]


def without_ids(message: Any) -> str:
    """A message as text, without what is another one each time, and without the query of an alert's rule."""
    text = json.dumps(_without_query(message), ensure_ascii=False, sort_keys=True)
    return _TIME.sub("<time>", _ID.sub("<id>", text))


def _without_query(message: Any) -> Any:
    match message:
        case dict():
            return {
                name: _CUT if name == "searchQuery" else _without_query(each)
                for name, each in message.items()
            }
        case list():
            return [_without_query(each) for each in message]
        case _:
            return message


def _block(tool: str) -> re.Pattern[str]:
    """The one block of JSON under a heading."""
    return re.compile(rf"(?P<head>\n## {tool}\n(?:(?!\n## ).)*?\n```json\n)(?P<body>.*?)(?=```\n)", re.DOTALL)


def _row() -> Mapping[str, Any]:
    """The row that the night's query has for the machine that needs somebody."""
    known = look_up(title=_ERROR, numeric=None, workload="VM")
    return {
        "item": "vm-03",
        "vault": "vault-1",
        "error": _ERROR,
        "items": 1,
        "remedy": f"{known.cause} {known.guidance}",
        "link": f"https://{HOST}/api/incidents/52f1f432-1b56-4ca3-999b-dc7d00091293",
    }


def _written(text: str) -> str:
    """The document with the messages as they are."""
    alert = raised("needs-a-person", _row(), datetime(2026, 11, 30, 4, 30, tzinfo=UTC))
    for tool in TOOLS:
        body = json.dumps(_without_query(sent(tool, alert)), indent=2, ensure_ascii=False)
        text, number = _block(tool).subn(lambda found, body=body: f"{found['head']}{body}\n", text)  # type: ignore[misc]
        assert number == 1, f"{INTEGRATIONS.name} has no message under {tool}"
    return text


if __name__ == "__main__":
    INTEGRATIONS.write_text(
        _written(INTEGRATIONS.read_text(encoding="utf-8")), encoding="utf-8", newline="\n"
    )
