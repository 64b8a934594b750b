"""A name that no rule could read, taken apart: sides, margins and words."""

from __future__ import annotations

import pytest

from tg263_scp.naming.offering.written import Form, side_of, ways_of
from tg263_scp.naming.organs.margins import Margin
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature

LEFT, RIGHT = frozenset("L"), frozenset("R")


@pytest.mark.parametrize(
    ("name", "words", "form"),
    [
        ("Gnarblix left", ("gnarblix",), Form(LEFT)),
        ("gnarblix bilat", ("gnarblix",), Form(both=True)),
        ("partial gnarblix R", ("gnarblix",), Form(RIGHT, partial=True)),
        ("Brainstem 3PRV", ("brainstem",), Form(margin=Margin(3, named=True))),
        ("PRVSPINE", ("spine",), Form(margin=Margin(None, named=True))),
        ("gnarblix_0.5", ("gnarblix",), Form(margin=Margin(5, named=True))),
        ("gnarblix_54", ("gnarblix", "54"), Form()),
        ("head of the gnarblix", ("head", "gnarblix"), Form()),
    ],
)
def test_the_first_way_takes_out_what_is_certain(
    name: str, words: tuple[str, ...], form: Form, nomenclature: Nomenclature
) -> None:
    first = ways_of(Query(name), nomenclature.lexicon)[0]
    assert first.words == words
    margin = first.form.margin
    assert (first.form.sides, first.form.both, first.form.partial) == (form.sides, form.both, form.partial)
    assert (margin and (margin.mm, margin.named)) == (form.margin and (form.margin.mm, form.margin.named))


@pytest.mark.parametrize(
    ("name", "words", "sides"),
    [
        ("lon", ("on",), LEFT),
        ("Cóclea D", ("coclea",), RIGHT),
        ("Level II Left: Upper jugular nodes", ("level", "ii"), LEFT),
        ("gnarblix rightkidney", ("gnarblix", "kidney"), RIGHT),
    ],
)
def test_other_ways_take_out_what_is_possible(
    name: str, words: tuple[str, ...], sides: frozenset[str], nomenclature: Nomenclature
) -> None:
    ways = ways_of(Query(name), nomenclature.lexicon)
    assert (words, sides) in [(way.words, way.form.sides) for way in ways]
    assert all(way.share <= ways[0].share for way in ways)


def test_a_side_is_what_english_or_all_languages_say(nomenclature: Nomenclature) -> None:
    lexicon = nomenclature.lexicon
    assert [side_of(word, lexicon) for word in ("left", "sin", "gauche", "heart", "d")] == [
        "L",
        "L",
        "L",
        "",
        "",
    ]
