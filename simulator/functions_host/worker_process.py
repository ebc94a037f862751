"""`python -m simulator.functions_host.worker_process SOCKET APP_DIR [LOG_FILE]`: the app, in a process of its own.

It is told over an inherited socket what to invoke, and is gone as soon as the host is.
"""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from simulator.functions_host.functions import AppStartError, Function
from simulator.functions_host.invocation_log import is_taken
from simulator.functions_host.loaded_app import LoadedApp
from simulator.functions_host.logs import log_to
from simulator.functions_host.messages import receive, send
from simulator.functions_host.protos import TypedData
from simulator.machine.stopping import STOP_SIGNALS


async def serve(connection: socket.socket, app_directory: Path) -> None:
    """Load the app, say which functions it has, or why there are none, and invoke them until the host is gone."""
    reader, writer = await asyncio.open_connection(sock=connection)
    app, running = LoadedApp(app_directory), set[asyncio.Task[None]]()
    try:
        send(writer, await app.start())
    except AppStartError as error:
        send(writer, error)

    async def invoke(number: int, function: Function, data: TypedData) -> None:
        send(writer, (number, await app.invoke(function, data)))

    while True:
        task = asyncio.create_task(invoke(*await receive(reader)))
        running.add(task)
        task.add_done_callback(running.discard)


def main() -> None:
    """Run until the host is gone, then end at once, whatever the app is at."""
    for number in STOP_SIGNALS:  # the host decides when the worker ends
        signal.signal(number, signal.SIG_IGN)
    descriptor, app_directory, *log_file = sys.argv[1:]
    log_to(Path(log_file[0]) if log_file else None, is_taken)
    try:
        asyncio.run(serve(socket.socket(fileno=int(descriptor)), Path(app_directory)))
    except (EOFError, ConnectionError):
        os._exit(0)


if __name__ == "__main__":
    main()
