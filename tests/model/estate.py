"""What a world consists of before anything happens to it: vaults, items, workers and rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import time, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.schedule import BackupPolicy, Daily
from backup_retry.policy.hours import Hours, Window
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import Names, Scope
from tests.model.true_jobs import FULL, is_database

SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000001"
MINUTE, HOUR = 60.0, 3600.0
DAY = 24 * HOUR
#: of the vaults, counted from 0, the one of the other kind
_BACKUP_VAULT = 2


@dataclass(frozen=True, kw_only=True)
class Estate:
    """How large a world is, and how far its workers' clocks are off, in seconds."""

    vaults: int = 2
    #: every so manieth item of a Recovery Services vault is a database; 0: none
    databases: int = 3
    #: how many signals a worker looks into at once
    places: int = 2
    #: whether the daily sweep runs, which finds what nobody told of
    swept: bool = True
    #: whether anything tells of a failure when it happens; else the sweep alone finds it
    alerted: bool = True
    #: whether the third vault is a backup vault
    both_kinds: bool = True
    items: int = 8
    workers: int = 3
    skew: float = 300.0
    #: share of items whose vault tells their schedule
    scheduled: float = 0.3
    #: time from one sweep to the next, and how far one looks back, in seconds
    sweep_every: float = 6 * HOUR
    lookback: float = 24 * HOUR
    #: whether a sweep announces what it finds instead of handling it
    dispatches: bool = False
    #: share of databases that belong to an availability group
    grouped: float = 0.5
    #: how often a backup takes hours, up to 40
    slow: float = 0.0
    #: how often a backup completes that nothing stands in the way of
    completes: float = 0.55
    #: whether people want to be asked before some items are retried
    asks: bool = False
    #: mean time from one storm to the next
    storm_every: float = 10 * HOUR
    #: whether timers take turns, and another clock stands in where they stop
    clocks: bool = False

    @classmethod
    def drawn(cls, random: Random) -> "Estate":
        """An estate of some size: now a crowd of workers on one item, now many items in one storm after the other."""
        if random.random() < 0.2:
            return cls(
                vaults=1,
                databases=0,
                items=12,
                workers=5,
                scheduled=0.0,
                completes=0.9,
                storm_every=4 * HOUR,
            )
        alerted = random.random() < 0.85
        return cls(
            vaults=random.choice((1, 2, 3)),
            databases=random.choice((0, 1, 2, 3)),
            places=random.choice((1, 2, 4)),
            swept=not alerted or random.random() < 0.75,
            alerted=alerted,
            items=random.choice((1, 2, 6, 12)),
            workers=random.choice((1, 2, 3, 5)),
            skew=random.choice((0.0, 60.0, 300.0)),
            lookback=random.choice((6, 24)) * HOUR,
            dispatches=random.random() < 0.3,
            slow=random.choice((0.0, 0.0, 0.05)),
        )

    def item(self, number: int) -> ProtectedItem:
        """A machine or a database; in the third vault a disk."""
        vault = Vault(
            subscription=SUBSCRIPTION, resource_group="rg-backup", name=f"vault-{number % self.vaults + 1}"
        )
        if self.both_kinds and number % self.vaults == _BACKUP_VAULT:
            disk = f"disk-{number + 1:02}"
            name = f"{disk}-{disk}-{UUID(int=number)}"
            return ProtectedItem(vault=replace(vault, kind=VaultKind.BACKUP), name=name)
        if self.databases and number % self.databases == 0:
            server = f"VMAppContainer;Compute;rg-app;sql-{number + 1:02}"
            return ProtectedItem(
                vault=vault, container=server, name=f"SQLDataBase;mssqlserver;db-{number + 1:02}"
            )
        vm = f"iaasvmcontainerv2;rg-app;vm-{number + 1:02}"
        return ProtectedItem(vault=vault, container=f"IaasVMContainer;{vm}", name=f"VM;{vm}")

    def nodes(self, item: ProtectedItem, random: Random) -> Sequence[str]:
        """The nodes that do the backups of a database in an availability group; each calls its jobs after itself."""
        grouped = is_database(item) and random.random() < self.grouped
        return ("node-1.contoso.example", "node-2.contoso.example") if grouped else ()

    def policy(self, item: ProtectedItem, random: Random) -> BackupPolicy | None:
        """What its vault tells of an item's schedule; a disk's rule and a database's log backups always."""
        policy = None
        if random.random() < self.scheduled:
            daily = Daily(times=(time(random.randrange(24)),))
            kind = FULL.lower() if is_database(item) else ""
            policy = BackupPolicy(schedules={kind: (daily,)}, base_retention=timedelta(days=30))
        if is_database(item):
            interval = random.choice((None, timedelta(minutes=15), timedelta(hours=2)))
            return replace(policy or BackupPolicy(), log_interval=interval)
        if item.vault.kind is VaultKind.BACKUP:
            return replace(policy or BackupPolicy(), rules={"BackupDaily": "Default"})
        return policy


def drawn_rules(random: Random) -> Rules:
    """The default rules, now and then with hours, and storms of a size that a small estate can have."""
    closed = (Window(start=time(8), end=time(2)),) if random.random() < 0.2 else ()
    return Rules(
        storm_size=4,
        scope=Scope(subscriptions=Names(patterns=(SUBSCRIPTION,))),
        hours=Hours(windows=closed, zone=ZoneInfo("UTC")),
    )
