"""Margins in millimetres: read out of a name, and refused where a number may be something else (TG-263 N8)."""

from __future__ import annotations

import pytest

from tg263_scp.naming.organs.margins import Margin, take_margin
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import tokenise


def taken(name: str, nomenclature: Nomenclature) -> tuple[Margin | None, str]:
    margin, rest = take_margin(tokenise(name, camel=False), nomenclature.lexicon)
    return margin, " ".join(token.text for token in rest)


@pytest.mark.parametrize(
    ("name", "mm", "rest"),
    [
        ("Cord+5mm", 5, "cord"),
        ("cord plus 0.5 cm", 5, "cord"),
        ("Cord_5mm", 5, "cord"),
        ("Cord+0.5", 5, "cord"),
        ("cord +0,5", 5, "cord"),
        ("cord PRV05", 5, "cord"),
        ("PRV+5 cord", 5, "cord"),
        ("PRV cord 5", 5, "cord"),
        ("cord 1 cm", 10, "cord"),
        ("lens L + 3 mm", 3, "lens l"),
        ("cord + 10", 10, "cord"),
    ],
)
def test_a_length_is_a_margin_in_millimetres(
    name: str, mm: int, rest: str, nomenclature: Nomenclature
) -> None:
    margin, left = taken(name, nomenclature)
    assert margin is not None
    assert (margin.valid, margin.mm, left) == (True, mm, rest)


@pytest.mark.parametrize("name", ["cord", "cord 5", "Rib 5 L", "cord_2", "", "5", "cord 5 ml", "lens 3"])
def test_a_bare_number_is_no_margin(name: str, nomenclature: Nomenclature) -> None:
    margin, left = taken(name, nomenclature)
    assert margin is None
    assert left == " ".join(token.text for token in tokenise(name, camel=False))


@pytest.mark.parametrize(
    "name", ["cord+1", "Body-3mm", "cord 3mm 5mm", "cord + 2.5 mm", "cord 0 mm", "cord 6 cm", "cord+2.5", "PRV 99 cord"]
)  # fmt: skip
def test_what_cannot_be_read_safely_is_not_valid(name: str, nomenclature: Nomenclature) -> None:
    margin, _ = taken(name, nomenclature)
    assert margin is not None
    assert not margin.valid


def test_prv_alone_is_a_margin_of_no_length(nomenclature: Nomenclature) -> None:
    margin, left = taken("PRV cord", nomenclature)
    assert margin is not None
    assert (margin.mm, margin.named, margin.valid, left) == (None, True, True, "cord")


@pytest.mark.parametrize(("mm", "digits"), [(None, ("",)), (3, ("03", "3")), (10, ("10",))])
def test_two_digits_are_preferred_and_one_is_allowed(mm: int | None, digits: tuple[str, ...]) -> None:
    assert Margin(mm, named=True).digits == digits
