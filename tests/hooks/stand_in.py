"""What the stand-in for az answers: the first of the case's answers that fits the call."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import jmespath

#: whatever is asked of az, these say only how it shows its answer
_SHOWN_BY = ("--query", "--output")


class StandIn:
    """An Azure that plays answers and notes the calls.

    An answer has a pattern that is found in the `call`, and `json` or an `error`; one with `times` is played so often.
    """

    def __init__(self, answers: Sequence[Mapping[str, Any]], directory: Path) -> None:
        self.calls: list[str] = []
        self._answers = answers
        self._directory = directory
        self._played: Counter[int] = Counter()

    def answer(self, arguments: Sequence[str]) -> tuple[int, str]:
        """The exit code of a call, and what it writes: to stdout, or to stderr where it fails."""
        shown, call = self._read(arguments)
        self.calls.append(call)
        for number, answer in enumerate(self._answers):
            if re.search(answer["call"], call) and self._played[number] < answer.get("times", 1000):
                self._played[number] += 1
                return (
                    (1, f"ERROR: {answer['error']}\n")
                    if "error" in answer
                    else (0, _text(answer["json"], shown))
                )
        self.calls.append(f"UNEXPECTED {call}")
        return 1, "ERROR: the case has no answer to this\n"

    def _read(self, arguments: Sequence[str]) -> tuple[dict[str, str], str]:
        """How the answer is to be shown, and the rest of the call, with a file's content in its place."""
        left = iter(arguments)
        shown: dict[str, str] = {}
        asked = [
            self._content(each) for each in left if each not in _SHOWN_BY or shown.update({each: next(left)})
        ]
        return shown, " ".join(asked)

    def _content(self, argument: str) -> str:
        if not argument.startswith("@"):
            return argument
        return json.dumps(json.loads((self._directory / argument[1:]).read_text(encoding="utf-8-sig")))


def _text(answer: Any, shown: Mapping[str, str]) -> str:
    """As az shows it: JSON, or with tabs between the values of a row."""
    if "--query" in shown:
        answer = jmespath.search(shown["--query"], answer)
    if answer is None or shown.get("--output") == "none":
        return ""
    if shown.get("--output") != "tsv":
        return json.dumps(answer, indent=2) + "\n"
    rows = answer if isinstance(answer, list) else [answer]
    return "".join(f"{_row(row)}\n" for row in rows)


def _row(row: Any) -> str:
    if isinstance(row, list):
        return "\t".join(_row(cell) for cell in row)
    return str(row).lower() if isinstance(row, bool) else str(row)


@contextmanager
def listening(stand_in: StandIn) -> Iterator[int]:
    """Let tests/hooks/az ask it; gives the port."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            count = int(self._argument())
            code, text = stand_in.answer([self._argument() for _ in range(count)])
            self.wfile.write(f"{code}\n{text}".encode())

        def _argument(self) -> str:
            read = bytearray()
            while (byte := self.rfile.read(1)) != b"\0":
                read += byte
            return read.decode()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
