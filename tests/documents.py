"""What stands in the documents: links, anchors, and fenced blocks with the language that they name."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
#: documents whose fenced blocks have tests of their own: tests/unit/docs/test_cli_docs.py, tests/scenarios/test_cli.py
ELSEWHERE = frozenset({"cli.md"})
_FENCED = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *$", re.MULTILINE)
_NOT_IN_AN_ANCHOR = re.compile(r"[^\w\- ]")
_CODE = re.compile(r"`[^`\n]+`")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block."""

    document: Path
    line: int
    language: str
    body: str

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def blocks(document: Path, *languages: str) -> list[Block]:
    """A document's fenced blocks, without their indentation; of these languages, or all."""
    text = document.read_text(encoding="utf-8")
    found = [
        Block(
            document=document,
            line=text.count("\n", 0, match.start()) + 1,
            language=match["language"],
            body=dedent(match["body"]),
        )
        for match in _FENCED.finditer(text)
    ]
    return [block for block in found if not languages or block.language in languages]


def every_block(*languages: str) -> list[Block]:
    """The fenced blocks of all documents but those that are tested elsewhere."""
    looked_at = [document for document in DOCUMENTS if document.name not in ELSEWHERE]
    return [block for document in looked_at for block in blocks(document, *languages)]


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return _FENCED.sub("", document.read_text(encoding="utf-8"))


def inline_code(document: Path) -> list[str]:
    """What a document sets as code within its sentences."""
    return [code.strip("`") for code in _CODE.findall(prose(document))]


def links(document: Path) -> list[str]:
    """Where a document's links lead."""
    return _LINK.findall(_CODE.sub("", prose(document)))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    return set(_anchors(prose(document)))


def _anchors(text: str) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for heading in _HEADING.finditer(text):
        anchor = _NOT_IN_AN_ANCHOR.sub("", heading["title"].lower()).replace(" ", "-")
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1
