"""Words glued together: parted where there is one way to do so, left where there are two."""

from __future__ import annotations

import pytest
from doubles.own_words import own_lexicon, own_pack

from tg263_scp.naming.words.compounds import ends_in_false_side, part, partings, segmented
from tg263_scp.naming.words.letters import tokenise

GNARB = own_lexicon(
    own_pack(
        "sides:\n  L: [left, lt, l]\n  R: [right, rt, r]\n"
        "structures:\n  Heart: [gnarb, gnarb blix]\n  Liver: [blixwom, wom]\n  Lung: [smolg]\n"
    )
)


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("gnarbblix", ("gnarb", "blix")),
        ("leftgnarb", ("left", "gnarb")),
        ("gnarblt", ("gnarb", "lt")),
        ("lgnarb", ("l", "gnarb")),
        ("smolgr", ("smolg", "r")),
    ],
)
def test_known_words_are_parted(word: str, pieces: tuple[str, ...]) -> None:
    assert part(word, GNARB) == pieces


@pytest.mark.parametrize("word", ["gnarb", "gnarbx", "xgnarb", "gnarbltx", "lr", "", "g" * 64])
def test_a_word_that_is_known_or_leaves_letters_over_is_not_parted(word: str) -> None:
    assert part(word, GNARB) is None


def test_two_ways_are_no_way() -> None:
    assert set(partings("gnarbblixwom", GNARB)) == {("gnarb", "blixwom")}
    twice = own_lexicon(
        own_pack("structures:\n  Heart: [abc, abcd]\n  Liver: [def, ef]\n  Lung: [efg, defg]\n")
    )
    assert len(partings("abcdefg", twice)) == 2
    assert part("abcdefg", twice) is None


def test_unknown_words_of_a_name_are_parted_and_known_ones_stay() -> None:
    parted = segmented(tokenise("leftgnarb wom", camel=False), GNARB)
    assert parted is not None
    assert [token.text for token in parted] == ["left", "gnarb", "wom"]
    assert segmented(tokenise("gnarb wom"), GNARB) is None


@pytest.mark.parametrize("word", ["retinal", "cochlear", "femurr", "ureterr"])
def test_the_last_letter_of_an_adjective_is_no_side(word: str) -> None:
    assert ends_in_false_side(word)


@pytest.mark.parametrize("word", ["smgr", "lensl", "lr"])
def test_a_letter_behind_a_consonant_may_be_a_side(word: str) -> None:
    assert not ends_in_false_side(word)
