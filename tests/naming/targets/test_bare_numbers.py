"""A number without a unit: each test of what it may be, with the nearest name that it must let pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets import bare_numbers
from tg263_scp.naming.targets.bare_numbers import Number
from tg263_scp.naming.targets.filling import fill, type_tokens


def number_of(name: str, nomenclature: Nomenclature) -> Number:
    """The last number of a name, with what stands before it filled into its slots."""
    tokens, _ = type_tokens(Query(name), nomenclature.lexicon)
    at = max(place for place, token in enumerate(tokens) if token.is_number)
    slots = fill(tokens[:at], nomenclature.lexicon)
    return Number(tokens, at, slots, nomenclature.lexicon.number_words, behind=slots.last)


@pytest.mark.parametrize(
    ("test", "holds", "holds_not"),
    [
        (bare_numbers.is_length, "PTV 5 mm", "PTV 5 m"),
        (bare_numbers.counts_fractions, "PTV 5 fx", "PTV 5 f"),
        (bare_numbers.is_phase, "GTV 50 ph", "GTV 50 p"),
        (bare_numbers.is_share, "GTV 41%", "GTV 41"),
        (bare_numbers.is_ordinal, "CTV 3rd", "CTV 3 rd"),
        (bare_numbers.is_field_strength, "GTV 3T", "GTV3T"),
        (bare_numbers.may_be_year, "PTV 2024", "PTV 2000"),
        (bare_numbers.may_be_breathing_phase, "GTV 50", "PTV 50"),
        (bare_numbers.may_be_breathing_phase, "ITV 20", "ITV 60"),
        (bare_numbers.may_be_copy, "CTV 70.1", "CTV 70.2"),
        (bare_numbers.may_be_two_doses, "CTV 54,60", "CTV 60,54"),
        (bare_numbers.may_be_two_doses, "CTV 54,60", "CTV 54.60"),
        (bare_numbers.may_be_station, "GTV 4R", "GTV 5R"),
        (bare_numbers.may_be_station, "GTV LN7", "GTV N7"),
        (bare_numbers.may_be_vertebra, "PTV T12", "PTV T13"),
        (bare_numbers.may_be_vertebra, "PTV L2", "PTV54L2"),
        (bare_numbers.may_be_vertebra, "PTV T1", "PTVt1"),
        (bare_numbers.is_index, "GTV 03", "PTV 03"),
        (bare_numbers.is_index, "PTV 1", "PTV 0"),
        (bare_numbers.is_bare_dose, "PTV 86", "PTV 87"),
        (bare_numbers.is_bare_dose, "PTV 1000", "PTV 999"),
        (bare_numbers.is_bare_dose, "PTV boost 16", "PTV 16"),
        (bare_numbers.may_be_crop, "PTV - 4", "PTV-1"),
        (bare_numbers.may_be_revision, "GTV R3", "GTV R 3"),
        (bare_numbers.may_be_neck_level, "PTV neck 4", "PTV pelvis 4"),
        (bare_numbers.may_count_copies, "CTV60_2", "CTV_2"),
        (bare_numbers.may_count_copies, "PTV (2)", "PTV 2"),
        (bare_numbers.may_be_dose, "PTV 6", "PTV 5"),
        (bare_numbers.may_be_phase_or_plan, "PTV_P1", "PTVp1"),
        (bare_numbers.may_be_numbered_node, "CTV N7", "CTV N4"),
        (bare_numbers.may_be_numbered_node, "GTV 3P", "GTV 4P"),
    ],
)
def test_each_test_holds_for_its_names_only(
    nomenclature: Nomenclature, test: Callable[[Number], bool], holds: str, holds_not: str
) -> None:
    assert test(number_of(holds, nomenclature))
    assert not test(number_of(holds_not, nomenclature))
