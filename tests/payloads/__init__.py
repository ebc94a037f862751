"""Alerts and events as files, and how tests read them."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def payload(name: str) -> Any:
    """The parsed payload in a file of this folder; every call returns a fresh one."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def body(name: str) -> bytes:
    """The payload as it arrives on the wire."""
    return (FOLDER / f"{name}.json").read_bytes()
