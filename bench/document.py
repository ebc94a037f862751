"""The last run's table in docs/performance.md, between its two markers."""

from typing import Any

from bench.figures import Figure, table
from bench.ground import REPOSITORY
from bench.rows import ROWS

DOCUMENT = REPOSITORY / "docs" / "performance.md"
BEGIN = "<!-- figures: python -m bench --write -->\n"
END = "<!-- end of figures -->\n"


def write(results: dict[str, Any]) -> None:
    """Put the figures of these results into the document."""
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8"), results), encoding="utf-8")


def rewritten(text: str, results: dict[str, Any]) -> str:
    """The document with the figures of these results."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_machine(results['machine'])}\n\n{table(ROWS, figures(results))}\n{END}{after}"


def figures(results: dict[str, Any]) -> list[Figure]:
    """The figures of every measurement that has run."""
    return [
        Figure(**each | {"when": measured.get("when", "")})
        for measured in results["measured"].values()
        for each in measured["figures"]
    ]


def _machine(machine: dict[str, Any]) -> str:
    return (
        f"Measured on {machine['processors']} processors ({machine['system']}), Python {machine['python']}."
    )
