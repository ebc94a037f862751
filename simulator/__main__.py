"""`azure-backup-simulator`, or `python -m simulator`: Azure on this machine, until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.estate.estate_file import DEFAULT_ESTATE, EstateError
from simulator.machine.stopping import stop_requested
from simulator.server import PortTakenError, RunningServer, ServerConfig, serve

_EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; the result is the exit code."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_run(_config(options)))
    except (PortTakenError, EstateError, OSError, ValueError) as error:
        print(f"simulator: {_advice(error)}", file=sys.stderr)
        return _EXIT_USAGE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="azure-backup-simulator", description="Azure on this machine.")
    parser.add_argument(
        "--arm-port", type=int, default=8443, help="Resource Manager and Entra, over TLS (0: any)"
    )
    parser.add_argument(
        "--http-port", type=int, default=8080, help="identity endpoint and admin API (0: any)"
    )
    parser.add_argument(
        "--ca-dir", type=Path, default=Path("build/simulator"), help="where the certificates lie"
    )
    parser.add_argument("--estate", type=Path, help="the estate as JSON; see docs/simulator.md")
    parser.add_argument("--alerts-url", help="where action groups without a webhook deliver")
    parser.add_argument("--eventgrid-url", help="where event subscriptions without an endpoint deliver")
    return parser


def _config(options: argparse.Namespace) -> ServerConfig:
    return ServerConfig(
        ca_directory=options.ca_dir,
        arm_port=options.arm_port,
        http_port=options.http_port,
        estate=_estate(options.estate),
        alerts_url=options.alerts_url,
        eventgrid_url=options.eventgrid_url,
    )


def _estate(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return DEFAULT_ESTATE
    try:
        document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EstateError(f"{path}: no JSON: {error}") from error
    return document


def _advice(error: Exception) -> str:
    if isinstance(error, PortTakenError):
        return f"{error}; choose others with --arm-port and --http-port"
    return str(error)


async def _run(config: ServerConfig) -> None:
    stop = stop_requested()
    async with await serve(config) as server:
        print(json.dumps(_addresses(server)), flush=True)
        await stop.wait()


def _addresses(server: RunningServer) -> dict[str, str | int]:
    """What a caller needs to know, on one line."""
    return {
        "arm": server.arm_url,
        "admin": server.admin_url,
        "identity_endpoint": server.identity_endpoint,
        "identity_header": server.identity_header,
        "ca_file": str(server.certificates.ca_file),
        "pid": os.getpid(),
    }


def run() -> None:
    """The entry point `azure-backup-simulator`."""
    sys.exit(main())


if __name__ == "__main__":
    run()
