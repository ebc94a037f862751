"""TCP ports of this machine."""

import random
import socket

LOOPBACK = "127.0.0.1"
#: below the ranges of Linux (32768 on), macOS and Windows (49152 on)
_FIRST, _LAST = 20_000, 32_000
#: on Windows SO_REUSEADDR would let two servers have one port
_ALONE = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)


def free_port() -> int:
    """A port that is free, of those that no system gives to outgoing connections by itself.

    A port of the system's own choice may be taken by somebody's connection before its server listens.
    """
    while not is_free(port := random.randint(_FIRST, _LAST)):
        pass
    return port


def is_free(port: int) -> bool:
    """Whether a server could listen on the port; 0, any port, always is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, _ALONE, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
