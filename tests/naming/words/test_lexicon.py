"""The index of all packs: what is found, in which language, and what two letters never find."""

from __future__ import annotations

import pytest
from doubles.own_words import own_lexicon, own_pack

from tg263_scp.naming.words import lexicon_cache
from tg263_scp.naming.words.lexicon import Lexicon, Sense

ENGLISH = own_pack(
    "sides:\n  L: [left, l]\n"
    "words:\n  gnarb: [gnarbs, gnarbe]\n"
    "structures:\n  Heart: [gnarb, big blix]\n  Liver: [wom 2]\n"
    "sites:\n  - {phrase: knull, site: prostate, means: Liver}\n"
    "unlisted: [krump]\nambiguous: [vosk]\n"
)
GERMAN = own_pack("sides:\n  R: [l]\nstructures:\n  Liver: [gnarb]\n", "de")


@pytest.fixture
def both() -> Lexicon:
    return own_lexicon(ENGLISH, GERMAN)


def meanings(lexicon: Lexicon, *words: str) -> set[tuple[str, str]]:
    return {(phrase.language, phrase.means) for phrase in lexicon.find(words)}


def test_words_are_found_in_any_order_and_glued(both: Lexicon) -> None:
    for words in (("big", "blix"), ("blix", "big"), ("bigblix",)):
        assert meanings(both, *words) == {("en", "Heart")}


def test_a_word_of_two_languages_has_both_meanings(both: Lexicon) -> None:
    assert meanings(both, "gnarb") == {("en", "Heart"), ("de", "Liver")}


def test_a_variant_counts_in_its_own_language_only(both: Lexicon) -> None:
    assert meanings(both, "gnarbs") == {("en", "Heart")}


def test_a_number_is_found_with_and_without_its_zero(both: Lexicon) -> None:
    assert meanings(both, "wom", "02") == meanings(both, "wom", "2") == {("en", "Liver")}


@pytest.mark.parametrize(
    ("word", "sense", "site"),
    [("krump", Sense.UNLISTED, ""), ("vosk", Sense.AMBIGUOUS, ""), ("knull", Sense.STRUCTURE, "prostate")],
)
def test_a_phrase_says_what_it_is_good_for_and_where(
    word: str, sense: Sense, site: str, both: Lexicon
) -> None:
    (phrase,) = both.find([word])
    assert (phrase.sense, phrase.site) == (sense, site)


@pytest.mark.parametrize("words", [(), ("nothing",), ("big",), ("blix", "big", "big"), ("gnarb", "wom")])
def test_too_few_and_too_many_words_find_nothing(words: tuple[str, ...], both: Lexicon) -> None:
    assert both.find(words) == ()


def test_a_letter_at_an_end_stays_at_that_end() -> None:
    lexicon = own_lexicon(own_pack("structures:\n  Liver: [g blix]\n"))
    assert meanings(lexicon, "g", "blix") == {("en", "Liver")}
    assert meanings(lexicon, "blix", "g") == set()


def test_a_side_word_has_the_side_of_each_language(both: Lexicon) -> None:
    assert both.sides["l"] == {"en": "L", "de": "R"}
    assert all(both.knows(word) for word in ("left", "blix", "gnarbe", "krump"))
    assert not both.knows("bigblixx")


def test_the_index_written_down_answers_alike(both: Lexicon) -> None:
    again = lexicon_cache.from_text(lexicon_cache.to_text(both))
    assert again is not None
    for words in (["gnarb"], ["gnarbs"], ["big", "blix"], ["knull"], ["nothing"]):
        assert again.find(words) == both.find(words)
    assert again.sides == both.sides


@pytest.mark.parametrize(
    "damage", [lambda text: "", lambda text: text[:-1], lambda text: text.replace("Heart", "Liver", 1)]
)
def test_a_damaged_index_is_none(damage, both: Lexicon) -> None:  # type: ignore[no-untyped-def]
    assert lexicon_cache.from_text(damage(lexicon_cache.to_text(both))) is None
