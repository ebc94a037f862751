"""`python -m simulator.stack`: keep the stack up until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from simulator.machine.locks import InUseError
from simulator.machine.processes import ProcessDiedError
from simulator.machine.stopping import StoppedError, stop_requested, unless_stopped
from simulator.machine.terminal import own_terminal
from simulator.stack.stack import REPOSITORY, Ports, Stack
from simulator.stack.to_try import announcement, write_files

BUILD = Path("build")
STANDARD_PORTS = Ports(host=7071, arm=8443, admin=8080, tables=10002)
#: Somebody watches: the end of a retry is noticed in seconds.
QUICK = {"FOLLOW_UP_SCHEDULE": "*/5 * * * * *"}
_PURPOSES = {
    "host": "Functions host",
    "arm": "Resource Manager and Entra",
    "admin": "identity endpoint and admin API",
    "tables": "Table Storage",
}
#: Variables of the caller that must not become app settings: they would lead the app out of the simulation.
_FOREIGN = ("AZURE_", "MSI_", "IDENTITY_", "ARM_", "LEDGER_", "SSL_CERT_", "REQUESTS_CA_", "PYTHON")
_EXIT_DIED = 1
_EXIT_USAGE = 2


class UsageError(Exception):
    """The stack cannot start as asked; the message says what to change."""


def main() -> int:
    """Run the stack; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator.stack", description=__doc__)
    parser.add_argument("app", type=Path, nargs="?", default=REPOSITORY, help="where function_app.py is")
    arguments = parser.parse_args()
    try:
        with own_terminal():
            return asyncio.run(_run(_ports(os.environ), arguments.app.resolve()))
    except (UsageError, InUseError) as error:
        print(error, file=sys.stderr)
        return _EXIT_USAGE
    except OSError as error:
        print(f"Cannot write {error.filename}: {error.strerror}.", file=sys.stderr)
        return _EXIT_USAGE
    except ProcessDiedError as error:
        print(error, file=sys.stderr)
        return _EXIT_DIED


async def _run(ports: Ports, app: Path) -> int:
    stop = stop_requested()
    stack = Stack(
        QUICK | _app_settings(os.environ), ports=ports, app_directory=app, directory=BUILD / "stack"
    )
    try:
        await unless_stopped(stop, stack.start())
        write_files(BUILD, stack.run, stack.settings)
        print(announcement(BUILD, stack.run), flush=True)
        await stack.until(stop)
    except StoppedError:
        pass
    finally:
        await stack.stop()
    return 0


def _ports(environment: Mapping[str, str]) -> Ports:
    """The standard ports, or those that PORT_HOST and so on choose.

    Raises:
        UsageError: one is no port, or is taken.
    """
    chosen = {name: _port(environment, name) for name in _PURPOSES}
    ports = Ports(**chosen)
    if taken := ports.taken():
        lines = [
            f"  {chosen[name]}  {_PURPOSES[name]}; choose another with {_variable(name)}" for name in taken
        ]
        example = " ".join(f"{_variable(name)}=0" for name in taken)
        raise UsageError(
            "\n".join(["These ports are in use:", *lines, f"For any free ones: {example} make run"])
        )
    return ports


def _port(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(_variable(name), "") or str(getattr(STANDARD_PORTS, name))
    if not (value.isdecimal() and int(value) < 2**16):
        raise UsageError(f"{_variable(name)}={value} is no port number")
    return int(value)


def _variable(name: str) -> str:
    return f"PORT_{name.upper()}"


def _app_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment as app settings, so that `SWEEP_SCHEDULE=… make run` works."""
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(_FOREIGN) and not name.upper().endswith("_PROXY")
    }


if __name__ == "__main__":
    sys.exit(main())
