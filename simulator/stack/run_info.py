"""Where a running stack can be reached, and with which keys."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """The contents of build/run.json. Every URL is complete; those with a key hold it in their query."""

    #: The Functions host.
    host: str
    alerts_url: str
    eventgrid_url: str
    function_key: str
    master_key: str
    eventgrid_key: str
    #: Resource Manager, Entra ID and Event Grid, over TLS.
    arm: str
    ca_file: str
    identity_endpoint: str
    identity_header: str
    table_endpoint: str
    #: The simulator's own API.
    admin: str

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")
