"""`python -m simulator` where it cannot start."""

import socket
from pathlib import Path

import pytest

from simulator.__main__ import main


def test_a_taken_port_ends_it_with_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which port, for what, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code = main(["--ca-dir", str(tmp_path), "--arm-port", "0", "--http-port", port])
    assert code == 2
    assert f"port {port} (identity endpoint and admin API) is taken; choose others with --arm-port" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"vault": []}', "vault: Extra inputs"), ("{", "no JSON"), ("[]", "the document: ")],
)
def test_a_malformed_estate_ends_it_with_the_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    """Before anything listens."""
    file = tmp_path / "estate.json"
    file.write_text(content, encoding="utf-8")
    assert (
        main(["--ca-dir", str(tmp_path), "--estate", str(file), "--arm-port", "0", "--http-port", "0"]) == 2
    )
    assert message in capsys.readouterr().err
