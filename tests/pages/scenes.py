"""The pages in situations that take long to come about, as HTML: made of values, without an app behind them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.estate import Backups
from backup_retry.domain.journal import Step, StepKind
from backup_retry.domain.pauses import Pause
from backup_retry.domain.protected_days import VaultDay, mark_of
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.engine.vault_incidents import whole
from backup_retry.ports.reports import Closed, Opened
from backup_retry.settings.timer_status import Timer, timer
from status.app_states import App
from status.dashboard import Dashboard
from status.filters import Filters
from status.html import incident_answer, page_answer
from status.page import page
from status.snapshot import Snapshot
from status.timeline import timeline
from tests.builders import NOW, OTHER_SUBSCRIPTION, SUBSCRIPTION, attempt, incident, item, minutes, vault
from tests.status_world import backups, closed, dashboard, opened, snapshot

PORTAL = "https://portal.azure.com"
APP = App(version="0.2.0", package="0123456789abcdef", zone=ZoneInfo("Europe/Berlin"))
REMEDY = "Repair or remove the failed extension. More: https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot"
CAUSES = (
    ("UserErrorVmProvisioningStateFailed", 100),
    ("UserErrorKeyVaultPermissionsNotConfigured", 50),
    ("CloudInternalError", 8),
)


def overview() -> str:
    """A morning with something of everything."""
    return _page(_board(), Filters())


def groups() -> str:
    """158 items of three causes."""
    return _page(_many(), Filters())


def story() -> str:
    """A recovered incident with its retry's own job, and earlier incidents of its item."""
    retried = attempt(result=AttemptResult.COMPLETED, ended_at=NOW - minutes(20), job_id="job-of-the-retry")
    head = replace(
        incident(retried), id="i-1", first_failed_at=NOW - minutes(46), last_good_at=NOW - minutes(25)
    )
    ended = head.closed(Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED), NOW - minutes(19))
    told = timeline(
        Opened(incident_id="i-1", item=item(), at=NOW), ended, _steps(retried.id), Filters(code="key"), PORTAL
    )
    assert told is not None
    return incident_answer(told, NOW, APP.zone).body


def dry_run() -> str:
    """Retries are held back, and the page says so."""
    held = [replace(closed(Outcome.LEFT_ALONE, day, item(day)), reason=Reason.DRY_RUN) for day in range(1, 5)]
    return _page(dashboard(*_good(8), closed=held), Filters(), app=replace(APP, dry_run=True))


def pause() -> str:
    """Somebody has paused everything, and booked a second pause."""
    pauses = [
        Pause(by="ada@contoso.example", why="storage migration", until=NOW + timedelta(hours=6)),
        Pause(
            by="eve@contoso.example",
            why="year-end freeze",
            starts=NOW + timedelta(days=3),
            scope=SUBSCRIPTION,
        ),
    ]
    return _page(dashboard(*_good(8), opened=[opened(of=item(3))]), Filters(), pauses=pauses)


def troubled() -> str:
    """The topic refuses, a vault cannot be read, each retry is asked for, and a sweep is late."""
    lost = replace(opened(of=whole(vault("vault-lost"))), incident_id="lost", error="no_permission", told="x")
    asked = replace(opened(of=item(2)), incident_id="asked", error="CloudInternalError", told="approval")
    waits = replace(opened(of=item(1, vault("vault-lost"))), error="no_permission")
    known = {
        "lost": replace(
            incident(reason=Reason.NO_PERMISSION),
            id="lost",
            detail="Assign the role *Backup Retry* on vault-lost.",
        ),
        "asked": replace(
            incident(reason=Reason.APPROVAL),
            id="asked",
            told_of=("approval",),
            detail='backup-retry approve "vm-02" approves it.',
        ),
    }
    unsent = UnsentNotices(
        number=3,
        since=NOW - timedelta(hours=5),
        answer="Event Grid topic: 403 AuthorizationFailed",
        tries=7,
        due=NOW + minutes(40),
    )
    seen = replace(snapshot(dashboard(*_good(8), opened=[lost, asked, waits])), unsent=unsent)
    late = [timer("sweep", "0 0 5 * * *", NOW, last=NOW - timedelta(days=3)), _on_time()[1]]
    shown = page(seen, late, Filters(), known, PORTAL, app=replace(APP, asks_first=True))
    return page_answer(shown).body


def ten_thousand() -> str:
    """A large estate: the calendar's lines are vaults."""
    known = [
        backups(good=range(14), bad=[3] if number % 50 == 0 else [], of=_one_of(number))
        for number in range(10_000)
    ]
    return _page(dashboard(*known, closed=_needy(158), opened=[opened(of=_one_of(9_999))]), Filters())


def incidents() -> str:
    """The list that a tile of 14 days leads to."""
    return _page(_board(), Filters(show="incidents", sort="-failed"))


def compliance() -> str:
    """Subscriptions, vaults and items by the days that they kept."""
    marks = [mark_of(item(number)) for number in range(1, 6)]
    days = [
        VaultDay(
            vault=vault(),
            day=NOW.date() - timedelta(days=back),
            kept=frozenset(marks[back % 3 :]),
            missed=frozenset(marks[: back % 3]),
        )
        for back in range(1, 21)
    ]
    return _page(dashboard(*_good(6), days=days), Filters(show="compliance"))


def filtering() -> str:
    """The filter is open."""
    return _page(_board(), Filters(edit="filter", state="needs_person"))


SCENES: Mapping[str, Callable[[], str]] = {
    each.__name__: each
    for each in (
        overview,
        groups,
        story,
        dry_run,
        pause,
        troubled,
        ten_thousand,
        incidents,
        compliance,
        filtering,
    )
}


def _page(made: Dashboard, filters: Filters, *, app: App = APP, pauses: list[Pause] | None = None) -> str:
    made = replace(made, subscriptions={SUBSCRIPTION: "Production", OTHER_SUBSCRIPTION: "Shop"})
    seen: Snapshot = snapshot(made, pauses=pauses or ())
    return page_answer(page(seen, _on_time(), filters, {}, PORTAL, app=app)).body


def _on_time() -> list[Timer]:
    return [timer(name, "0 0 5 * * *", NOW, last=NOW) for name in ("sweep", "follow-up")]


def _good(number: int) -> list[Backups]:
    return [backups(good=range(14), of=item(each)) for each in range(1, number + 1)]


def _board() -> Dashboard:
    database = replace(
        item(), container="VMAppContainer;Compute;rg-sql;sqlvm01", name="SQLDataBase;MSSQLSERVER;master"
    )
    share = replace(
        item(), container="StorageContainer;Storage;rg-files;accounting01", name="AzureFileShare;docs"
    )
    shop = vault("vault-1", subscription=OTHER_SUBSCRIPTION)
    known = [
        *_good(6),
        backups(good=range(14), of=database),
        backups(good=range(1, 14), of=share),
        backups(good=range(14), of=item(1, shop)),
        backups(good=[12], of=item(7)),
    ]
    ended = [
        replace(closed(Outcome.NEEDS_ACTION, of=item(2)), detail=REMEDY, last_error=CAUSES[0][0]),
        replace(closed(Outcome.NEEDS_ACTION, of=database), detail=REMEDY, last_error=CAUSES[0][0]),
        closed(Outcome.EXHAUSTED, 1, share),
        closed(Outcome.RECOVERED, 2, item(3)),
        closed(Outcome.RECOVERED, 3, item(1, shop), minutes=95),
        closed(Outcome.RECOVERED_ELSEWHERE, 4, item(4)),
        closed(Outcome.LEFT_ALONE, 5, item(5)),
    ]
    return dashboard(*known, opened=[replace(opened(of=item(6)), error="CloudInternalError")], closed=ended)


def _many() -> Dashboard:
    return dashboard(*_good(12), closed=_needy(sum(many for _, many in CAUSES)))


def _needy(number: int) -> list[Closed]:
    errors = [error for error, many in CAUSES for _ in range(many)]
    return [
        replace(
            closed(Outcome.NEEDS_ACTION, of=_one_of(each), name=f"i-{each}"),
            last_error=errors[each],
            detail=REMEDY,
        )
        for each in range(number)
    ]


def _one_of(number: int) -> ProtectedItem:
    of: Vault = vault(f"vault-{number % 40:02}")
    return item(number, of)


def _steps(attempt_id: str) -> list[Step]:
    def step(kind: StepKind, ago: float, **said: str) -> Step:
        return Step(at=NOW - minutes(ago), kind=kind, incident_id="i-1", **{"job_id": "job-1", **said})

    of_retry = {"attempt_id": attempt_id}
    earlier = [
        Step(at=NOW - timedelta(days=9), kind=StepKind.NOTED, incident_id="i-0"),
        Step(at=NOW - timedelta(days=9), kind=StepKind.CLOSED, incident_id="i-0", reason="needs_action"),
    ]
    return [
        *earlier,
        step(StepKind.NOTED, 45, detail="CloudInternalError: a backup failed (source: alert)"),
        step(StepKind.WAITING, 45, reason="backoff", detail="Attempt 1 is due at 2026-11-22 13:30 UTC."),
        step(StepKind.CLAIMED, 30, **of_retry),
        step(StepKind.TRIGGERED, 30, **of_retry),
        step(StepKind.FOUND, 25, detail="running", **of_retry | {"job_id": "job-of-the-retry"}),
        step(StepKind.ENDED, 20, detail="completed", **of_retry | {"job_id": "job-of-the-retry"}),
        step(StepKind.CLOSED, 19, reason="retry_succeeded", **of_retry),
    ]
