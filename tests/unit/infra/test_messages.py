"""What the Logic Apps make of an alert, whatever its texts are: a card for Teams, blocks for Slack."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from tests.alerts_about_the_app import alert_rule, raised
from tests.integration_recipes import PARAMETERS, definition
from tests.logic_app import posted

AT = datetime(2026, 3, 13, 2, 30, tzinfo=UTC)
#: a row of the queries that mails are made of
ROW: dict[str, Any] = {
    "item": "vm-03",
    "vault": "vault-1",
    "error": "UserErrorVmProvisioningStateFailed",
    "items": 1,
    "remedy": "Repair the machine.",
    "link": "https://app.example/api/incidents/1",
}
#: what somebody could call a machine, or Azure could answer, to break out of a message or to disguise something
ODD = (
    "quoted \"twice\" and 'once'",
    "two\nlines\r\n\tand a tab",
    "**bold** [click](https://evil.example) `code` # head",
    "<!channel> <https://evil.example|click> &amp; <b>html</b>",
    "@{triggerBody()} @parameters('webhookUrl') {{DATE(2026-01-01T00:00:00Z)}}",
    '"}], "text": "broken out',
    "Zürich 東京 🦒 \u202eright to left",
    "\\u0022 \\n %0A ${x}",
)
#: more than any field of a message may have
LONG = "東" * 20_000


def message(chat: str, rule: str = "needs-a-person", *, older: bool = False, **row: Any) -> Any:
    """What is posted of an alert; `older`: its rule's properties are where older payloads have them."""
    alert = raised(rule, ROW | row, AT, custom_in_context=older)
    request = posted(definition(chat), alert, PARAMETERS)
    assert (request["method"], request["uri"]) == ("POST", PARAMETERS["webhookUrl"])
    return request["body"]


def card(**options: Any) -> Any:
    """The card in a message to Teams.

    https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
    """
    body = message("teams", **options)
    [attachment] = body["attachments"]
    assert (body["type"], attachment["contentType"], attachment["contentUrl"]) == (
        "message",
        "application/vnd.microsoft.card.adaptive",
        None,
    )
    jsonschema.validate(attachment["content"], ADAPTIVE_CARD)
    return attachment["content"]


def blocks(**options: Any) -> Any:
    """The blocks of a message to Slack."""
    body = message("slack", **options)
    jsonschema.validate(body, SLACK)
    return body["blocks"]


def facts(card: Any) -> dict[str, str]:
    """The lines of a card, by their names."""
    lines = [[run["text"] for run in line["inlines"]] for line in card["body"][1]["items"]]
    return {name.removesuffix(": "): value for name, value in lines}


def test_a_card_says_what_a_mail_says() -> None:
    """What it is about, what to do, and the incident's page."""
    shown = card()
    assert shown["body"][0]["text"] == alert_rule("needs-a-person")["properties"]["displayName"]
    assert facts(shown) == {name: str(value) for name, value in ROW.items() if name != "link"}
    assert shown["actions"][0]["url"] == ROW["link"]
    assert "Sev2, 2026-03-13T02:30:00" in shown["body"][2]["text"]


def test_a_slack_message_says_the_same() -> None:
    """In lines of plain text."""
    header, text, context, actions = blocks()
    assert header["text"]["text"] == alert_rule("needs-a-person")["properties"]["displayName"]
    assert text["text"]["text"].splitlines()[:2] == ["item: vm-03", "vault: vault-1"]
    assert "Sev2" in context["elements"][0]["text"]
    assert actions["elements"][0]["url"] == ROW["link"]


@pytest.mark.parametrize("odd", ODD)
def test_a_text_stays_a_text(odd: str) -> None:
    """It is shown as it is, neither run nor formatted: a RichTextBlock and plain_text know no Markdown."""
    shown = card(item=odd, remedy=odd)
    assert facts(shown)["item"] == facts(shown)["remedy"] == odd
    kinds = {line["type"] for line in shown["body"][1]["items"]}
    assert kinds == {"RichTextBlock"}
    text = blocks(item=odd, remedy=odd)[1]["text"]
    assert (text["type"], text["text"].startswith(f"item: {odd}\n")) == ("plain_text", True)


@pytest.mark.parametrize("rule", ["needs-a-person", "exhausted"])
def test_a_big_night_fits_into_a_message(rule: str) -> None:
    """A digest of 300 items, and texts without end: Teams takes 28 KB, Slack 3,000 characters in a section."""
    shown = message("teams", rule, item=LONG, vault=LONG, error=LONG, remedy=LONG, items=300)
    assert len(json.dumps(shown, ensure_ascii=False).encode()) < 28_000
    assert facts(card(rule=rule, item=LONG, items=300))["items"] == "300"
    assert blocks(rule=rule, item=LONG, vault=LONG, error=LONG, remedy=LONG, items=300)


@pytest.mark.parametrize("rule", ["storm", "sweep-overdue", "follow-up-silent", "function-failing"])
def test_an_alert_about_no_incident_leads_to_the_status_page(rule: str) -> None:
    """With as many lines as its rule has dimensions, or none."""
    shown = card(rule=rule, what="sweep")
    assert shown["actions"][0]["url"] == PARAMETERS["statusUrl"]
    dimensions = alert_rule(rule)["properties"]["criteria"]["allOf"][0]["dimensions"]
    assert list(facts(shown)) == [each["name"] for each in dimensions]
    assert blocks(rule=rule, what="sweep")[3]["elements"][0]["url"] == PARAMETERS["statusUrl"]


def test_an_empty_dimension_is_no_line() -> None:
    """As the link of many messages, or the error of a sweep that died."""
    shown = card(link="", error="", vault="")
    assert list(facts(shown)) == ["item", "items", "remedy"]
    assert shown["actions"][0]["url"] == PARAMETERS["statusUrl"]


def test_older_payloads_have_the_rules_properties_elsewhere() -> None:
    """And an alert without any shows the rule's name."""
    assert card(older=True) == card()
    bare = raised("storm", ROW, AT)
    bare["data"]["customProperties"] = None
    body = posted(definition("slack"), bare, PARAMETERS)["body"]
    assert body["text"].startswith("backup-retry-storm-")


@pytest.mark.parametrize("chat", ["teams", "slack"])
def test_an_alert_that_resolves_posts_nothing(chat: str) -> None:
    """Azure Monitor resolves one when its line is old: that is no recovery."""
    alert = raised("exhausted", ROW, AT)
    alert["data"]["essentials"]["monitorCondition"] = "Resolved"
    assert posted(definition(chat), alert, PARAMETERS) is None


def _element(kind: str, required: list[str], **properties: Any) -> dict[str, Any]:
    """An object of that type with these properties and no others."""
    return {
        "type": "object",
        "required": ["type", *required],
        "properties": {"type": {"const": kind}, **properties},
        "additionalProperties": False,
    }


def _text(limit: int) -> dict[str, Any]:
    """Slack's text object: https://docs.slack.dev/reference/block-kit/composition-objects/text-object."""
    text = {"type": "string", "minLength": 1, "maxLength": limit}
    return _element("plain_text", ["text"], text=text, emoji={"const": False})


_STRING: dict[str, Any] = {"type": "string"}
_WEIGHT = {"enum": ["Default", "Lighter", "Bolder"]}
_SIZE = {"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]}
_HTTPS = {"type": "string", "pattern": "^https://"}
_TEXT_BLOCK = _element(
    "TextBlock",
    ["text"],
    text=_STRING,
    size=_SIZE,
    weight=_WEIGHT,
    wrap={"type": "boolean"},
    isSubtle={"type": "boolean"},
)
_TEXT_RUN = _element("TextRun", ["text"], text={"type": "string", "minLength": 1}, weight=_WEIGHT)
_RICH_TEXT_BLOCK = _element(
    "RichTextBlock",
    ["inlines"],
    inlines={"type": "array", "items": _TEXT_RUN},
    spacing={"enum": ["Default", "None", "Small", "Medium", "Large", "ExtraLarge", "Padding"]},
)
#: as much of version 1.4 as the card uses: https://learn.microsoft.com/adaptive-cards/schema-explorer/adaptive-card
ADAPTIVE_CARD = {
    **_element(
        "AdaptiveCard",
        ["version", "body", "actions"],
        version={"const": "1.4"},
        fallbackText=_STRING,
        msteams={"const": {"width": "Full"}},
        body={
            "type": "array",
            "items": {
                "oneOf": [
                    _TEXT_BLOCK,
                    _element("Container", ["items"], items={"type": "array", "items": _RICH_TEXT_BLOCK}),
                ]
            },
        },
        actions={
            "type": "array",
            "items": _element("Action.OpenUrl", ["url"], url=_HTTPS, title=_STRING),
        },
    )
}
ADAPTIVE_CARD["properties"]["$schema"] = {"const": "http://adaptivecards.io/schemas/adaptive-card.json"}
#: as much of Slack's format as the message uses, with its limits: https://docs.slack.dev/reference/block-kit/blocks
SLACK = {
    "type": "object",
    "required": ["text", "blocks"],
    "properties": {
        "text": {"type": "string", "minLength": 1},
        "blocks": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "oneOf": [
                    _element("header", ["text"], text=_text(150)),
                    _element("section", ["text"], text=_text(3000)),
                    _element("context", ["elements"], elements={"type": "array", "items": _text(2000)}),
                    _element(
                        "actions",
                        ["elements"],
                        elements={
                            "type": "array",
                            "items": _element("button", ["text"], text=_text(75), url=_HTTPS),
                        },
                    ),
                ]
            },
        },
    },
    "additionalProperties": False,
}
