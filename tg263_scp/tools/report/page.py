"""One page of HTML that stands alone: no network, no script, fit for the screen and for A4.

Texts come from outside (names, paths, answers). Every text goes through :func:`escaped`; what is markup is a :class:`Html`
and is made in this room only.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tg263_scp.tools.shared.terminal import visible

_STYLE = """
:root { color-scheme: light; --ink: #1b2530; --dim: #5b6773; --line: #d5dbe1; --wrong: #a3142a; --head: #eef2f6; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: #fff; margin: 0 auto;
  max-width: 62rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; } .headline { font-size: 1.15rem; border-left: .3rem solid var(--ink); padding-left: .8rem; }
.note { color: var(--dim); } .wrong { color: var(--wrong); font-weight: 600; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .86rem; }
th, td { text-align: left; vertical-align: top; padding: .22rem .5rem; border-bottom: 1px solid var(--line); }
td.long { overflow-wrap: anywhere; }
th:first-child, td:first-child { min-width: 8.5em; }
th { background: var(--head); } td.number, th.number { text-align: right; white-space: nowrap; }
figure { margin: 1rem 0; break-inside: avoid; } figure svg { max-width: 100%; height: auto; }
figcaption { color: var(--dim); font-size: .86rem; }
@page { size: A4; margin: 14mm 13mm 16mm; }
@media print { body { max-width: none; padding: 0; font-size: 9.5pt; } h2 { break-after: avoid; }
  table { font-size: 7.6pt; } tr { break-inside: avoid; } thead { display: table-header-group; } .wide { overflow: visible; } }
"""
_LONGEST_WORD = 24
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that this room made."""

    text: str


def escaped(text: str) -> str:
    """Return a text as HTML shows it, with what is hidden in it written out.

    >>> escaped("<b>\\u202eLung</b>")
    '&lt;b&gt;\\\\u202eLung&lt;/b&gt;'
    """
    return html.escape(visible(text))


def heading(text: str) -> Html:
    """A section begins."""
    return Html(f"<h2>{escaped(text)}</h2>")


def paragraph(text: str, kind: str = "") -> Html:
    """A paragraph; ``kind`` is ``headline``, ``note``, ``wrong`` or nothing."""
    return Html(f'<p class="{kind}">{escaped(text)}</p>' if kind else f"<p>{escaped(text)}</p>")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> Html:
    """A table with its head on every printed page; ``numbers`` are the columns that stand right."""
    right = frozenset(numbers)

    def cells(tag: str, texts: Sequence[str]) -> str:
        return "".join(_cell(tag, text, number=place in right) for place, text in enumerate(texts))

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    return Html(
        f'<div class="wide"><table><thead><tr>{cells("th", header)}</tr></thead>\n<tbody>{body}</tbody></table></div>'
    )


def _cell(tag: str, text: str, *, number: bool) -> str:
    """A cell; only words that would not fit on A4 are broken."""
    is_long = any(len(word) > _LONGEST_WORD for word in text.split())
    kind = " class=number" if number else " class=long" if is_long else ""
    return f"<{tag}{kind}>{escaped(text)}</{tag}>"


def figure(svg: Html, caption: str) -> Html:
    """A drawing with the sentence that says what it shows."""
    return Html(f"<figure>{svg.text}<figcaption>{escaped(caption)}</figcaption></figure>")


def page(title: str, parts: Iterable[Html]) -> str:
    """Return the whole document."""
    return "\n".join(_document(title, parts)) + "\n"


def _document(title: str, parts: Iterable[Html]) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escaped(title)}</h1>"
    yield from (part.text for part in parts)
    yield "</body>\n</html>"
