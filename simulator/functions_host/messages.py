"""What host and worker process say to each other over their socket: pickled objects behind their lengths."""

import asyncio
import pickle
from typing import Any

_LENGTH_BYTES = 4


def send(writer: asyncio.StreamWriter, message: object) -> None:
    """Write a message; both ends are of one program, so that pickles are safe."""
    content = pickle.dumps(message)
    writer.write(len(content).to_bytes(_LENGTH_BYTES) + content)


async def receive(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 (whatever was sent)
    """The next message.

    Raises:
        EOFError, ConnectionError: the other end is gone.
    """
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 (our own)
