"""The terms of a combination: where an operator stands, and what is beside it."""

from __future__ import annotations

import pytest

from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.terms import Sort, operand_of, operators, spelt_out
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import tokenise


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("PTV 60", Sort.TARGET),
        ("patient", Sort.BODY),
        ("left lung", Sort.ORGAN),
        ("kidney", Sort.ORGAN),
        ("R globe PS", Sort.ORGAN_IN_PART),
        ("mandible_QQ", Sort.ORGAN_IN_PART),
        ("thalamus", Sort.UNLISTED),
        ("5 mm", Sort.LENGTH),
        ("54", Sort.NUMBER),
        ("left", Sort.OF_TARGET),
        ("bulb", Sort.AMBIGUOUS),
        ("gnarblix", Sort.UNKNOWN),
        ("", Sort.NOTHING),
    ],
)
def test_a_term_is_read_like_a_name_of_its_own(text: str, sort: Sort, nomenclature: Nomenclature) -> None:
    assert operand_of(tokenise(text, camel=False), False, Query(text), nomenclature).sort is sort


def test_words_of_targets_are_theirs_only_in_a_target(nomenclature: Nomenclature) -> None:
    words = tokenise("nodal")
    assert operand_of(words, True, Query("PTV nodal"), nomenclature).sort is Sort.OF_TARGET
    assert operand_of(words, False, Query("nodal"), nomenclature).sort is not Sort.OF_TARGET


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("heart w/o liver", [("minus", "heart", "liver")]),
        ("lung removed from heart", [("minus", "lung", "heart")]),
        ("a & b", [("union", "a", "b")]),
        ("Brainstem (not medulla)", []),
        ("Lungs (excl GTV)", [("minus", "lungs", "gtv")]),
    ],
)
def test_an_operator_has_its_terms(
    name: str, found: list[tuple[str, str, str]], nomenclature: Nomenclature
) -> None:
    tokens = spelt_out(tokenise(name, camel=False))
    seen = [
        (one.kind, " ".join(t.text for t in one.left), " ".join(t.text for t in one.right))
        for one in operators(tokens, False, nomenclature.lexicon)
    ]
    assert seen == found


def test_beside_the_nearest_terms_all_that_stands_before_and_behind_is_one(
    nomenclature: Nomenclature,
) -> None:
    tokens = tokenise("a - b + c")
    rights = {tuple(t.text for t in one.right) for one in operators(tokens, False, nomenclature.lexicon)}
    assert rights == {("b",), ("b", "c"), ("c",)}
