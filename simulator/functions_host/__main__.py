"""`python -m simulator.functions_host APP_DIR`: serve a function app until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from simulator.functions_host.functions import AppStartError
from simulator.functions_host.host import FunctionsHost
from simulator.functions_host.keys import Keys
from simulator.functions_host.logs import log_to
from simulator.machine.stopping import stop_requested


def main() -> int:
    """Run the command line."""
    arguments = _parse()
    log_to(arguments.log_file)
    try:
        return asyncio.run(_serve(arguments))
    except AppStartError as error:
        print(f"The host did not start: {error}", file=sys.stderr)
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
    host = FunctionsHost(
        arguments.app_directory,
        keys,
        os.environ,
        storage=arguments.storage,
        log_file=arguments.log_file,
        timers_fire=not arguments.no_timers,
    )
    stopped = stop_requested()
    url = await host.start(arguments.port)
    for kind in (kind for kind, key in given.items() if not key):
        print(f"{kind.replace('_', ' ')} key: {getattr(keys, kind)}")
    print(f"ready {url}", flush=True)
    ends = [asyncio.create_task(event.wait()) for event in (stopped, host.ended)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    await host.close()
    return 0 if stopped.is_set() else 1


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
    parser.add_argument(
        "--storage", type=Path, help="a directory for timers' status and lock; none: they have none"
    )
    parser.add_argument("--log-file", type=Path, help="where the log goes besides the standard error")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
