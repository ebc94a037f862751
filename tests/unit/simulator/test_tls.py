import asyncio
from pathlib import Path

from simulator.machine.tls import Certificates, ensure_ca


async def test_a_client_that_trusts_the_authority_reaches_the_server(tmp_path: Path) -> None:
    """The handshake succeeds for both names the certificate is issued for."""
    certificates = ensure_ca(tmp_path)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=certificates.server_context())
    async with server:
        port = server.sockets[0].getsockname()[1]
        for name in ("localhost", "127.0.0.1"):
            assert await _handshake(certificates, port, name) == "TLSv1.3"


async def _handshake(certificates: Certificates, port: int, name: str) -> str:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=certificates.client_context(), server_hostname=name
    )
    version: str = writer.get_extra_info("ssl_object").version()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return version


def test_certificates_are_used_again_while_they_are_valid(tmp_path: Path) -> None:
    """A second run finds the same authority, so that clients need not be told again."""
    before = ensure_ca(tmp_path).ca_file.read_bytes()
    assert ensure_ca(tmp_path).ca_file.read_bytes() == before


def test_unreadable_certificates_are_replaced(tmp_path: Path) -> None:
    """A half-written file of an interrupted run does not stay in the way."""
    certificates = ensure_ca(tmp_path)
    certificates.key_file.write_text("not a key")
    ensure_ca(tmp_path).server_context()
