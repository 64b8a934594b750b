"""A pack of a language: read as people write it, refused with the line where it cannot be meant."""

from __future__ import annotations

import pytest
from doubles.own_words import own_pack

from tg263_scp.errors import NomenclatureError
from tg263_scp.naming.words.packs import read_pack
from tg263_scp.yamlsource import parse


def test_every_phrase_knows_its_line() -> None:
    pack = own_pack("structures:\n  Heart: [gnarb]\n  Liver:\n    - blix\n    - wom\n")
    assert [(p.text, p.means, p.source.line) for p in pack.phrases] == [
        ("gnarb", "Heart", 3),
        ("blix", "Liver", 5),
        ("wom", "Liver", 6),
    ]


def test_words_are_folded_in_each_way_their_accents_are_lost() -> None:
    pack = own_pack("sides:\n  L: [Gnärb]\nmarks:\n  planning: [gnarb blix]\n")
    assert pack.sides == {"gnarb": "L", "gnaerb": "L"}
    assert pack.marks == {"gnarbblix": "planning"}


@pytest.mark.parametrize(
    ("sections", "line", "problem"),
    [
        ("structures:\n  Hart: [gnarb]\n", 3, "'Hart'"),
        ("structure:\n  Heart: [gnarb]\n", 2, "unknown section"),
        ("sites:\n  - {phrase: gnarb, site: moon, means: Heart}\n", 3, "unknown site 'moon'"),
        ("sites:\n  - {phrase: gnarb, site: brain, means: Hart}\n", 3, "'Hart'"),
    ],
)
def test_a_mistake_is_told_with_its_line(sections: str, line: int, problem: str) -> None:
    with pytest.raises(NomenclatureError, match=problem) as error:
        own_pack(sections)
    assert (error.value.where.file, error.value.where.line) == ("en.yaml", line)
    assert error.value.hint


def test_a_pack_without_a_language_is_refused() -> None:
    with pytest.raises(NomenclatureError, match="does not say its language"):
        read_pack(parse("title: Gnarbish\n", "own.yaml"), "own.yaml", frozenset(), frozenset())
