"""How much a word or a name looks like one that means a structure."""

from __future__ import annotations

import pytest

from tg263_scp.naming.offering.likeness import abbreviated, alike
from tg263_scp.naming.offering.vocabulary import vocabulary_of
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("bladder", "bladder"),
        ("bldder", "bladder"),
        ("brnstm", "brainstem"),
        ("parot", "parotid"),
        ("esophgs", "esophagus"),
        ("lesn", "lens"),
    ],
)
def test_a_word_is_like_the_one_it_stands_for(written: str, meant: str, nomenclature: Nomenclature) -> None:
    assert 0 < alike(written, nomenclature)[meant] <= 1


def test_a_word_is_most_like_itself(nomenclature: Nomenclature) -> None:
    near = alike("rectum", nomenclature)
    assert near["rectum"] == 1.0 == max(near.values())


def test_nothing_is_like_a_word_nobody_knows(nomenclature: Nomenclature) -> None:
    assert alike("xqzwv", nomenclature) == {}


def test_a_shortened_name_holds_letters_of_what_it_means(nomenclature: Nomenclature) -> None:
    found = abbreviated("slplxs", vocabulary_of(nomenclature))
    assert "SacralPlex" in found
    assert "BrachialPlex" not in found
    assert abbreviated("sl", vocabulary_of(nomenclature)) == {}
