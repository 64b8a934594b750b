"""Two names that differ in one side letter prove it; which letter is left comes from one language."""

from __future__ import annotations

import pytest

from tg263_scp.naming.notation.mirror_names import is_spoken, mirrors, places, unpaired
from tg263_scp.naming.standard.nomenclature import Nomenclature

NONE = frozenset[str]()


def sides(names: list[str], nomenclature: Nomenclature, *languages: str) -> dict[str, str]:
    found = mirrors(names, nomenclature.lexicon, frozenset(languages))
    return {names[mirror.index]: mirror.side for mirror in found}


@pytest.mark.parametrize(
    ("left", "right"),
    [("LQOX", "RQOX"), ("qoxl", "qoxr"), ("qox l", "qox r"), ("qox_li", "qox_re"), ("qox G 1", "qox D 1"), ("l_qox", "r_qox")],
)  # fmt: skip
def test_two_letters_of_one_language_are_sides(left: str, right: str, nomenclature: Nomenclature) -> None:
    assert sides([left, right], nomenclature) == {left: "L", right: "R"}
    assert sides([right, left], nomenclature) == {left: "L", right: "R"}


@pytest.mark.parametrize(
    "names",
    [
        ["LQOX", "LQOX"],
        ["LQOX", "RQOXX"],
        ["qox V", "qox D"],
        ["LQOX", "QOXR"],
        ["l", "r"],
        ["LX", "RX"],
        ["LQOX", "rqox", "Rqox"],
        ["L" + "q" * 70, "R" + "q" * 70],
    ],
    ids=["equal", "another word", "two languages", "first and last", "no word", "one letter", "two mirrors", "long"],
)  # fmt: skip
def test_names_that_are_no_mirrors(names: list[str], nomenclature: Nomenclature) -> None:
    assert sides(names, nomenclature) == {}


def test_a_letter_of_another_language_is_spoken_where_the_set_shows_it(nomenclature: Nomenclature) -> None:
    french, _ = mirrors(["qox G", "qox D"], nomenclature.lexicon, NONE)
    assert not is_spoken(french.style, nomenclature.lexicon, NONE)
    assert is_spoken(french.style, nomenclature.lexicon, frozenset({"fr"}))
    english, _ = mirrors(["qox L", "qox R"], nomenclature.lexicon, NONE)
    assert is_spoken(english.style, nomenclature.lexicon, NONE)


def test_both_sides_are_spelt_out_for_the_rules(nomenclature: Nomenclature) -> None:
    mirror, _ = mirrors(["LQOX 5mm", "RQOX 5mm"], nomenclature.lexicon, NONE)
    assert mirror.texts() == ("qox 5mm left", "qox 5mm right")


def test_a_name_in_the_style_of_the_set_is_found_without_its_mirror(nomenclature: Nomenclature) -> None:
    mirror, _ = mirrors(["LQOX", "RQOX"], nomenclature.lexicon, NONE)
    found = list(unpaired(["RZAB", "ZABR", "zab r"], {mirror.style: 3}, nomenclature.lexicon))
    assert [(index, place.without_side(), side) for index, place, side, _ in found] == [(0, "zab", "R")]


def test_a_long_name_has_no_places(nomenclature: Nomenclature) -> None:
    assert places("l " * 5000, nomenclature.lexicon) == ()
