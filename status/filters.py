"""What the page is narrowed down to; it stands in the URL, so that a view can be kept and sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from backup_retry.domain.arm_ids import Vault, resource_group_of
from status.dashboard import Row

_LONGEST = 200
_LAST_PAGE = 100_000
_LONGEST_NUMBER = 9


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The view that a URL asks for; everything empty: everything."""

    subscription: str = ""
    #: a vault's name or its ARM id
    vault: str = ""
    workload: str = ""
    #: a part of an item's, its vault's or its resource group's name
    text: str = ""
    #: "items": items even where there are many; "": vaults then
    view: str = ""
    page: int = 1
    #: "off": the page does not reload itself
    refresh: str = ""
    #: the function key that the page was opened with: its links need it as well
    code: str = ""

    @classmethod
    def of(cls, params: Mapping[str, str]) -> "Filters":
        """The view of a URL's parameters; what is not known or too long is cut or left out."""
        taken = {name: params.get(key, "").strip()[:_LONGEST] for name, key in _TEXTS.items()}
        taken |= {"view": "items" if params.get("view") == "items" else ""}
        taken |= {"refresh": "off" if params.get("refresh") == "off" else "", "code": params.get("code", "")}
        return cls(
            **taken, vault=params.get("vault", "").strip()[: 4 * _LONGEST], page=_page(params.get("page", ""))
        )

    @property
    def narrows(self) -> bool:
        """True when something is left out."""
        return any((self.subscription, self.vault, self.workload, self.text))

    @property
    def everything(self) -> "Filters":
        """The same page of everything."""
        return Filters(refresh=self.refresh, code=self.code)

    def url(self, **changes: Any) -> str:  # noqa: ANN401 (the fields above)
        """The page's address, relative to itself; any change but that of the page goes back to the first one."""
        changed = replace(self, **({"page": 1} | changes))
        given = {"q" if name == "text" else name: value for name, value in vars(changed).items()}
        return "status" + _question({name: value for name, value in given.items() if value and value != 1})

    def incident_url(self, incident_id: str) -> str:
        """An incident's address, relative to the page's."""
        return f"incidents/{incident_id}" + _question({"code": self.code} if self.code else {})

    def apply(self, rows: Iterable[Row]) -> Sequence[Row]:
        """The rows that are not left out, in their order."""
        return [row for row in rows if self._takes(row)] if self.narrows else tuple(rows)

    def takes_vault(self, vault: Vault) -> bool:
        """True where it is not left out."""
        return self.subscription.lower() in {"", vault.subscription.lower()} and self.vault.lower() in {
            "",
            vault.name.lower(),
            vault.key,
        }

    def _takes(self, row: Row) -> bool:
        return (
            self.takes_vault(row.item.vault)
            and self.workload.lower() in {"", row.workload.lower()}
            and (not self.text or self.text.casefold() in _names(row))
        )


#: fields and what they are called in the URL
_TEXTS = {"subscription": "subscription", "workload": "workload", "text": "q"}


def _page(text: str) -> int:
    """A page's number; what is no number is the first page."""
    digits = text if text.isascii() and text.isdigit() else "1"
    return min(max(1, int(digits[:_LONGEST_NUMBER])), _LAST_PAGE)


def _names(row: Row) -> str:
    item = row.item
    parts = (
        item.friendly_name,
        item.vault.name,
        item.vault.resource_group,
        resource_group_of(item.machine_id),
    )
    return " ".join(parts).casefold()


def _question(parameters: Mapping[str, object]) -> str:
    return f"?{urlencode(parameters)}" if parameters else ""
