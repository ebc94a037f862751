"""What the page is narrowed down to; it is in the URL, so that a view can be kept and sent."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from backup_retry.domain.arm_ids import ProtectedItem, Vault, resource_group_of
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.tags import resources_above
from backup_retry.domain.time_zones import time_zone
from backup_retry.policy.compliance import WINDOWS
from backup_retry.ports.reports import Closed
from status.dashboard import Dashboard, Row, Trouble, label

_LONGEST = 200
_LAST_PAGE = 100_000
_LONGEST_NUMBER = 9


class Shown(StrEnum):
    """Which list the page ends with."""

    ITEMS = ""
    INCIDENTS = "incidents"
    COMPLIANCE = "compliance"


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The view that a URL asks for; everything empty: everything."""

    subscription: str = ""
    #: a vault's name or its ARM id
    vault: str = ""
    workload: str = ""
    #: how an item is now, see Trouble; "no_access": a vault that cannot be read
    state: str = ""
    #: an error code
    cause: str = ""
    #: a tag of what is protected, such as env=prod
    tag: str = ""
    #: a number of days: items that on one of them had no good recovery point that their policy promised
    compliance: str = ""
    #: a part of an item's, its vault's or its resource group's name
    text: str = ""
    #: "incidents": those of the last 14 days instead of the items; "compliance": that of all that has items
    show: str = ""
    #: how an incident ended, see Outcome; "dry_run": it would have been retried
    outcome: str = ""
    #: the column that the list is sorted by, after a minus sign the other way round; "": worst, or newest, first
    sort: str = ""
    #: "items": items even where there are many; "": vaults then
    view: str = ""
    page: int = 1
    #: "off": the page does not reload itself
    refresh: str = ""
    #: "filter": the form is open, and the page does not reload itself while somebody types
    edit: str = ""
    #: the time zone of the times shown; "": that of RETRY_TIME_ZONE
    tz: str = ""
    #: the function key that the page was opened with: its links need it as well
    code: str = ""

    @classmethod
    def of(cls, params: Mapping[str, str]) -> "Filters":
        """The view of a URL's parameters; what is not known or too long is cut or left out."""
        taken = {name: params.get(key, "").strip()[:_LONGEST] for name, key in _TEXTS.items()}
        taken |= {
            name: params[name] if params.get(name) in allowed else "" for name, allowed in _WORDS.items()
        }
        taken |= {"tz": _zone(params.get("tz", "").strip()), "code": params.get("code", "")}
        return cls(
            **taken, vault=params.get("vault", "").strip()[: 4 * _LONGEST], page=_page(params.get("page", ""))
        )

    @property
    def narrows(self) -> bool:
        """True when something is left out."""
        of_items = (self.workload, self.state, self.cause, self.tag, self.compliance, self.text)
        return any((self.subscription, self.vault, *of_items))

    @property
    def everything(self) -> "Filters":
        """The same page of everything."""
        return Filters(refresh=self.refresh, tz=self.tz, code=self.code)

    @property
    def reloads(self) -> bool:
        """True where the page comes back by itself."""
        return not (self.refresh or self.edit)

    def url(self, **changes: Any) -> str:  # noqa: ANN401 (the fields above)
        """The page's address, relative to itself; any change but that of the page goes back to the first one."""
        fields: dict[str, Any] = {"page": 1, "edit": "", **changes}
        changed = replace(self, **fields)
        given = {"q" if name == "text" else name: value for name, value in vars(changed).items()}
        return "status" + _question({name: value for name, value in given.items() if value and value != 1})

    def csv_url(self) -> str:
        """The address of the same list as a file."""
        address = self.url(page=1)
        return f"{address}{'&' if '?' in address else '?'}format=csv"

    def incident_url(self, incident_id: str) -> str:
        """An incident's address, relative to the page's."""
        kept = {name: value for name in ("tz", "code") if (value := getattr(self, name))}
        return f"incidents/{incident_id}" + _question(kept)

    def apply(self, of: Dashboard, tagged: frozenset[str] = frozenset()) -> Sequence[Row]:
        """The rows that are not left out, in their order; `tagged` are the resources that have the tag, lower-cased."""
        rows = [row for row in of.rows if self._takes(row, tagged)] if self.narrows else of.rows
        if not self.compliance:
            return rows
        window = int(self.compliance)
        return [row for row in rows if of.compliance.of_item(row.item)[window].falls_short]

    def takes_incident(self, closed: Closed) -> bool:
        """True for a closed incident that is not left out; what its item is like now does not count."""
        return (
            self._takes_item(closed.item, label(closed.item))
            and self.cause.casefold() in {"", closed.last_error.casefold()}
            and self.outcome in {"", outcome_of(closed)}
        )

    def takes_vault(self, vault: Vault) -> bool:
        """True where it is not left out."""
        return self.subscription.lower() in {"", vault.subscription.lower()} and self.vault.lower() in {
            "",
            vault.name.lower(),
            vault.key,
        }

    def _takes(self, row: Row, tagged: frozenset[str]) -> bool:
        return (
            self._takes_item(row.item, row.workload, f"{row.name} {row.machine_group}")
            and self.state in {"", state_of(row)}
            and self.cause.casefold() in {"", row.error.casefold()}
            and (not self.tag or not tagged.isdisjoint(resources_above(row.item, row.source_id)))
        )

    def _takes_item(self, item: ProtectedItem, workload: str, name: str = "") -> bool:
        return (
            self.takes_vault(item.vault)
            and self.workload.lower() in {"", workload.lower()}
            and (not self.text or self.text.casefold() in _names(item, name))
        )


#: the state of a vault that cannot be read, and the end of what a dry run has held back
NO_ACCESS, DRY_RUN = "no_access", Reason.DRY_RUN.value
#: fields and what they are called in the URL
_TEXTS = {"subscription": "subscription", "workload": "workload", "cause": "cause", "tag": "tag", "text": "q"}
#: the columns of compliance, with their numbers of days
BY_COMPLIANCE: Mapping[str, int] = {f"compliance_{days}": days for days in WINDOWS}
SORTED_BY = (
    *("item", "vault", "last_good", "error", "outcome", "failed", "closed", "attempts"),
    *BY_COMPLIANCE,
)
#: fields that take some words only
_WORDS: Mapping[str, frozenset[str]] = {
    "state": frozenset({*(each.value for each in Trouble), NO_ACCESS}),
    "outcome": frozenset({*(each.value for each in Outcome), DRY_RUN}),
    "compliance": frozenset(str(days) for days in WINDOWS),
    "show": frozenset({Shown.INCIDENTS.value, Shown.COMPLIANCE.value}),
    "sort": frozenset({*SORTED_BY, *(f"-{each}" for each in SORTED_BY)}),
    "view": frozenset({"items"}),
    "refresh": frozenset({"off"}),
    "edit": frozenset({"filter"}),
}


def state_of(row: Row) -> str:
    """How an item is now, as the filters call it."""
    return NO_ACCESS if row.item.is_vault and row.trouble is not Trouble.NONE else row.trouble.value


def outcome_of(closed: Closed) -> str:
    """How an incident ended, as the filters call it."""
    return DRY_RUN if closed.reason is Reason.DRY_RUN else closed.outcome.value


def _zone(name: str) -> str:
    """The name of a time zone; "" where it is unknown."""
    with suppress(ValueError):
        return time_zone(name[:_LONGEST]).key if name else ""
    return ""


def _page(text: str) -> int:
    """A page's number; what is no number is the first page."""
    digits = text if text.isascii() and text.isdigit() else "1"
    return min(max(1, int(digits[:_LONGEST_NUMBER])), _LAST_PAGE)


def _names(item: ProtectedItem, name: str) -> str:
    parts = (
        name or item.named(),
        item.friendly_name,
        item.vault.name,
        item.vault.resource_group,
        resource_group_of(item.machine_id),
    )
    return " ".join(parts).casefold()


def _question(parameters: Mapping[str, object]) -> str:
    return f"?{urlencode(parameters)}" if parameters else ""
