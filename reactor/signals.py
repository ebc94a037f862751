"""What a signal says once it is read: a hint, or why it is none of our business."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backup_retry.domain.arm_ids import RESOURCE_ID, ProtectedItem, Vault, parse_job_id
from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.jobs import Source


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a signal names; an item is always one of the vault."""

    #: None: only a resource is named, or nothing at all
    vault: Vault | None = None
    #: the failed job's bare id
    job_id: str = ""
    item: ProtectedItem | None = None
    #: ARM id of what is backed up, where no item is named
    resource_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Signal(Named):
    """What an alert or event says: a hint, never a fact."""

    source: Source
    #: None: an announcement of our own, which nobody else knows
    kind: AlertKind | None = None
    #: what the sender says went wrong; only for the log
    error_code: str = ""
    #: what to call the signal in logs
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A signal that is well-formed and none of our business."""

    why: str
    label: str = ""
    #: service, rule, signal_type, target: what came, so that an administrator finds its sender
    came: Mapping[str, str] = field(default_factory=dict)


def named(ids: Iterable[str], job_ids: Iterable[str] = ()) -> Named:
    """What ARM ids name, each by its own form; a bare job id is the named vault's.

    A job's vault counts before a vault that is named, and that before an item's; an item of another vault is dropped.
    Where several jobs or items are named, none of them counts and the vault is looked through instead.
    """
    texts = list(ids)
    jobs = [job for text in texts if (job := parse_job_id(text))]
    items = {item.key: item for text in texts if (item := _item(text))}
    vault = _vault([vault for vault, _ in jobs], texts, list(items.values()))
    named_jobs = {job_id.lower(): job_id for job_id in [*(job_id for _, job_id in jobs), *job_ids] if job_id}
    of_vault = [item for item in items.values() if vault is None or item.vault.key == vault.key]
    item = of_vault[0] if len(of_vault) == 1 else None
    resource_id = next((text for text in texts if _is_resource(text)), "")
    return Named(
        vault=vault,
        job_id=next(iter(named_jobs.values())) if len(named_jobs) == 1 else "",
        item=item,
        resource_id="" if item else resource_id,
    )


def _vault(of_jobs: list[Vault], texts: Sequence[str], items: list[ProtectedItem]) -> Vault | None:
    said = [vault for text in texts if not _item(text) and (vault := Vault.parse(text))]
    return next(iter([*of_jobs, *said, *(item.vault for item in items)]), None)


def _item(text: str) -> ProtectedItem | None:
    """An item as Azure names it; the ids that we make up for failed restores are nobody else's to use."""
    item = ProtectedItem.parse(text)
    return None if item is None or item.restore_job else item


def _is_resource(text: str) -> bool:
    return RESOURCE_ID.fullmatch(text) is not None and Vault.parse(text) is None
