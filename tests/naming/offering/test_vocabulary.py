"""The index of all wordings: by word, by beginning, by skeleton, by letters."""

from __future__ import annotations

import pytest

from tg263_scp.naming.offering.vocabulary import letters_of, skeleton, vocabulary_of
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("word", "bones"),
    [("cochlea", "chl"), ("Cchl".lower(), "chl"), ("submandibular", "sbmndblr"), ("eye", "e")],
)
def test_a_skeleton_is_the_first_letter_and_the_consonants(word: str, bones: str) -> None:
    assert skeleton(word) == bones


def test_letters_are_bits() -> None:
    assert letters_of("abba") == 0b11
    assert letters_of("é-7") == 0


def test_a_word_leads_to_its_wordings_the_shortest_first(nomenclature: Nomenclature) -> None:
    vocabulary = vocabulary_of(nomenclature)
    found = [vocabulary.wordings[place] for place in vocabulary.holding["bladder"]]
    assert {wording.means for wording in found} >= {"Bladder", "Bladder_Wall", "Gallbladder"}
    assert found[0].words == ("bladder",)
    assert vocabulary.rarity["bladder"] > vocabulary.rarity["artery"]


def test_words_are_found_by_beginning_and_by_skeleton(nomenclature: Nomenclature) -> None:
    vocabulary = vocabulary_of(nomenclature)
    assert "parotid" in set(vocabulary.beginning_with("parot"))
    assert ("chl", "cochlea") in set(vocabulary.with_skeleton("chl"))
    assert not list(vocabulary.beginning_with("xqz"))
