"""The command line against a simulated Azure and a real table service, as a process of its own."""

import asyncio
import fcntl
import json
import os
import pty
import struct
import sys
import termios
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from simulator.stack.stack import REPOSITORY
from tests.pseudo_terminal import read_all
from tests.running_app import App
from tests.scenarios import forked_command
from tests.vm_estate import SUBSCRIPTION, backup_failure, estate, vault_id

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]


_PROCESSES = get_context("forkserver")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.out)


def environment(app: App, **changes: str) -> dict[str, str]:
    """Settings and identity, and whatever is changed; empty: taken out."""
    run = app.stack.run
    found = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(REPOSITORY),
        "ARM_ENDPOINT": run.arm,
        "LEDGER_ENDPOINT": run.table_endpoint,
        "IDENTITY_ENDPOINT": run.identity_endpoint,
        "IDENTITY_HEADER": run.identity_header,
        "SSL_CERT_FILE": run.ca_file,
        "SCHEDULE_MARGIN": "0s",
    }
    return {name: value for name, value in (found | changes).items() if value}


@pytest.fixture(scope="module", autouse=True)
def loaded(app: App) -> None:
    """The command line, loaded once with the stack's certificates: each command is forked from there."""
    _PROCESSES.set_forkserver_preload([forked_command.__name__])
    with pytest.MonkeyPatch.context() as changed:
        for name, value in environment(app).items():
            changed.setenv(name, value)
        forkserver.ensure_running()


async def types(app: App, *arguments: str, **changes: str) -> Ended:
    """Run a command in a process of its own; its output is no terminal."""
    with TemporaryDirectory() as directory:
        out, err = (Path(directory) / name for name in ("out", "err"))
        process = _PROCESSES.Process(
            target=forked_command.main, args=(arguments, environment(app, **changes), out, err)
        )
        process.start()
        await asyncio.to_thread(process.join)
        assert process.exitcode is not None
        return Ended(process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


async def triggers(app: App) -> list[Any]:
    """Every backup that Azure was asked for."""
    found: list[Any] = await app._sim("GET", "requests", params={"path": "/backup$", "method": "POST"})
    return found


async def test_a_dry_run_needs_no_ledger_and_starts_nothing(app: App) -> None:
    """From a laptop: Resource Graph and the vaults are read, and that is all."""
    job = await app.fail("vm-01")
    ended = await types(app, "sweep", "--dry-run", "--json", LEDGER_ENDPOINT="")
    assert {each["job"]: each["decision"] for each in ended.json["handled"]}[job] == "triggered"
    assert (await app.posts("vm-01"), ended.err) == ([], "")


async def test_a_sweep_retries_what_nobody_told(app: App) -> None:
    """Once, with the ledger that the app has."""
    await app.fail("vm-02")
    assert (await types(app, "sweep")).code == 0
    assert (await types(app, "sweep")).code == 0
    assert len(await app.posts("vm-02")) == 1
    assert (await app.incident("vm-02")).found_by == "sweep"


async def test_explain_tells_an_incidents_story(app: App) -> None:
    """By the machine's name and by the job's id."""
    job = await app.fail("vm-03")
    await app.alert(backup_failure("vm-03", job))
    by_name, by_job = (
        await types(app, "explain", "vm-03", "--json"),
        await types(app, "explain", job, "--json"),
    )
    assert by_name.json["incident"]["job"] == job
    assert by_job.json["job"] == {"id": job, "status": "Failed"}
    assert by_job.json["steps"][0]["kind"] == "failure_noted"
    assert len(await app.posts("vm-03")) == 1


async def test_a_retry_is_started_and_a_second_refused(app: App) -> None:
    """Once it has recovered there is nothing to retry any more."""
    await app.fail("vm-04")
    assert (await types(app, "retry", "vm-04")).code == 0
    await app.closed("vm-04")
    refused = await types(app, "retry", "vm-04", "--json")
    assert (refused.code, refused.json["decision"]) == (1, "nothing_failed")
    assert len(await app.posts("vm-04")) == 1


async def test_a_pause_holds_the_app_back(app: App) -> None:
    """The running app sees it; resumed, the next follow-up retries."""
    assert (await types(app, "pause", "--why", "test", "--until", "4h", "--scope", vault_id())).code == 0
    status = await types(app, "status", "--json")
    assert [each["why"] for each in status.json["pauses"]] == ["test"]
    await app.fail("vm-05")
    refused = await types(app, "retry", "vm-05", "--json")
    assert (refused.code, refused.json["reason"]) == (1, "paused")
    assert (await types(app, "resume", "--scope", vault_id())).code == 0
    assert (await types(app, "retry", "vm-05")).code == 0


async def test_a_tagged_machine_is_retried_once_a_person_says_so(app: App) -> None:
    """The app asks; the answer is a row of the ledger, and the app's next follow-up goes."""
    await app.failed_and_alerted("asks-first")
    asked = await app.incident("asks-first")
    assert (asked.reason.value, asked.profile, await app.posts("asks-first")) == ("approval", "night", [])
    assert (await types(app, "status")).code == 1
    approved = await types(app, "approve", "asks-first", "--by", "eve", "--json")
    assert [each["approved_by"] for each in approved.json["approved"]] == ["eve"]
    await app.follow_up()
    assert len(await app.posts("asks-first")) == 1
    steps = (await types(app, "explain", "asks-first", "--json")).json["steps"]
    assert {"profile_held", "person_told", "retry_approved", "retry_triggered"} <= {
        each["kind"] for each in steps
    }
    assert (await types(app, "approve", "asks-first")).code == 2


async def test_a_replay_decides_and_leaves_no_trace(app: App, tmp_path: Path) -> None:
    """The alert is read, the vault is asked, nothing is stored."""
    job = await app.fail("vm-06")
    file = tmp_path / "alert.json"
    file.write_text(json.dumps(backup_failure("vm-06", job)))
    ended = await types(app, "replay", str(file), "--json")
    assert [(each["job"], each["decision"]) for each in ended.json["would"]] == [(job, "triggered")]
    assert await app.posts("vm-06") == []
    known = (await types(app, "explain", job, "--json")).json["known_to_the_ledger"]
    assert not known


async def test_incidents_are_listed_from_the_journal(app: App) -> None:
    """What needed a person, with its reason."""
    await app.failed_and_alerted("vm-07", "UserErrorVmProvisioningStateFailed")
    ended = await types(app, "incidents", "--needs-person", "--text", "vm-07", "--json")
    assert [each["reason"] for each in ended.json] == ["needs_action"]
    assert (await types(app, "status")).code == 1


async def test_check_finds_the_deployment_well_and_starts_nothing(app: App) -> None:
    """Identity, vaults, rights, alerts, tables, topic and runs; only reads arrive at the vaults."""
    await app.sweep()
    await app.look_back()
    await app.follow_up()
    before = len(await triggers(app))
    topic = f"{app.stack.run.arm}/topics/grid/api/events"
    profiles = '[{"name": "night"}]'  # of which a machine's tag speaks
    ended = await types(app, "check", "--json", EVENTGRID_TOPIC_ENDPOINT=topic, RETRY_PROFILES=profiles)
    checks = {each["name"]: each["verdict"] for each in ended.json["checks"]}
    assert (ended.code, set(checks.values())) == (0, {"good"}), checks
    assert {"identity", "tables", "topic", "permissions on vault-1", "alerts of vault-1"} <= set(checks)
    assert len(await triggers(app)) == before


async def test_a_terminal_of_sixty_columns_is_enough(app: App) -> None:
    """A real one: its size is asked of the terminal itself, and every line fits."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 60, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        "protection",
        env=environment(app, TERM="xterm", NO_COLOR="1"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = await asyncio.to_thread(read_all, ours)
    assert await process.wait() in {0, 1}, shown
    assert "unprotected: " in " ".join(shown.split())
    assert all(len(line) <= 60 for line in shown.splitlines()), shown


async def test_a_drill_goes_through_the_action_group_to_the_ledger(app: App) -> None:
    """Check knows of it then. Azure begins anew with it."""
    run, settings = app.stack.run, {"LEDGER_ENDPOINT": app.stack.run.table_endpoint}
    deployed = {"subscription": SUBSCRIPTION, "resource_group": "rg-app", "name": "func-ours"}
    azure = estate(vms=7) | {
        "function_apps": [{**deployed, "host": urlsplit(run.host).netloc, "settings": settings}],
        "action_groups": [{"name": "ag-ours"}],
    }
    await app.reset(azure)
    drill = ("drill", "vault-1", "--app", "func-ours", "--json")
    ended = await types(app, *drill)
    assert (ended.code, ended.json["arrived"]) == (0, True), ended
    assert len(app.lines("drill_received")) == 1
    checked = (await types(app, "check", "--app", "func-ours", "--json")).json["checks"]
    said = {each["name"]: (each["verdict"], each["detail"]) for each in checked}
    assert said["alert route of vault-1"][0] == said["webhook"][0] == "good"
    assert "last backup_alert" in said["alerts from vault-1"][1]
    assert "last test never" not in said["alerts from vault-1"][1]


async def test_a_pipe_gets_no_colour(app: App) -> None:
    """Nobody sees it there."""
    for options in (["check"], ["explain", "vm-01"]):
        assert "\x1b" not in (await types(app, *options)).out


@pytest.mark.parametrize(
    ("arguments", "changes", "code", "said"),
    [
        pytest.param(["status"], {"LEDGER_ENDPOINT": ""}, 2, "LEDGER_ENDPOINT is not set", id="settings"),
        pytest.param(["status", "--day"], {}, 2, "No such option", id="usage"),
        pytest.param(
            ["status"], {"LEDGER_ENDPOINT": "https://localhost:1/x"}, 3, "ledger: no response", id="ledger"
        ),
        pytest.param(
            ["explain", "vm-01"], {"ARM_ENDPOINT": "https://localhost:1"}, 3, "no response", id="azure"
        ),
        pytest.param(["retry", "nobody"], {}, 2, "named 'nobody' is visible", id="item"),
        pytest.param(["status"], {"IDENTITY_HEADER": "wrong"}, 3, "az login", id="sign-in"),
    ],
)
async def test_every_failure_is_a_sentence_and_an_exit_code(
    app: App, arguments: list[str], changes: dict[str, str], code: int, said: str
) -> None:
    """Never a traceback."""
    ended = await types(app, *arguments, **changes)
    assert (ended.code, said in ended.err, "Traceback" in ended.err) == (code, True, False), ended
