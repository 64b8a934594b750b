"""A page stands alone, and what comes from outside is text in it."""

from __future__ import annotations

from html.parser import HTMLParser

from tg263_scp.tools.report.page import heading, page, paragraph, table

NASTY = '<script>alert(1)</script>\u202eLung & "co"'


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.met: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]


def read(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    return tags


def test_texts_of_others_are_never_markup() -> None:
    text = page(NASTY, [heading(NASTY), paragraph(NASTY), table((NASTY,), [(NASTY,)])])
    tags = read(text)
    assert "script" not in tags.met
    assert "\u202e" not in text
    assert "\\u202e" in text


def test_a_page_loads_nothing() -> None:
    text = page("A title", [paragraph("words")])
    assert read(text).links == []
    assert "default-src 'none'" in text


def test_numbers_stand_right_where_asked() -> None:
    assert table(("name", "count"), [("a", "1")], (1,)).text.count("class=number") == 2


def test_only_words_too_long_for_a_page_are_broken() -> None:
    told = table(("name",), [("short words of a sentence",), ("x" * 60,)]).text
    assert told.count("class=long") == 1
