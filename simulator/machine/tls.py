"""A throw-away certificate authority, and one server certificate that it signed for this machine."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509

IDENTITIES = ("localhost", "127.0.0.1")
_RENEW_BEFORE = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Where the certificates lie, as PEM files."""

    #: What clients trust (SSL_CERT_FILE, `connection_verify`).
    ca_file: Path
    #: The server's chain, without its key.
    cert_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """A context for servers of localhost and 127.0.0.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file, self.key_file)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A context for clients, that trusts this authority and no other."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def ensure_ca(directory: Path | str) -> Certificates:
    """The certificates in `directory`, made afresh when missing, unreadable or about to expire."""
    directory = Path(directory).absolute()
    certificates = Certificates(
        ca_file=directory / "ca.pem",
        cert_file=directory / "server.pem",
        key_file=directory / "server.key",
    )
    if not _usable(certificates):
        directory.mkdir(parents=True, exist_ok=True)
        _issue(certificates)
    return certificates


def _usable(certificates: Certificates) -> bool:
    try:
        certificates.server_context()
        return all(_outlives(path) for path in (certificates.ca_file, certificates.cert_file))
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        return False


def _outlives(path: Path) -> bool:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.not_valid_after_utc > datetime.now(UTC) + _RENEW_BEFORE


def _issue(certificates: Certificates) -> None:
    authority = trustme.CA()
    server = authority.issue_cert(*IDENTITIES)
    certificates.key_file.touch(mode=0o600)
    server.private_key_pem.write_to_path(certificates.key_file)
    certificates.cert_file.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    authority.cert_pem.write_to_path(certificates.ca_file)
