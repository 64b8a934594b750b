"""Fractions of targets: what one fraction gets is written only where total and number cannot be mistaken (TG-263 T7)."""

from __future__ import annotations

import pytest

from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.filling import fill, type_tokens
from tg263_scp.naming.targets.fractions import SAFE_TOTALS, Total
from tg263_scp.naming.targets.slots import Slots


def filled(name: str, nomenclature: Nomenclature) -> Slots:
    return fill(type_tokens(Query(name), nomenclature.lexicon)[0], nomenclature.lexicon)


@pytest.mark.parametrize(
    ("total", "holds"),
    [
        (Total(6000, 20, sure=True), True),
        (Total(6000, 20, sure=False), True),
        (Total(2500, 1, sure=True), True),
        (Total(6000, 0, sure=True), False),
        (Total(6000, 46, sure=True), False),
        (Total(5000, 3, sure=True), False),
        (Total(6000, 1, sure=True), False),
        (Total(12100, 11, sure=True), False),
        (Total(1500, 5, sure=True), False),
        (Total(6000, 40, sure=False), False),
        (Total(6000, 2, sure=False), False),
    ],
)
def test_a_total_is_divided_only_where_nothing_else_can_be_meant(total: Total, holds: bool) -> None:
    assert all(test(total) for test in SAFE_TOTALS) is holds


@pytest.mark.parametrize("place", range(len(SAFE_TOTALS)))
def test_each_condition_alone_stops_a_total(place: int) -> None:
    stopped = (
        Total(6000, 60, sure=True),
        Total(5000, 3, sure=True),
        Total(6000, 1, sure=True),
        Total(1500, 5, sure=True),
        Total(6000, 40, sure=False),
    )
    assert [at for at, test in enumerate(SAFE_TOTALS) if not test(stopped[place])] == [place]


@pytest.mark.parametrize(
    ("name", "dose"),
    [
        ("PTV 3x18Gy", "1800x3"),
        ("PTV 18Gyx3", "1800x3"),
        ("PTV 40Gy/5", "800x5"),
        ("PTV 55Gy in 20", "275x20"),
        ("PTV 4005 15fx", "267x15"),
        ("PTV 60 Gy 20 Fraktionen", "300x20"),
        ("PTV 15fx 40.05Gy", "267x15"),
    ],
)
def test_fractions_are_written_as_what_one_of_them_gets(
    name: str, dose: str, nomenclature: Nomenclature
) -> None:
    assert filled(name, nomenclature).dose == dose


@pytest.mark.parametrize("name", ["PTV 50/3", "PTV 16Gy/2", "PTV 60/40", "PTV 3fx 15Gy", "PTV 60/3/2"])
def test_an_unsafe_total_fills_no_slot(name: str, nomenclature: Nomenclature) -> None:
    slots = filled(name, nomenclature)
    assert (slots.dose, slots.doubt) == ("", Doubt.UNSAFE_TOTAL)
