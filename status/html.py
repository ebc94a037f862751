"""The pages as HTML: Jinja2 with autoescape, one inline style sheet that its hash allows, and no script at all."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from backup_retry import __version__
from backup_retry.domain import labels
from backup_retry.domain.texts import visible
from status.calendar import LABELS
from status.page import Page
from status.timeline import Timeline

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


_DOCUMENTATION = re.compile(r"(https://learn\.microsoft\.com/[a-z0-9/-]+)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    body: str
    mimetype: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def page_answer(page: Page) -> Answer:
    """The status page; a header reloads it, and the URL says how to stop that."""
    refresh = {"Refresh": str(page.reload_seconds)} if page.reload_seconds else {}
    body = _render("page.html.j2", page=page, labels=LABELS, zone=page.app.zone)
    return Answer(body=body, headers=_headers() | refresh)


def incident_answer(timeline: Timeline, now: datetime, zone: tzinfo = UTC) -> Answer:
    """An incident's page; times are shown in that zone."""
    body = _render("incident.html.j2", timeline=timeline, now=now, zone=zone)
    return Answer(body=body, headers=_headers())


def message_answer(status: int, title: str, text: str) -> Answer:
    """A page that says why there is nothing to see."""
    body = _render("message.html.j2", title=title, text=text)
    return Answer(status=status, body=body, headers=_headers())


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(style=_style(), version=__version__, **values)


def _headers() -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        # The address may hold the function key.
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@cache
def _environment() -> "Environment":
    # Here, since no event but a look at the page needs it.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("status", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "age": _age,
        "moment": _moment,
        "local": _local,
        "stamp": _stamp,
        "day": _day,
        "weekday": _weekday,
        "span": labels.duration,
        "coded": _coded,
        "linked": _linked,
    }
    return environment


@cache
def _style() -> str:
    return files("status").joinpath("templates", "style.css").read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """A text without what nobody sees; what a filter has made is markup, and has been through here."""
    return visible(value) if type(value) is str else value


def _coded(text: str) -> "Markup":
    """What stands between backticks as code."""
    from markupsafe import Markup  # noqa: PLC0415 (comes with Jinja2, as late as that)

    parts = enumerate(visible(text).split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in parts
    )


def _linked(text: str) -> "Markup":
    """Addresses of Microsoft's documentation as links, and no others: the rest of the text may be anybody's."""
    from markupsafe import Markup, escape  # noqa: PLC0415

    link = Markup('<a href="{0}" rel="noreferrer">{0}</a>')
    parts = enumerate(_DOCUMENTATION.split(visible(text)))
    return Markup("").join(link.format(part) if number % 2 else escape(part) for number, part in parts)


def _age(at: datetime, now: datetime) -> str:
    return labels.duration((now - at).total_seconds())


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC"


def _local(at: datetime, zone: tzinfo) -> str:
    """A time as people there read it, to the minute."""
    return f"{at.astimezone(zone):%d %b %Y, %H:%M %Z}"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _weekday(day: date) -> str:
    return f"{day:%a}"
