"""Help texts, defaults, README and docs are plain English: words that make a reader stop are not in them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tg263_scp.cli import build_parser
from tg263_scp.config.loading import DEFAULTS_PATH

CHECKOUT = Path(__file__).resolve().parents[1]
UNPLAIN = re.compile(
    r"\bnobody\b|\bwhoever\b|(?<!there )\bis no\b(?! longer\b)|\b(?:people|person) (?:is|are) asked\b"
    r"|\b(?:go|goes|went|left) (?:to|for) a person\b|\bwho fits none\b",
    re.IGNORECASE,
)
"""*Not a* stands for *is no*, *left for review* for *goes to a person*."""


def helps(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every help text of a verb, its options and its verbs below."""
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from helps(child)


TEXTS = {
    "help": "\n".join(helps(build_parser())),
    **{
        path.name: path.read_text(encoding="utf-8")
        for path in (DEFAULTS_PATH, CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md")))
    },
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_for_users_is_plain(name: str) -> None:
    text = " ".join(TEXTS[name].split())
    found = [text[max(0, match.start() - 40) : match.end() + 40] for match in UNPLAIN.finditer(text)]
    assert not found


def test_module_docstrings_are_plain() -> None:
    found = []
    for path in sorted((CHECKOUT / "tg263_scp").rglob("*.py")):
        head = re.match(r'"""(.*?)"""', path.read_text(encoding="utf-8"), re.DOTALL)
        if head and (match := UNPLAIN.search(" ".join(head[1].split()))):
            found.append(f"{path.relative_to(CHECKOUT)}: {match[0]}")
    assert not found


@pytest.mark.parametrize("words", ["it is no organ", "nobody knows", "Whoever calls", "goes to a person"])
def test_unplain_words_are_found(words: str) -> None:
    assert UNPLAIN.search(words)
    assert not UNPLAIN.search("there is no journal, and the file is no longer there")
