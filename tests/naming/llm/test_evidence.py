"""What known words say against a model's choice."""

from __future__ import annotations

import pytest

from tg263_scp.naming.llm.evidence import contradiction, spoken
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("words", "structure"),
    [("brachiel plexus", "SacralPlex"), ("heart gnarblix", "Liver"), ("larynxx", "Heart"),
     ("食道癌", "Heart"), ("食道癌", "Esophagus")],
)  # fmt: skip
def test_a_known_word_or_one_a_slip_away_contradicts(
    words: str, structure: str, nomenclature: Nomenclature
) -> None:
    assert contradiction(words.split(), structure, Query(words), nomenclature)


@pytest.mark.parametrize(
    ("words", "structure"),
    [
        ("brachiel plexus", "BrachialPlex"),
        ("gnarblix", "Heart"),
        ("", "Heart"),
        ("12", "Heart"),
        ("of gnarblix", "Heart"),
    ],
)
def test_an_unknown_word_contradicts_nothing(words: str, structure: str, nomenclature: Nomenclature) -> None:
    assert not contradiction(words.split(), structure, Query(words), nomenclature)


def test_a_word_of_a_language_that_the_set_does_not_show_is_not_believed(nomenclature: Nomenclature) -> None:
    assert spoken("vessie", Query("vessie"), nomenclature) is None
    known = spoken("vessie", Query("vessie", languages=frozenset({"fr"})), nomenclature)
    assert known is not None
    assert "Bladder" in known.structures


def test_a_word_like_nothing_is_not_spoken(nomenclature: Nomenclature) -> None:
    assert spoken("gnarblixwom", Query(""), nomenclature) is None
