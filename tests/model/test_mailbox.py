"""How the mails of a month are counted."""

import json
from datetime import UTC, datetime, timedelta

from tests.log_tables import LogLine
from tests.model.mailbox import mails

_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def storm(event: str, hours: float) -> LogLine:
    """What the app writes of a storm."""
    said = {"event": event, "vault": "vault-1", "error": "E", "items": 21, "detail": "Look at it."}
    return LogLine(at=_BEGAN + timedelta(hours=hours), message=json.dumps(said))


def test_a_row_is_one_mail_until_it_is_gone() -> None:
    """It is in two windows of half an hour; the same again hours later is another mail. A beginning is none."""
    lines = [
        storm("storm_began", 0),
        storm("storm_needs_person", 1),
        storm("storm_needs_person", 1.1),
        storm("storm_needs_person", 9),
    ]
    assert [(mail.rule, mail.vault, mail.error) for mail in mails(lines)] == [("storm", "vault-1", "E")] * 2
