"""`python -m simulator.functions_host APP_DIR`: serve a function app until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from simulator.functions_host.functions import AppStartError
from simulator.functions_host.host import FunctionsHost
from simulator.functions_host.invocation_log import is_taken
from simulator.functions_host.keys import Keys

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main() -> int:
    """Run the command line."""
    arguments = _parse()
    _log_to(arguments.log_file)
    try:
        return asyncio.run(_serve(arguments))
    except AppStartError as error:
        print(f"The function app did not start: {error}", file=sys.stderr)
    except OSError as error:
        print(f"Cannot serve on port {arguments.port}: {error}", file=sys.stderr)
    return 1


async def _serve(arguments: argparse.Namespace) -> int:
    given = {
        "function": arguments.function_key,
        "master": arguments.master_key,
        "event_grid": arguments.eventgrid_key,
    }
    keys = Keys(
        **{kind: key for kind, key in given.items() if key}, event_grid_delay=arguments.eventgrid_key_delay
    )
    host = FunctionsHost(arguments.app_directory, keys, os.environ, timers_fire=not arguments.no_timers)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    url = await host.start(arguments.port)
    for kind in (kind for kind, key in given.items() if not key):
        print(f"{kind.replace('_', ' ')} key: {getattr(keys, kind)}")
    print(f"ready {url}", flush=True)
    await stop.wait()
    await host.close()
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator.functions_host", description=__doc__)
    parser.add_argument("app_directory", type=Path, help="where function_app.py and host.json are")
    parser.add_argument("--port", type=int, default=7071, help="0: any free one")
    for kind in ("function", "master", "eventgrid"):
        parser.add_argument(f"--{kind}-key", help="random unless given, and then printed")
    parser.add_argument(
        "--eventgrid-key-delay",
        type=float,
        default=0.0,
        help="seconds until that key is read, as on a cold start",
    )
    parser.add_argument(
        "--no-timers", action="store_true", help="no timer fires; calls and events go on working"
    )
    parser.add_argument("--log-file", type=Path, help="where the log goes besides the standard error")
    return parser.parse_args()


def _log_to(log_file: Path | None) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if log_file is not None:
        handlers.append(logging.FileHandler(log_file))
    for handler in handlers:
        handler.addFilter(is_taken)
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT, handlers=handlers)
    # The worker library logs a line before each invocation; the host logs one after it.
    logging.getLogger("azure.functions").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
