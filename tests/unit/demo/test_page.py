"""The status page as one file that needs no app."""

import pytest

from demo.page import self_contained

ID, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
PAGE = """<!DOCTYPE html><html><head><style>p{color:red}</style></head><body><main id="main">{}</main></body></html>"""
STORY = PAGE.replace("{}", f'<h1 id="headline">web-02 &amp; more</h1><a href="{OTHER}?code=k">before</a>')


def saved(body: str) -> str:
    """The page with this body and one incident's page."""
    return self_contained(PAGE.replace("{}", body), {ID: STORY}, "Saved <now>.")


@pytest.mark.parametrize(
    ("body", "copied"),
    [
        (
            f'<a href="incidents/{ID}?code=k" tabindex="-1">web-02</a>',
            f'<a href="#{ID}" tabindex="-1">web-02</a>',
        ),
        (f'<a href="incidents/{OTHER}?code=k">gone</a>', "gone"),
        ('<th><a href="status?sort=item">Item</a></th>', "<th>Item</th>"),
        ('<a href="https://portal.azure.com/#x">Open</a>', "Open"),
        ('<a href="https://learn.microsoft.com/x" rel="noreferrer">why</a>',) * 2,
        ('<a href="#main">Skip</a>',) * 2,
        ('x<nav class="filters"><div><br>Filter<a href="status">a</a></div></nav>y', "xy"),
        ('<svg viewBox="0 0 1 1"><rect class="f"/></svg>', '<svg viewbox="0 0 1 1"><rect class="f"/></svg>'),
        ("a &lt;b&gt; &#169; &amp;",) * 2,
        ('<td title="a &quot;b&quot;">1</td>',) * 2,
    ],
    ids=[
        "incident",
        "unknown incident",
        "sorting",
        "portal",
        "document",
        "anchor",
        "filters",
        "svg",
        "text",
        "quotes",
    ],
)
def test_what_needs_the_app_is_left_out(body: str, copied: str) -> None:
    """Everything else is copied as it is."""
    page = saved(body)
    main = page[page.index('<main id="main">') : page.index("</main>")]
    assert main == f'<main id="main"><p class="note">Saved &lt;now&gt;.</p>{copied}'


def test_the_incidents_are_in_the_file() -> None:
    """Each under its id, without the ids of its own page, which would be there twice."""
    article = f'<article class="incident" id="{ID}"><p><a href="#main">All items</a></p>'
    assert f"{article}<h1>web-02 &amp; more</h1>before</article>" in saved("")
