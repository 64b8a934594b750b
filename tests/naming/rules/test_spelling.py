"""Misspelt words: how near is near enough, and which words are never corrected."""

from __future__ import annotations

import pytest
from doubles.own_words import own_lexicon, own_pack

from tg263_scp.naming.rules.spelling import (
    completions,
    contested,
    corrections,
    look_alikes,
    offers,
    similar_words,
    tolerance,
)
from tg263_scp.naming.standard.nomenclature import Nomenclature

OWN = own_lexicon(
    own_pack(
        "sides:\n  L: [linkolo]\nmarks:\n  planning: [gnarbo]\n"
        "structures:\n  Heart: [gnarblix, plumbus]\n  Liver: [larvix, snorfel]\n  Lung: [harvix, grum]\n"
    )
)


@pytest.mark.parametrize(("length", "letters"), [(0, 0), (4, 0), (5, 1), (8, 1), (9, 2), (30, 2)])
def test_short_words_must_be_right(length: int, letters: int) -> None:
    assert tolerance(length) == letters


@pytest.mark.parametrize(
    ("written", "meant"),
    [("gnarlix", "gnarblix"), ("gnrablix", "gnarblix"), ("plunbus", "plumbus"), ("ngarblix", "gnarblix")],
)
def test_one_letter_lost_swapped_or_changed_is_corrected(written: str, meant: str) -> None:
    assert [correction.meant for correction in corrections(written, OWN)] == [meant]
    assert not contested(written, OWN)


@pytest.mark.parametrize(
    "written",
    ["plumbusx", "xplumbus", "bnarblix", "gram", "plumbusgrum", "plnmbis", "", "wholly", "左肺左肺左"],
)
def test_what_may_be_a_mark_a_side_or_another_word_is_not(written: str) -> None:
    assert corrections(written, OWN) == ()


def test_a_word_as_near_to_another_meaning_is_contested() -> None:
    assert [correction.meant for correction in corrections("larvyx", OWN)] == ["larvix"]
    assert not contested("larvyx", OWN)
    assert look_alikes("parvix", OWN) == ("harvix", "larvix")
    rival = own_lexicon(own_pack("structures:\n  Lung: [harvix]\n  Liver: [marvyx]\n"))
    assert contested("harvyx", rival)


def test_a_word_as_near_to_a_mark_or_a_side_is_contested() -> None:
    lexicon = own_lexicon(own_pack("marks:\n  planning: [gnarbu]\nstructures:\n  Heart: [gnarbi]\n"))
    assert contested("gnarbo", lexicon)


def test_a_word_cut_off_has_all_its_ends() -> None:
    assert completions("gnarb", OWN) == ("gnarblix",)
    assert completions("link", OWN) == ("linkolo",)
    assert completions("zz", OWN) == ()


def test_offers_are_the_names_that_look_alike_best_first(nomenclature: Nomenclature) -> None:
    found = offers("brainstemm", nomenclature)
    assert found[0][0] == "Brainstem"
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert offers("", nomenclature) == ()
    assert len(offers("lung" * 40, nomenclature)) <= 5


def test_similar_words_are_near_begin_so_or_stand_inside() -> None:
    words = sorted(("grum", "gnarblix", "plumbus", "plumbusolo"))
    assert dict(similar_words("plumbus", words)).keys() >= {"plumbus", "plumbusolo"}
    assert "grum" in dict(similar_words("xxgrumxx", words))
    assert dict(similar_words("wqxz", words)) == {}
