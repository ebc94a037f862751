"""The tags by which a machine, its resource group or a vault says how its backups are to be retried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backup_retry.domain.arm_ids import ProtectedItem

RETRY, PROFILE = "backup-retry", "backup-retry-profile"
OFF, ASK = "off", "ask"
#: values of the tag `backup-retry` that ask for nothing
_PLAIN = frozenset({"", "on", "auto", "true", "yes"})

#: the values of the tags above by their names, of a resource by its lower-cased ARM id
TagValues = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag's value, without case, and the ARM id of the resource that has it."""

    value: str
    resource_id: str


@dataclass(frozen=True, kw_only=True)
class Tags:
    """What the resources above an item are tagged with; the nearest comes first."""

    retry: tuple[Tag, ...] = ()
    profile: Tag | None = None

    @property
    def opted_out_by(self) -> str:
        """The resource that wants no retries, or ""."""
        return next((tag.resource_id for tag in self.retry if tag.value == OFF), "")

    @property
    def asks_first(self) -> Tag | None:
        """The tag that wants a person asked first; an unknown value was meant to hold something back."""
        return next((tag for tag in self.retry if tag.value not in _PLAIN | {OFF}), None)


def tags_of(resource_ids: Sequence[str], known: TagValues) -> Tags:
    """What these resources are tagged with, among all that is known of tags."""
    found = [(each, known.get(each.lower(), {})) for each in resource_ids]
    retry, profiles = (
        [Tag(value=tags[name], resource_id=each) for each, tags in found if name in tags]
        for name in (RETRY, PROFILE)
    )
    return Tags(retry=tuple(retry), profile=next((tag for tag in profiles if tag.value), None))


def resources_above(item: ProtectedItem, source_id: str = "") -> Sequence[str]:
    """The ARM ids of an item's machine, its resource group, the vault and its group, as far as they are known."""
    vault = item.vault
    source = (item.machine_id or source_id).lower()
    groups = f"/subscriptions/{vault.subscription}/resourcegroups"
    candidates = (source, source.partition("/providers/")[0], vault.key, f"{groups}/{vault.resource_group}")
    return [each for each in candidates if each]


def read_tags(tags: Mapping[str, object]) -> Mapping[str, str]:
    """Those of a resource's tags that this app reads; neither names nor values have case."""
    lowered = {name.casefold(): value for name, value in tags.items()}
    return {name: str(lowered[name] or "").strip().casefold() for name in (RETRY, PROFILE) if name in lowered}
