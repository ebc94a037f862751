"""The queries of alert rules and workbook on log lines that the app itself wrote, and what is sent of such a night."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from backup_retry.domain.journal import Step, StepKind
from backup_retry.settings.sweep_profile import DAILY
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from simulator.machine.tls import ensure_ca
from tests.alerts_about_the_app import raised
from tests.integration_recipes import HOST, sent, shown, without_ids
from tests.log_tables import LogLine, LogTables, read_log
from tests.outside_monitor import outside_monitor
from tests.running_app import App, running
from tests.told_by_log import amiss
from tests.vm_estate import vault_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

needs_azurite = pytest.mark.skipif(
    not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"
)
NOW = datetime(2026, 3, 13, 12, tzinfo=UTC)
VAULT_ID = vault_id()


_MACHINES = ("vm-01", "vm-02", "vm-03", "fails-always")


@dataclass(frozen=True, kw_only=True)
class Written:
    """The lines of a log, the steps of the journals, and the calls of a monitor outside."""

    lines: Sequence[LogLine]
    steps: Sequence[Step]
    calls: Sequence[str]


async def a_night(app: App) -> None:
    """One failure that a retry mends, one that the sweep finds, one for a person, one that no retry mends."""
    await app.follow_up()  # the first one sweeps, and would bring what the alerts are to bring
    await app.failed_and_alerted("vm-01")
    await app.failed_and_alerted("vm-03", "UserErrorVmProvisioningStateFailed")
    await app.failed_and_alerted("fails-always")
    await app.fail("vm-02")
    await app.sweep()
    for vm in ("vm-01", "vm-02", "fails-always"):
        await app.closed(vm)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def written(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Written]:
    """What the app wrote in such a night: into its log, into its ledger, and to others."""
    directory = tmp_path_factory.mktemp("stack")
    async with outside_monitor(ensure_ca(directory / "tls")) as monitor:
        settings = {
            "RETRY_BACKOFF": "0s",
            "HEARTBEAT_URL": f"{monitor.url}/s3cret/{{function}}",
            "WEBSITE_HOSTNAME": HOST,
        }
        async with running(directory, settings) as app:
            await a_night(app)
            log_file = app.stack.host.log_file
            steps = [step for vm in _MACHINES for step in await app.steps(vm)]
    yield Written(lines=read_log(log_file), steps=steps, calls=monitor.paths)


@pytest.fixture(scope="module")
def night(written: Written) -> Iterator[LogTables]:
    """Those lines as a workspace's table."""
    tables = LogTables(written.lines)
    yield tables
    tables.close()


@needs_azurite
async def test_each_step_that_a_rule_reads_is_in_the_log(written: Written) -> None:
    """As often as the ledger says: four incidents have ended."""
    said = [json.loads(line.message) for line in written.lines if line.message.startswith('{"event"')]
    assert amiss(said, written.steps) == set()
    assert sum(line["event"] == StepKind.CLOSED for line in said) == len(_MACHINES)


@needs_azurite
async def test_who_needs_a_person_is_told_with_what_to_do(night: LogTables) -> None:
    """One row per incident: machine, vault, error, reason and remedy."""
    [row] = night.run("alerts/needs_a_person", datetime.now(UTC))
    assert (row["item"], row["items"]) == ("vm-03", 1)
    assert (row["vault"], row["error"]) == ("vault-1", "UserErrorVmProvisioningStateFailed")
    assert row["reason"] == "needs_action"
    assert row["remedy"]


@needs_azurite
async def test_used_up_retries_are_told(night: LogTables) -> None:
    """The machine whose every retry failed, and no other."""
    [row] = night.run("alerts/exhausted", datetime.now(UTC))
    assert row["item"] == "fails-always"
    assert (row["vault"], row["reason"]) == ("vault-1", "exhausted")


@needs_azurite
async def test_complete_runs_call_the_monitor_outside(written: Written) -> None:
    """A daily sweep and a follow-up; its address, which is a secret, is in no log."""
    assert {"GET /s3cret/sweep", "GET /s3cret/follow_up"} == set(written.calls)
    assert "s3cret" not in "".join(line.message for line in written.lines)


@needs_azurite
@pytest.mark.parametrize("heading", ["Teams", "Slack", "PagerDuty"])
async def test_the_messages_in_the_documents_are_those_of_that_night(night: LogTables, heading: str) -> None:
    """docs/integrations.md shows what goes out, but for ids, times and the address of the app."""
    now = datetime.now(UTC)
    [row] = night.run("alerts/needs_a_person", now)
    alert = raised("needs-a-person", row, now)
    assert without_ids(shown(heading)) == without_ids(sent(heading, alert))


@needs_azurite
async def test_a_good_night_wakes_nobody(night: LogTables) -> None:
    """Neither the watch over sweep and follow-up nor that over failing functions says a word."""
    now = datetime.now(UTC)
    for alert in ("sweep_overdue", "follow_up_silent", "function_failing", "storm"):
        assert night.run(f"alerts/{alert}", now) == [], alert


@needs_azurite
async def test_silence_is_noticed(night: LogTables) -> None:
    """Half an hour after the last follow-up, and 26 hours after the last sweep."""
    now = datetime.now(UTC)
    assert night.run("alerts/follow_up_silent", now + timedelta(minutes=29)) == []
    assert len(night.run("alerts/follow_up_silent", now + timedelta(minutes=31))) == 1
    two_days = timedelta(days=2)
    assert night.run("alerts/sweep_overdue", now + timedelta(hours=25), two_days) == []
    assert len(night.run("alerts/sweep_overdue", now + timedelta(hours=27), two_days)) == 1


@needs_azurite
async def test_the_workbook_counts_what_became_of_the_failures(night: LogTables) -> None:
    """By outcome, by vault, by error and by day."""
    now = datetime.now(UTC)
    outcomes = {row["outcome"]: row["incidents"] for row in night.run("workbook/outcomes", now)}
    assert outcomes == {"recovered": 2, "needs_action": 1, "exhausted": 1}
    [vault] = night.run("workbook/by_vault", now)
    counted = ("vault", "incidents", "recovered", "actionRequired")
    assert tuple(vault[name] for name in counted) == ("vault-1", 4, 2, 2)
    errors = {row["error"]: row["incidents"] for row in night.run("workbook/by_error", now)}
    assert errors == {"CloudInternalError": 3, "UserErrorVmProvisioningStateFailed": 1}
    assert sum(row["incidents"] for row in night.run("workbook/by_day", now)) == 4


@needs_azurite
async def test_the_workbook_times_recoveries(night: LogTables) -> None:
    """From the first word of a failure, by who brought it."""
    found = night.run("workbook/time_to_recovery", datetime.now(UTC))
    assert {row["source"]: row["incidents"] for row in found} == {"alert": 1, "sweep": 1}
    assert all(0 <= row["median"] <= row["longest"] for row in found)


@needs_azurite
async def test_the_workbook_lists_what_to_do(night: LogTables) -> None:
    """The machines that need a person, with the remedy."""
    found = night.run("workbook/needs_a_person", datetime.now(UTC))
    assert {row["item"]: row["outcome"] for row in found} == {
        "vm-03": "needs_action",
        "fails-always": "exhausted",
    }
    assert all(row["remedy"] for row in found)


@needs_azurite
async def test_the_workbook_shows_runs(night: LogTables) -> None:
    """What the daily sweep found beside the first look back, and how many incidents were open."""
    found = night.run("workbook/sweeps", datetime.now(UTC))
    [sweep] = [row for row in found if row["profile"] == DAILY]
    assert (sweep["complete"], sweep["problems"]) == (True, "[]")
    assert sweep["found"] >= 1
    assert night.run("workbook/open_incidents", datetime.now(UTC))


@pytest.mark.parametrize(
    "item", ["", f"{VAULT_ID}/backupFabrics/Azure/protectionContainers/c/protectedItems/i"]
)
async def test_a_signal_that_waits_for_a_day_is_a_persons(item: str) -> None:
    """By its item, else by its vault, with what is in the way."""
    said = {"event": "signal_overdue", "vault": VAULT_ID, "problem": "no role"} | (
        {"item": item} if item else {}
    )
    tables = LogTables([LogLine(at=NOW, message=json.dumps(said))])
    [row] = tables.run("alerts/needs_a_person", NOW)
    tables.close()
    assert (row["item"], row["vault"], row["reason"], row["remedy"]) == (
        item or VAULT_ID,
        "vault-1",
        "signal_kept",
        "no role",
    )


def failing(what: str, times: int) -> list[LogLine]:
    return [LogLine(at=NOW - timedelta(minutes=minute), message=what, severity=3) for minute in range(times)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (failing("Executed 'Functions.alerts' (Failed, 3 ms)", 2), []),
        (failing("Executed 'Functions.alerts' (Failed, 3 ms)", 3), ["alerts"]),
        (failing("Executed 'Functions.sweep' (Failed, Id=1, Duration=3ms)", 1), ["sweep"]),
        (failing('{"event": "sweep_incomplete", "problems": ["no"]}', 1), ["sweep_incomplete"]),
        (failing('{"event": "incident_failed", "problem": "no"}', 3), ["incident_failed"]),
    ],
)
async def test_what_keeps_failing_is_told(lines: list[LogLine], expected: list[str]) -> None:
    """Three times within the window; a sweep at once, since it runs once a day."""
    tables = LogTables(lines)
    assert [row["what"] for row in tables.run("alerts/function_failing", NOW)] == expected
    tables.close()


@pytest.mark.parametrize("lines", [[], failing("Host started", 1)])
async def test_nobody_is_woken_before_the_apps_first_follow_up_and_sweep(lines: list[LogLine]) -> None:
    """Not by an app whose code is not there yet, nor by one that started a minute ago."""
    tables = LogTables(lines)
    for alert in ("sweep_overdue", "follow_up_silent"):
        assert tables.run(f"alerts/{alert}", NOW) == [], alert
    tables.close()


def message(number: int, kind: str, **fields: object) -> LogLine:
    line = {
        "event": "notice_given",
        "kind": f"BackupRetry.{kind}",
        "notice": f"notice-{number}",
        "item": f"vm-{number}",
        "items": 1,
        "vault": f"/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/vault-{number % 2}",
        "error": "CloudInternalError",
        "reason": "exhausted",
        "remedy": "Look at it.",
        "link": f"https://app/api/incidents/{number}",
    }
    return LogLine(at=NOW, message=json.dumps(line | fields))


QUERY_OF = {"NeedsPerson": "alerts/needs_a_person", "Exhausted": "alerts/exhausted"}


@pytest.mark.parametrize("kind", QUERY_OF)
async def test_each_message_is_a_row_once(kind: str) -> None:
    """Of its kind; one that is sent again, since the topic did not take it, is the same row."""
    lines = [message(1, kind), message(1, kind), message(2, kind, items=49, item="vm-2, vm-3 …")]
    tables = LogTables(
        [*lines, message(4, "Recovered"), *(message(5, each) for each in QUERY_OF if each != kind)]
    )
    rows = sorted(tables.run(QUERY_OF[kind], NOW + timedelta(minutes=5)), key=lambda row: row["item"])
    tables.close()
    assert [(row["item"], row["vault"], row["items"]) for row in rows] == [
        ("vm-1", "vault-1", 1),
        ("vm-2, vm-3 …", "vault-0", 49),
    ]
    assert {(row["remedy"], row["error"]) for row in rows} == {("Look at it.", "CloudInternalError")}
    assert rows[0]["link"] == "https://app/api/incidents/1"


@pytest.mark.parametrize("kind", QUERY_OF)
@pytest.mark.parametrize(("messages", "rows"), [(50, 50), (51, 1)])
async def test_a_big_night_is_told_by_error(kind: str, messages: int, rows: int) -> None:
    """More messages at once than Azure sends e-mails for would lose some."""
    tables = LogTables([message(number, kind) for number in range(messages)])
    told = tables.run(QUERY_OF[kind], NOW + timedelta(minutes=5))
    tables.close()
    assert len(told) == rows
    assert sum(row["items"] for row in told) == messages
    assert all(row["remedy"] for row in told)


async def test_a_sweep_that_died_each_time_is_a_persons() -> None:
    """By its name, with where to look."""
    line = {"event": "turn_given_up", "turn": "sweep", "since": "2026-03-13T05:00:00Z", "starts": 3}
    tables = LogTables([LogLine(at=NOW, message=json.dumps(line))])
    [row] = tables.run("alerts/needs_a_person", NOW)
    tables.close()
    assert (row["item"], row["reason"]) == ("sweep", "turn_died")


_CLOSED = {
    "event": "incident_closed",
    "incident": "incident-1",
    "item": "/subscriptions/s/vaults/vault-1/protectedItems/vm;vm-1",
    "outcome": "needs_action",
    "error": "CloudInternalError",
    "reason": "needs_action",
    "detail": "Look at it.",
    "found_by": "alert",
    "opened_at": (NOW - timedelta(hours=1)).isoformat(),
    "closed_at": NOW.isoformat(),
    "attempts": 2,
}


@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        ("workbook/needs_a_person", "needs_action"),
        ("workbook/outcomes", "exhausted"),
        ("workbook/by_error", "exhausted"),
        ("workbook/by_vault", "exhausted"),
        ("workbook/by_day", "exhausted"),
        ("workbook/time_to_recovery", "recovered"),
    ],
)
async def test_an_incident_whose_end_was_logged_twice_counts_once(query: str, outcome: str) -> None:
    """A worker died before it could mark the line as written, and the follow-up wrote it again."""
    message = json.dumps(_CLOSED | {"outcome": outcome})
    tables = LogTables([LogLine(at=NOW + timedelta(minutes=each), message=message) for each in (0, 4)])
    [row] = tables.run(query, NOW + timedelta(minutes=5))
    assert (row.get("incidents", 1), row.get("retries", 2)) == (1, 2)
    tables.close()


@pytest.mark.parametrize("vault", ["vault-1", "/subscriptions/s/resourceGroups/g/providers/p/vaults/vault-1"])
async def test_a_storm_is_told_once_for_its_vault_and_error(vault: str) -> None:
    """With the number of items; the vault may be logged by its name or by its id."""
    line = {"event": "storm_needs_person", "vault": vault, "error": "CloudInternalError", "items": 21}
    tables = LogTables([LogLine(at=NOW, message=json.dumps(line))])
    [row] = tables.run("alerts/storm", NOW + timedelta(minutes=5))
    assert (row["vault"], row["error"], row["items"]) == ("vault-1", "CloudInternalError", 21)
    tables.close()
