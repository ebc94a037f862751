"""The estate: every protected item, with what Resource Graph says about its backups and its vault of its policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from backup_retry.domain.arm_ids import ProtectedItem, resource_group_of
from backup_retry.domain.schedule import BackupPolicy


@dataclass(frozen=True, kw_only=True, slots=True)
class Backups:
    """An item's backups, as Resource Graph sums them up."""

    item: ProtectedItem
    #: what people call it; "" where Resource Graph does not tell it
    name: str = ""
    #: the server or account that it belongs to, where its id does not tell that
    holder: str = ""
    #: Azure's name of what it is; "" where Resource Graph does not tell it
    workload: str = ""
    #: False: its vault has no such item any more, only jobs report it
    listed: bool = True
    #: its protection state, in its vault's words
    state: str = ""
    #: somebody has stopped its protection: no backup is expected
    stopped: bool = False
    #: its policy's ARM id
    policy_id: str = ""
    #: the ARM id of what is backed up, or of the machine that it is on
    source_id: str = ""
    #: days (UTC) on which a backup completed that was none of a log, and on which one failed or was cancelled
    good: frozenset[date] = frozenset()
    bad: frozenset[date] = frozenset()
    #: the hours at which the good ones began
    good_hours: tuple[datetime, ...] = ()
    #: the hour at which the newest bad one began
    last_bad_at: datetime | None = None
    #: its last recovery point, as it says itself, of whatever kind
    point_at: datetime | None = None
    #: the newest good recovery point that is known at all
    last_good_at: datetime | None = None
    #: when its newest good full backup began, and its newest differential or incremental one
    last_full_at: datetime | None = None
    last_part_at: datetime | None = None
    #: when the newest of its backups began that have not ended
    running_since: datetime | None = None
    #: when its protection was last set up, as far as jobs tell
    configured_at: datetime | None = None

    @property
    def full_name(self) -> str:
        """What tells it apart from others of its name: master on sqlvm01, docs in account01."""
        return self.item.named(self.name, self.holder)

    @property
    def machine_group(self) -> str:
        """The resource group of what is backed up; "" where that is unknown."""
        return resource_group_of(self.source_id) or resource_group_of(self.item.machine_id)


@dataclass(frozen=True, kw_only=True)
class Estate:
    """Every protected item that the app may look at, the subscriptions' names, and the vaults' policies."""

    items: Sequence[Backups] = ()
    #: by a subscription's id
    subscriptions: Mapping[str, str] = field(default_factory=dict)
    #: by a policy's ARM id, lower-cased
    policies: Mapping[str, BackupPolicy] = field(default_factory=dict)
    #: why the policies of a vault are not known, by its key
    policies_unread: Mapping[str, str] = field(default_factory=dict)

    #: what Resource Graph did not answer for; empty: it answered for all
    problems: Sequence[str] = ()

    def policy_of(self, backups: Backups) -> BackupPolicy | None:
        """The item's policy; None where it is unknown."""
        return self.policies.get(backups.policy_id.lower())
