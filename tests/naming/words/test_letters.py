"""Letters: folded alike however a keyboard wrote them, and cut into words without losing one."""

from __future__ import annotations

import pytest

from tg263_scp.naming.words.letters import (
    ends_in_capital,
    fold,
    foldings,
    is_unspaced,
    normalised,
    squeeze,
    tokenise,
)

NASTY = (
    "",
    " ",
    "___",
    "+-*/",
    "\u200b\u202e",
    "０１２",
    "ＬＵＮＧ",
    "ﬁbula",
    "左肺L",
    "Lung\x00L",
    "Ⅳ",
    "½",
    "ß",
    "İ",
    "x" * 64,
)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Hüftkopf", "huftkopf"),
        ("Hu\u0308ftkopf", "huftkopf"),
        ("ＬＵＮＧ", "lung"),
        ("Łagiewka", "lagiewka"),
        ("cœur", "coeur"),
        ("ハイ", "はい"),
        ("ﾊｲ", "はい"),
        ("Лёгкое", "легкое"),
        ("Lung\u200b", "lung"),
    ],
)
def test_one_word_in_many_keyboards_is_one_word(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize("text", NASTY)
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert normalised(normalised(text)) == normalised(text)


def test_an_umlaut_is_lost_in_two_ways() -> None:
    assert foldings("Schädel") == ("schadel", "schaedel")
    assert foldings("Skull") == ("skull",)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LeftLens+3mm", "left lens + 3 mm"),
        ("LLung", "l lung"),
        ("PTV54Gy", "ptv 54 gy"),
        ("Lung_L (old)", "lung l ( old )"),
        ("50,4", "50.4"),
        ("左肺L", "左肺 l"),
        ("", ""),
    ],
)
def test_a_name_is_cut_where_words_begin(name: str, words: str) -> None:
    assert " ".join(token.text for token in tokenise(name)) == words


@pytest.mark.parametrize("name", ["LeftLens", "PTVnR", "McDonald"])
def test_capitals_begin_no_word_where_that_is_not_asked(name: str) -> None:
    assert [token.raw for token in tokenise(name, camel=False)] == [name]


@pytest.mark.parametrize("name", NASTY)
def test_no_letter_or_digit_is_lost(name: str) -> None:
    for camel in (False, True):
        kept = "".join(token.text for token in tokenise(name, camel=camel))
        assert squeeze(kept) == squeeze(name)


def test_a_token_knows_whether_it_was_joined() -> None:
    assert [token.joined for token in tokenise("PTV54 L")] == [False, True, False]


def test_squeezed_are_letters_and_digits_alone() -> None:
    assert squeeze("Spinal_Cord (PRV 05)") == "spinalcordprv05"


def test_a_final_capital_is_a_word_of_its_own() -> None:
    assert ends_in_capital("LinseR")
    assert not ends_in_capital("LUNGR")
    assert not ends_in_capital("Linse")


def test_scripts_without_spaces_are_known() -> None:
    assert is_unspaced("左肺")
    assert not is_unspaced("легкое")
