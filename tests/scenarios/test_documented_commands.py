"""Every command that the documents show does what it says, run as a reader would, on the simulated Azure."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from simulator.stack.run_info import RunInfo
from simulator.stack.to_try import examples, write_files
from tests.documents import REPOSITORY, Block, every_block
from tests.kusto.analyzer import diagnostics
from tests.kusto.install import DIRECTORY as KUSTO
from tests.running_app import App
from tests.vm_estate import estate

#: what a block cannot be run for, by a program that it starts or a word that it holds
NOT_HERE = {
    "az": "signs in to a real Azure, or wants the az CLI, which the set-up does not install",
    "azd": "deploys to a real Azure",
    "func": "is Microsoft's own tool, which comes from no package registry",
    "infra/connect.sh": "deploys to a real Azure; tests/unit runs it with a stand-in for az",
    "infra/deploy.sh": "deploys to a real Azure; tests/unit runs it with a stand-in for az",
    "gh": "asks GitHub",
    "infra/preprovision.sh": "asks a real Azure; tests/unit runs it with a stand-in for az",
    "infra/sign-in.sh": "makes applications in a real tenant; tests/unit runs it with a stand-in for az",
    "azure-backup-simulator": "runs until it is stopped; tests/contract/simulator starts it as shown",
    "git": "changes the reader's copy of this repository",
}
#: run by test_demo.py, which looks at what it prints and leaves
THE_DEMO = "make demo\n"
_STARTS = re.compile(r"(?:^|&&|\|\||;|\||\$\()\s*(?:[A-Z_]+=\S+\s+)*([\w./-]+)", re.MULTILINE)
_SECONDS = 200
_IDENTITY = "IDENTITY_ENDPOINT IDENTITY_HEADER SSL_CERT_FILE"
#: curl takes a refusal for a success unless it is told otherwise
_PRELUDE = """set -eu
curl() {{ command curl --fail-with-body --silent --show-error "$@"; }}
make() {{ command make --old-file {venv}/installed VENV={venv} "$@"; }}
"""

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]


def why_not(block: Block) -> list[str]:
    """The reasons why a block is not run here."""
    started = set(_STARTS.findall(block.body))
    return [reason for program, reason in NOT_HERE.items() if program in started]


def shown(*, here: bool) -> list[Block]:
    """The blocks of commands that can or cannot be run here; each text once."""
    found = {block.body: block for block in every_block("sh") if block.body != THE_DEMO}
    return [block for block in found.values() if here is (not why_not(block))]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at_work(app: App) -> App:
    """The app on a day on which its timers have run and all is well."""
    await app.follow_up()
    await app.sweep()
    await app.look_back()
    return app


@pytest.mark.parametrize("block", shown(here=True), ids=str)
async def test_a_shown_command_works(block: Block, at_work: App) -> None:
    """With the addresses of the running stack in place of the standard ones."""
    stack = at_work.stack.run
    status, output = await run(_addressed(block.body, stack), stack)
    assert status == 0, output


async def test_what_make_run_prints_works_in_its_order(at_work: App, tmp_path: Path) -> None:
    """Every example, with nothing in the environment but what the first one reads from cli.env."""
    stack, azure = at_work.stack, estate(vms=40)
    write_files(tmp_path, stack.run, stack.settings, azure)
    commands = "\n".join(command for _, command in examples(tmp_path, stack.run, azure, windows=False))
    status, output = await run(f"unset LEDGER_ENDPOINT ARM_ENDPOINT {_IDENTITY}\n{commands}", stack.run)
    assert status == 0, output
    assert "vm-01 in vault vault-1" in output
    assert (tmp_path / "azure.json").stat().st_size > 0


async def run(commands: str, stack: RunInfo) -> tuple[int | None, str]:
    """Exit code and output of commands in the repository, with the stack's identity."""
    shell = shutil.which("bash") or "/bin/sh"
    process = await asyncio.create_subprocess_exec(
        shell,
        "-c",
        _PRELUDE.format(venv=sys.prefix) + commands,
        cwd=REPOSITORY,
        env=_environment(stack),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(_SECONDS):
        output, _ = await process.communicate()
    return process.returncode, output.decode(errors="replace")


def _environment(stack: RunInfo) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTEST"))}
    return inherited | {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "LEDGER_ENDPOINT": stack.table_endpoint,
        "ARM_ENDPOINT": stack.arm,
        "IDENTITY_ENDPOINT": stack.identity_endpoint,
        "IDENTITY_HEADER": stack.identity_header,
        "SSL_CERT_FILE": stack.ca_file,
    }


def _addressed(commands: str, stack: RunInfo) -> str:
    """The standard addresses replaced by those of the stack."""
    for shown_address, address in (
        ("http://127.0.0.1:8080", stack.admin),
        ("http://127.0.0.1:7071", stack.host),
        ("https://localhost:8443", stack.arm),
    ):
        commands = commands.replace(shown_address, address)
    return commands


@pytest.mark.parametrize("block", shown(here=False), ids=str)
async def test_a_command_that_is_not_run_wants_azure(block: Block) -> None:
    """Bash can at least read it: nothing is left open, and nothing is a typing error of the shell's own."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-n", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    commands = re.sub(r"<[a-zA-Z' ]+>", "placeholder", block.body)
    _, errors = await process.communicate(commands.encode())
    assert (process.returncode, errors.decode()) == (0, "")


@pytest.mark.skipif(not KUSTO.exists(), reason="Microsoft's KQL analyzer is not installed: make")
async def test_the_shown_queries_are_kql(tmp_path: Path) -> None:
    """By Microsoft's own analyzer."""
    queries = []
    for block in every_block("kusto"):
        query = tmp_path / f"{block.document.stem}_{block.line}.kql"
        query.write_text(block.body, encoding="utf-8")
        queries.append(query)
    assert queries
    assert diagnostics(queries) == []
